//! Where the configuration lives: versioned documents, compare-and-swap writes, a stream of changes.

mod lease;
mod redb;
mod schema;

use std::collections::BTreeMap;

use tokio::sync::watch;

pub use self::{
    lease::{Entries, Entry, Leases, MemoryLeases},
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

/// A place that keeps documents.
///
/// Blocking calls are short; callers on an async runtime that expect a slow disk use `spawn_blocking`.
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
    fn put(&self, expected: u64, batch: &Batch) -> Result<u64, StoreError>;

    /// Changes with every write and carries its generation. A reader that falls behind sees the newest only.
    fn watch(&self) -> watch::Receiver<u64>;
}

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote since the caller read.
    #[error(
        "the configuration is at generation {actual}, not {expected}: somebody else changed it; try again"
    )]
    Conflict {
        /// Generation that the caller had read.
        expected: u64,
        /// Generation of the store.
        actual: u64,
    },
    /// Another installation has this name.
    #[error("{name} is alive at another installation ({instance}); stop it, or give this one another --host")]
    Taken {
        /// The name.
        name: String,
        /// The installation that has it.
        instance: String,
    },
    /// The file was written by a newer version.
    #[error(
        "{path} has schema {found}, this version reads up to {supported}; run the version that wrote it, or a newer one"
    )]
    NewerSchema {
        /// File of the store.
        path: String,
        /// Schema of the file.
        found: u64,
        /// Newest schema that is known here.
        supported: u64,
    },
    /// Another process has the file open.
    #[error("{path} is in use by another dvs; stop it, or choose another --state-dir")]
    InUse {
        /// File of the store.
        path: String,
    },
    /// The file is not one of ours, or was damaged.
    #[error(
        "{path} is damaged or no store of dvs ({details}); it was left as it is: restore a backup, or move it \
         away, start again and apply a file that `dvs export` wrote"
    )]
    Corrupt {
        /// File of the store.
        path: String,
        /// What the storage engine found.
        details: String,
    },
    /// The storage engine failed.
    #[error("cannot {action} {path}: {source}")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// File of the store.
        path: String,
        /// The engine's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A document is not valid JSON.
    #[error("document {kind}/{name} in {path} is damaged: {source}; restore a backup of the file")]
    Damaged {
        /// Kind of the object.
        kind: String,
        /// Name of the object.
        name: String,
        /// File of the store.
        path: String,
        /// What the parser says.
        source: serde_json::Error,
    },
}
