//! Where the agent has the configuration from.

use std::sync::Arc;

use tokio::sync::watch;

use super::status::Reports;
use crate::{
    model::{Desired, Problem, Validated, validate},
    store::{Store, StoreError},
};

/// The configuration: taken over from the manager, or read and proven when it has changed.
pub(super) struct Source {
    store: Arc<dyn Store>,
    generation: watch::Receiver<u64>,
    reports: Arc<Reports>,
    read: Option<(u64, Arc<Validated>)>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in it makes no sense.
    #[error("the stored configuration is not valid: {}", sentences(.0))]
    Invalid(Vec<Problem>),
}

fn sentences(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Source {
    /// A configuration that nobody has read yet.
    pub(super) fn new(store: Arc<dyn Store>, reports: Arc<Reports>) -> Self {
        Self { generation: store.watch(), store, reports, read: None }
    }

    /// The newest configuration and its generation.
    pub(super) fn read(&mut self) -> Result<(u64, Arc<Validated>), SourceError> {
        let newest = *self.generation.borrow_and_update();
        // Taken in any case: what comes too late is not to be kept in memory.
        let proven = self.reports.take_proven();
        if let Some((generation, desired)) =
            self.read.as_ref().filter(|(generation, _)| *generation == newest)
        {
            return Ok((*generation, Arc::clone(desired)));
        }
        if let Some(proven) = proven.filter(|(generation, _)| *generation == newest) {
            return Ok(self.read.insert(proven).clone());
        }
        let snapshot = self.store.get()?;
        let desired = Desired::from_documents(snapshot.documents.values()).map_err(SourceError::Invalid)?;
        let desired = Arc::new(validate(&desired).map_err(SourceError::Invalid)?);
        self.read = Some((snapshot.generation, Arc::clone(&desired)));
        Ok((snapshot.generation, desired))
    }
}
