//! What the handlers share, with the configuration in memory as long as it is the newest.

use std::sync::{Arc, Mutex, PoisonError};

use super::{ApiError, State, cluster::Cluster};
use crate::{
    model::{Desired, Scope},
    report::{Follow, HostReports},
    store::Store,
};

/// The store, the host, and what is known of the store.
#[derive(Clone)]
pub(super) struct Manager {
    pub(super) store: Arc<dyn Store>,
    pub(super) host: Arc<dyn HostReports>,
    pub(super) cluster: Option<Cluster>,
    pub(super) follow: Option<Arc<dyn Follow>>,
    known: Arc<Mutex<Arc<Known>>>,
}

/// The configuration at one generation.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) generation: u64,
    pub(super) desired: Desired,
}

impl From<State> for Manager {
    fn from(State { store, host, cluster, follow }: State) -> Self {
        Self { store, host, cluster, follow, known: Arc::default() }
    }
}

impl Manager {
    /// How much of the configuration a host holds.
    pub(super) fn scope(&self) -> Scope {
        if self.cluster.is_some() { Scope::Cluster } else { Scope::Host }
    }

    /// The configuration.
    pub(super) async fn desired(&self) -> Result<Arc<Known>, ApiError> {
        self.blocking(Self::newest).await
    }

    /// Runs what may wait for the disk or the kernel.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let manager = self.clone();
        tokio::task::spawn_blocking(move || run(&manager)).await?
    }

    /// The configuration, read from the store only if somebody wrote.
    pub(super) fn newest(&self) -> Result<Arc<Known>, ApiError> {
        let known = self.remembered();
        if self.follow.is_some() {
            // A host gets to know more of the same generation when it gets a port.
            return self.read();
        }
        // An empty store is at generation 0, as is what nobody has read yet.
        if known.generation == *self.store.watch().borrow() { Ok(known) } else { self.read() }
    }

    /// The configuration as the store has it.
    pub(super) fn read(&self) -> Result<Arc<Known>, ApiError> {
        let snapshot = self.store.get()?;
        let desired = Desired::from_documents(snapshot.documents.values()).map_err(ApiError::Damaged)?;
        Ok(self.remember(snapshot.generation, desired))
    }

    /// Keeps a configuration that was read or written.
    pub(super) fn remember(&self, generation: u64, desired: Desired) -> Arc<Known> {
        let new = Arc::new(Known { generation, desired });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.generation < generation {
            *known = Arc::clone(&new);
        }
        new
    }

    fn remembered(&self) -> Arc<Known> {
        Arc::clone(&self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
