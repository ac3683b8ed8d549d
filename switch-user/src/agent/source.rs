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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agent::dataplane::home::Home,
        model::{Object, samples::from_text},
        report::HostReports as _,
        store::{Batch, Key, RedbStore},
    };

    /// A store with a network, and a switch whose manager says what the test says.
    fn source(state: &std::path::Path) -> (Source, Arc<Reports>, Arc<dyn Store>) {
        let store: Arc<dyn Store> = Arc::new(RedbStore::open(&state.join("store.redb")).unwrap());
        let (_, devices) = watch::channel(crate::netlink::links::Devices::new());
        let reports = Arc::new(Reports::new("h".into(), Arc::new(Home::new(state)), devices));
        (Source::new(Arc::clone(&store), Arc::clone(&reports)), reports, store)
    }

    fn put(store: &dyn Store, generation: u64, text: &str) {
        let desired = from_text(text);
        let row = |object: Object| {
            let id = object.id();
            (Key { kind: id.kind.name().into(), name: id.name }, Some(object.document().to_value()))
        };
        let batch: Batch = desired.objects().map(row).collect();
        store.put(generation, &batch, "-").unwrap();
    }

    const BLUE: &str = "{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}";
    const GREEN: &str = "{apiVersion: dvs/v1, kind: Network, name: green, vlan: 20}";

    #[test]
    fn what_the_manager_has_proven_is_taken_over_if_it_is_the_newest() {
        let state = tempfile::tempdir().unwrap();
        let (mut source, reports, store) = source(state.path());
        put(&*store, 0, BLUE);
        // What tells that the store was not read.
        reports.proven(1, validate(&from_text(GREEN)).unwrap());
        let (generation, valid) = source.read().unwrap();
        assert_eq!((generation, valid.networks.keys().map(String::as_str).collect()), (1, vec!["green"]));
        // That of an earlier generation is none of the store's now.
        put(&*store, 1, BLUE);
        reports.proven(1, validate(&from_text(GREEN)).unwrap());
        let (generation, valid) = source.read().unwrap();
        assert_eq!((generation, valid.networks.keys().map(String::as_str).collect()), (2, vec!["blue"]));
        assert!(reports.take_proven().is_none(), "nothing is kept that nobody needs");
    }
}
