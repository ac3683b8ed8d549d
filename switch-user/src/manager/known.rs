//! What the handlers share, with the configuration in memory as long as it is the newest.

use std::sync::{Arc, Mutex, PoisonError};

use super::{ApiError, Author, State, cluster::Cluster, history};
use crate::{
    model::{Desired, Scope},
    report::{Follow, HostReports},
    store::{Record, Store},
};

/// The store, the host, and what is known of the store.
#[derive(Clone)]
pub(super) struct Manager {
    pub(super) store: Arc<dyn Store>,
    pub(super) host: Arc<dyn HostReports>,
    pub(super) cluster: Option<Cluster>,
    pub(super) follow: Option<Arc<dyn Follow>>,
    /// For whom it writes.
    pub(super) author: Author,
    known: Arc<Mutex<Arc<Known>>>,
    /// One of this manager's writes at a time, so that they do not conflict with each other.
    pub(super) writing: Arc<Mutex<()>>,
}

/// The configuration at one generation.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) generation: u64,
    pub(super) desired: Desired,
}

impl From<State> for Manager {
    fn from(State { store, host, cluster, follow }: State) -> Self {
        Self {
            store,
            host,
            cluster,
            follow,
            author: Author::default(),
            known: Arc::default(),
            writing: Arc::default(),
        }
    }
}

impl Manager {
    /// How much of the configuration a host holds.
    pub(super) fn scope(&self) -> Scope {
        if self.cluster.is_some() { Scope::Cluster } else { Scope::Host }
    }

    /// The same manager, writing for somebody.
    pub(super) fn by(&self, author: Author) -> Self {
        Self { author, ..self.clone() }
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

    /// The configuration, read from the store only if somebody wrote, and then as little as that takes.
    pub(super) fn newest(&self) -> Result<Arc<Known>, ApiError> {
        let known = self.remembered();
        if self.follow.is_some() {
            // A host gets to know more of the same generation when it gets a port.
            return self.read();
        }
        // An empty store is at generation 0, as is what nobody has read yet.
        if known.generation == *self.store.watch().borrow() {
            return Ok(known);
        }
        let generation = known.generation;
        // Let go of, as it is changed in place if nobody reads it.
        drop(known);
        self.newer(generation)
    }

    /// The configuration after this generation.
    pub(super) fn newer(&self, generation: u64) -> Result<Arc<Known>, ApiError> {
        self.followed(generation)?.map_or_else(|| self.read(), Ok)
    }

    /// The configuration with what others wrote; `None` if not all of that is remembered.
    fn followed(&self, from: u64) -> Result<Option<Arc<Known>>, ApiError> {
        // Of an empty configuration, all that was written since is more than all that is there.
        let records = if from == 0 { None } else { self.store.since(from)? };
        let Some(records) = records else { return Ok(None) };
        let steps = |Record { generation, rows, .. }: Record| {
            let steps = history::steps(rows.into_iter().map(|(key, row)| (key, row.new)))?;
            Ok((generation, steps))
        };
        let writes = records.into_iter().map(steps).collect::<Result<Vec<_>, ApiError>>()?;
        let mut shared = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // In place, unless somebody is still reading.
        let known = Arc::make_mut(&mut shared);
        for (generation, steps) in writes {
            if generation == known.generation + 1 {
                for step in steps {
                    history::take(&mut known.desired, step);
                }
                known.generation = generation;
            }
        }
        Ok(Some(Arc::clone(&shared)))
    }

    /// The configuration as the store has it.
    fn read(&self) -> Result<Arc<Known>, ApiError> {
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
