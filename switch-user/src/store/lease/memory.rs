//! Entries in the memory of this process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::future::{BoxFuture, ready};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use super::{Entries, Entry, Leases};
use crate::store::StoreError;

/// Entries of one process. The next one knows none of them: whoever judges by them gives everybody one time-out
/// to come back.
pub struct MemoryLeases {
    deadlines: Mutex<Deadlines>,
    entries: watch::Sender<Entries>,
    /// Something expires sooner than was known.
    sooner: Arc<Notify>,
}

/// When entries expire.
#[derive(Default)]
struct Deadlines {
    by_name: BTreeMap<String, Instant>,
    /// When the task looks again.
    next: Option<Instant>,
}

impl MemoryLeases {
    /// No entries, and a task that ends those whose time is over.
    ///
    /// # Panics
    /// Outside of an async runtime.
    pub fn start() -> Arc<Self> {
        let leases = Arc::new(Self {
            deadlines: Mutex::default(),
            entries: watch::Sender::new(Entries::default()),
            sooner: Arc::default(),
        });
        tokio::spawn(expire(Arc::downgrade(&leases), Arc::clone(&leases.sooner)));
        leases
    }

    /// Changes deadlines and entries together.
    fn locked<T>(&self, run: impl FnOnce(&mut Deadlines) -> T) -> T {
        run(&mut self.deadlines.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, change: impl FnOnce(&mut BTreeMap<String, Arc<Entry>>)) {
        self.entries.send_modify(|entries| change(Arc::make_mut(entries)));
    }

    /// Makes or renews an entry, unless another instance has the name.
    fn renew(&self, name: &str, entry: &Entry, timeout: Duration) -> Result<(), StoreError> {
        let deadline = Instant::now() + timeout;
        self.locked(|deadlines| {
            let known = self.entries.borrow().get(name).cloned();
            if let Some(known) = known.as_ref().filter(|known| known.instance != entry.instance) {
                let instance = known.instance.clone();
                return Err(StoreError::Taken { name: name.into(), instance });
            }
            deadlines.by_name.insert(name.into(), deadline);
            if deadlines.next.is_none_or(|next| deadline < next) {
                self.sooner.notify_one();
            }
            if known.as_deref() != Some(entry) {
                self.publish(|entries| drop(entries.insert(name.into(), Arc::new(entry.clone()))));
            }
            Ok(())
        })
    }

    /// Ends what is over, and says when the next one is.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        self.locked(|deadlines| {
            let over: Vec<String> = deadlines
                .by_name
                .extract_if(.., |_, deadline| *deadline <= now)
                .map(|(name, _)| name)
                .collect();
            if !over.is_empty() {
                self.publish(|entries| over.iter().for_each(|name| drop(entries.remove(name))));
            }
            deadlines.next = deadlines.by_name.values().min().copied();
            deadlines.next
        })
    }
}

impl Drop for MemoryLeases {
    fn drop(&mut self) {
        self.sooner.notify_one();
    }
}

/// Ends entries when their time is over, for as long as somebody has the leases.
async fn expire(leases: Weak<MemoryLeases>, sooner: Arc<Notify>) {
    while let Some(next) = leases.upgrade().map(|leases| leases.sweep(Instant::now())) {
        let over = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            () = sooner.notified() => {}
        }
    }
}

impl Leases for MemoryLeases {
    fn keep<'a>(
        &'a self,
        name: &'a str,
        entry: &'a Entry,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(self.renew(name, entry, timeout)))
    }

    fn watch(&self) -> watch::Receiver<Entries> {
        self.entries.subscribe()
    }
}

#[cfg(test)]
mod tests;
