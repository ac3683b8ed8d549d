//! Keeping up with what others write.

use std::{sync::Arc, time::Duration};

use super::{
    Inner,
    client::Failure,
    keys::Keys,
    log::LogError,
    wire::{Event, KeyValue},
};

/// Pauses while etcd does not answer: the first and the longest one.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// Pauses that grow.
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(PAUSES[0])
    }
}

impl Backoff {
    /// Waits a moment before something that has ended is begun anew.
    pub(super) async fn breath() {
        tokio::time::sleep(PAUSES[0]).await;
    }

    /// Says why nothing works, and waits.
    pub(super) async fn pause(&mut self, place: &str, reason: &str) {
        let seconds = self.0.as_secs_f32();
        tracing::warn!("{place} cannot be reached: {reason}; tried again in {seconds} s");
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(PAUSES[1]);
    }
}

/// Follows the store for as long as this is not dropped.
pub(super) async fn follow(inner: Arc<Inner>) {
    let mut backoff = Backoff::default();
    loop {
        let outcome = inner.round(&mut backoff).await;
        match outcome {
            // All is read again.
            Ok(()) | Err(LogError::Gap) => {}
            Err(LogError::Failure(failure)) => backoff.pause(&inner.log.client.name(), &failure.reason).await,
            Err(LogError::Corrupt(details)) => {
                backoff.pause(&inner.log.client.name(), &format!("it is damaged: {details}")).await;
            }
        }
    }
}

impl Inner {
    /// Catches up and follows from there, until something goes wrong.
    async fn round(&self, backoff: &mut Backoff) -> Result<(), LogError> {
        let revision = self.catch_up().await?;
        *backoff = Backoff::default();
        let mut watch = match self.log.client.watch(self.log.keys.changes(None), revision + 1).await {
            Ok(watch) => watch,
            Err(failure) => return Self::ended(&failure).await,
        };
        loop {
            match watch.next().await {
                Ok(events) => self.take(events).await?,
                Err(failure) => return Self::ended(&failure).await,
            }
        }
    }

    /// A watch may end for many reasons, and another member will do. Only if that does not answer either,
    /// somebody needs to know.
    async fn ended(failure: &Failure) -> Result<(), LogError> {
        tracing::debug!("etcd: {}", failure.reason);
        Backoff::breath().await;
        Ok(())
    }

    /// Reads what is missing; returns the revision up to which nothing is.
    async fn catch_up(&self) -> Result<i64, LogError> {
        let (newest, revision) = self.log.head().await?;
        let mut known = self.state().generation;
        if newest < known {
            tracing::warn!("{} went back from generation {known} to {newest}", self.log.client.name());
            return self.reload(true).await;
        }
        while known < newest {
            let records = self.log.records(known, revision).await?;
            if records.is_empty() || !records.iter().all(|record| self.replay(record)) {
                return self.reload(false).await;
            }
            known = self.state().generation;
        }
        Ok(revision)
    }

    /// Reads all again: because what is known is not true any more, or because records are missing.
    async fn reload(&self, untrue: bool) -> Result<i64, LogError> {
        let (loaded, revision) = self.log.load().await?;
        let mut state = self.state();
        // A write of our own may have been quicker.
        if untrue || loaded.generation > state.generation {
            self.generation.send_replace(loaded.generation);
            *state = loaded;
        }
        drop(state);
        Ok(revision)
    }

    async fn take(&self, events: Vec<Event>) -> Result<(), LogError> {
        // Records are removed when they are old, which is no news.
        let puts = events.into_iter().filter(|event| event.kind == 0).filter_map(|event| event.kv);
        for kv in puts {
            self.take_record(&kv).await?;
        }
        Ok(())
    }

    async fn take_record(&self, kv: &KeyValue) -> Result<(), LogError> {
        let Some(generation) = Keys::generation(&kv.key) else { return Ok(()) };
        if generation <= self.state().generation {
            return Ok(());
        }
        let record = self.log.read(kv, kv.mod_revision).await?;
        if self.replay(&record) { Ok(()) } else { Err(LogError::Gap) }
    }
}
