//! Where the configuration lives: versioned documents, compare-and-swap writes, a history, a stream of changes.

mod error;
mod etcd;
mod lease;
mod record;
mod redb;
mod schema;

use std::{collections::BTreeMap, fs::File};

use tokio::sync::watch;

pub use self::{
    error::StoreError,
    etcd::{EtcdLeases, EtcdOptions, EtcdStore},
    lease::{Entries, Entry, Leases, MemoryLeases},
    record::{Record, Row},
    redb::RedbStore,
};

/// Identifies a document: kind and name, such as `Port` and `p1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Kind of the object.
    pub kind: String,
    /// Its name; empty for a singleton.
    pub name: String,
}

/// All documents at one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of the last write; 0 for an empty store.
    pub generation: u64,
    /// One JSON document an object.
    pub documents: BTreeMap<Key, serde_json::Value>,
}

/// A write: documents to put, or to remove where the value is `None`.
pub type Batch = BTreeMap<Key, Option<serde_json::Value>>;

/// How many writes a store remembers.
pub const KEPT_RECORDS: u64 = 1000;

/// A place that keeps documents and how they came to be.
///
/// Calls may block for as long as a disk or other machines take; callers on an async runtime use `spawn_blocking`.
pub trait Store: Send + Sync + 'static {
    /// All documents and their generation, consistent with each other.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self) -> Result<Snapshot, StoreError>;

    /// Writes the batch as one transaction if the store is still at generation `expected`, and
    /// returns the new generation. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if somebody else wrote first; nothing is written then.
    fn put(&self, expected: u64, batch: &Batch, author: &str) -> Result<u64, StoreError>;

    /// The writes after `generation`, oldest first; `None` if not all of them are remembered.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn since(&self, generation: u64) -> Result<Option<Vec<Record>>, StoreError>;

    /// The newest writes, newest first; all that are remembered if there are fewer.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last(&self, count: usize) -> Result<Vec<Record>, StoreError>;

    /// The oldest generation that the history leads back to.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn oldest(&self) -> Result<u64, StoreError>;

    /// A copy of the whole store as of one generation, in the form that a restore takes.
    ///
    /// # Errors
    /// When it cannot be copied, or when the store has tools of its own for that.
    fn backup(&self) -> Result<File, StoreError>;

    /// Changes with every write and carries its generation. A reader that falls behind sees the newest only.
    fn watch(&self) -> watch::Receiver<u64>;
}
