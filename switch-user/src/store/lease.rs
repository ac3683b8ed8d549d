//! Entries that expire by themselves: who is alive, and what it says.

mod memory;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
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
/// A thousand hosts renew theirs every second: whoever waits for the place holds no thread meanwhile.
pub trait Leases: Send + Sync + 'static {
    /// Makes or renews the entry of this name. It expires if it is not renewed within `timeout`.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if another instance keeps an entry of this name alive; otherwise when the place
    /// cannot be reached.
    fn keep<'a>(
        &'a self,
        name: &'a str,
        entry: &'a Entry,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The entries that are alive; changes whenever one comes, says something else, or goes.
    fn watch(&self) -> watch::Receiver<Entries>;
}
