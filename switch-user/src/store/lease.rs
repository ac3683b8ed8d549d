//! Entries that expire by themselves: who is alive, and what it says.

mod memory;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;

use super::StoreError;

pub use memory::MemoryLeases;

/// An entry that somebody keeps alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Tells two holders of one name apart.
    pub instance: String,
    /// What the holder says, as JSON.
    pub said: Value,
}

/// All entries that are alive, by name. Shared one by one, because one changes and a thousand do not.
pub type Entries = Arc<BTreeMap<String, Arc<Entry>>>;

/// A place for entries that expire.
///
/// Calls may block for as long as the place takes to answer; callers on an async runtime use `spawn_blocking`.
pub trait Leases: Send + Sync + 'static {
    /// Makes or renews the entry of this name. It expires if it is not renewed within `timeout`.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if another instance keeps an entry of this name alive; otherwise when the place
    /// cannot be reached.
    fn keep(&self, name: &str, entry: &Entry, timeout: Duration) -> Result<(), StoreError>;

    /// Ends the entry of this name before its time, if this instance has it.
    ///
    /// # Errors
    /// When the place cannot be reached.
    fn end(&self, name: &str, instance: &str) -> Result<(), StoreError>;

    /// The entries that are alive; changes whenever one comes, says something else, or goes.
    fn watch(&self) -> watch::Receiver<Entries>;
}
