//! A store in etcd, which any number of managers share.
//!
//! A write is one record in a log (docs/adr/0014): `head` is the generation, `change/GENERATION` what was
//! written, `base` names all documents at a generation from which on the records are kept. What is too large for a
//! key stands in `part/GENERATION-ID/NUMBER`. Every manager has all documents in memory and follows the log.

mod client;
mod follow;
mod keys;
mod leases;
mod log;
mod options;
mod state;
mod watch;
mod wire;
mod write;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch as channel, task::JoinHandle, time::timeout};

pub use self::{leases::EtcdLeases, options::EtcdOptions};

use self::{
    client::Client,
    follow::{Backoff, follow},
    keys::Keys,
    log::{Log, LogError},
    state::State,
};
use super::{Batch, Key, Record, Snapshot, Store, StoreError};

/// How long to wait for what is on its way.
const ARRIVAL: Duration = Duration::from_secs(5);
/// Unique number of anything on this machine.
const UUID: &str = "/proc/sys/kernel/random/uuid";

/// Documents in etcd.
pub struct EtcdStore {
    inner: Arc<Inner>,
    runtime: Handle,
    follower: JoinHandle<()>,
}

/// What the store and its tasks share.
struct Inner {
    log: Log,
    /// Records that are kept at least.
    keep: u64,
    state: Mutex<State>,
    generation: channel::Sender<u64>,
    /// Marks the writes of this process.
    mark: String,
    writes: AtomicU64,
}

impl EtcdStore {
    /// Reads the store below `prefix`, and follows it from then on. If etcd cannot be reached, that is logged, and
    /// tried until it can. At least the last `keep` records are remembered.
    ///
    /// # Errors
    /// If an option makes no sense, or if what is below the prefix is no store.
    pub async fn open(options: &EtcdOptions, prefix: &str, keep: u64) -> Result<Self, StoreError> {
        let log = Log { client: Client::new(options)?, keys: Keys::new(prefix) };
        let state = load(&log).await?;
        let mark = fs::read_to_string(UUID).map_err(|error| StoreError::Engine {
            action: "read",
            path: UUID.into(),
            source: error.into(),
        })?;
        let inner = Arc::new(Inner {
            log,
            keep: keep.max(1),
            generation: channel::Sender::new(state.generation),
            state: Mutex::new(state),
            mark: mark.trim().into(),
            writes: AtomicU64::new(0),
        });
        let follower = tokio::spawn(follow(Arc::clone(&inner)));
        Ok(Self { inner, runtime: Handle::current(), follower })
    }

    fn read<T>(&self, read: impl Future<Output = Result<T, LogError>>) -> Result<T, StoreError> {
        self.runtime.block_on(read).map_err(|error| error.told(&self.inner.log))
    }

    /// Sees to it that the log does not grow for ever: whoever has written one of `keep` records writes a base.
    fn settle(&self, generation: u64) {
        if generation.is_multiple_of(self.inner.keep) {
            let inner = Arc::clone(&self.inner);
            self.runtime.spawn(async move { inner.settle().await });
        }
    }
}

impl Drop for EtcdStore {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Reads the store, as often as it takes.
async fn load(log: &Log) -> Result<State, StoreError> {
    let mut backoff = Backoff::default();
    loop {
        match log.load().await {
            Ok((state, _)) => return Ok(state),
            Err(LogError::Gap) => backoff.pause(&log.client.name(), "it changed while it was read").await,
            Err(LogError::Failure(failure)) if failure.again => {
                backoff.pause(&log.client.name(), &failure.reason).await;
            }
            Err(error) => return Err(error.told(log)),
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record into the state; false if one before it is missing.
    fn replay(&self, record: &Record) -> bool {
        let mut state = self.state();
        if record.generation <= state.generation {
            return true;
        }
        let taken = state.replay(record);
        if taken {
            self.generation.send_replace(record.generation);
        }
        taken
    }

    /// Waits until this generation has arrived here.
    async fn reach(&self, generation: u64) -> Result<(), StoreError> {
        let mut news = self.generation.subscribe();
        match timeout(ARRIVAL, news.wait_for(|known| *known >= generation)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Unreachable {
                place: self.log.client.name(),
                reason: format!("generation {generation} does not arrive"),
            }),
        }
    }

    fn damaged(&self, Key { kind, name }: &Key, source: serde_json::Error) -> StoreError {
        StoreError::Damaged { what: format!("document {kind}/{name}"), path: self.log.client.name(), source }
    }

    fn next_id(&self) -> String {
        format!("{}.{}", self.mark, self.writes.fetch_add(1, Ordering::Relaxed))
    }

    async fn settle(&self) {
        let state = self.state().clone();
        if let Err(error) = self.log.write_base(&state, &self.next_id(), self.keep).await {
            tracing::warn!("the log cannot be shortened: {}", error.told(&self.log));
        }
    }

    async fn since(&self, generation: u64) -> Result<Option<Vec<Record>>, LogError> {
        let newest = {
            let state = self.state();
            if let Some(records) = state.since(generation) {
                return Ok(Some(records));
            }
            state.generation
        };
        let mut records: Vec<Record> = Vec::new();
        let mut known = generation;
        while known < newest {
            let more = self.log.records(known, 0).await?;
            if more.first().map(|record| record.generation) != Some(known + 1) {
                return Ok(None);
            }
            records.extend(more);
            known = records.last().map_or(newest, |record| record.generation);
        }
        records.retain(|record| record.generation <= newest);
        Ok((generation <= newest).then_some(records))
    }
}

impl Store for EtcdStore {
    fn get(&self) -> Result<Snapshot, StoreError> {
        let State { generation, documents, .. } = self.inner.state().clone();
        let mut parsed = BTreeMap::new();
        for (key, text) in documents.iter() {
            let document = serde_json::from_str(text).map_err(|source| self.inner.damaged(key, source))?;
            parsed.insert(key.clone(), document);
        }
        Ok(Snapshot { generation, documents: parsed })
    }

    fn put(&self, expected: u64, batch: &Batch, author: &str) -> Result<u64, StoreError> {
        let generation = self.runtime.block_on(self.inner.write(expected, batch, author))?;
        self.settle(generation);
        Ok(generation)
    }

    fn since(&self, generation: u64) -> Result<Option<Vec<Record>>, StoreError> {
        self.read(self.inner.since(generation))
    }

    fn last(&self, count: usize) -> Result<Vec<Record>, StoreError> {
        self.read(self.inner.log.last(count))
    }

    fn oldest(&self) -> Result<u64, StoreError> {
        let oldest = self.read(self.inner.log.oldest())?;
        Ok(oldest.map_or_else(|| self.inner.state().generation, |oldest| oldest - 1))
    }

    fn backup(&self) -> Result<File, StoreError> {
        Err(StoreError::NoBackup { place: self.inner.log.client.name() })
    }

    fn watch(&self) -> channel::Receiver<u64> {
        self.inner.generation.subscribe()
    }
}
