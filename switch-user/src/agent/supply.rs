//! Where the agent has the configuration from.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use crate::{
    model::{Desired, Problem, Validated, validate},
    store::{Store, StoreError},
};

/// A configuration that was proven, with its generation.
pub type Proven = (u64, Arc<Validated>);

/// A place that the agent follows.
pub trait Supply: Send + 'static {
    /// Changes whenever there is something new to read.
    fn watch(&self) -> watch::Receiver<u64>;

    /// The newest configuration. `proven` is what a manager in this process has proven last.
    ///
    /// # Errors
    /// When there is none, or it makes no sense.
    fn read(&mut self, proven: Option<Proven>) -> Result<Supplied, SupplyError>;
}

/// What a host is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplied {
    /// Generation of the configuration.
    pub generation: u64,
    /// The configuration, of this host's ports alone.
    pub desired: Arc<Validated>,
    /// What is known of bindings; nothing where nobody binds ports to hosts.
    pub bound: Bound,
}

/// Bindings that are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Number of the last change of bindings.
    pub claims: u64,
    /// Ports that this host has claimed and that nobody has heard of here yet, with the epoch of the claim: their
    /// addresses are announced as soon as they are open.
    pub fresh: BTreeMap<String, u64>,
    /// Ports that are to come here, and that have all they need but the claim, with the numbers of their devices.
    pub prepared: BTreeMap<String, u32>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in it makes no sense.
    #[error("the stored configuration is not valid: {}", sentences(.0))]
    Invalid(Vec<Problem>),
    /// No manager has been heard yet.
    #[error("waiting for a manager ({0}); what is in the kernel stays as it is")]
    Waiting(String),
}

fn sentences(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The store of this host: taken over from the manager, or read and proven when it has changed.
pub struct StoreSupply {
    store: Arc<dyn Store>,
    generation: watch::Receiver<u64>,
    read: Option<Proven>,
}

impl StoreSupply {
    /// A configuration that nobody has read yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { generation: store.watch(), store, read: None }
    }

    fn newest(&mut self, proven: Option<Proven>) -> Result<Proven, SupplyError> {
        let newest = *self.generation.borrow_and_update();
        let is_newest = |(generation, _): &&Proven| *generation == newest;
        if let Some(known) = self.read.as_ref().filter(is_newest) {
            return Ok(known.clone());
        }
        if let Some(proven) = proven.filter(|proven| is_newest(&proven)) {
            return Ok(self.read.insert(proven).clone());
        }
        let snapshot = self.store.get()?;
        let desired = Desired::from_documents(snapshot.documents.values()).map_err(SupplyError::Invalid)?;
        let desired = Arc::new(validate(&desired).map_err(SupplyError::Invalid)?);
        Ok(self.read.insert((snapshot.generation, desired)).clone())
    }
}

impl Supply for StoreSupply {
    fn watch(&self) -> watch::Receiver<u64> {
        self.store.watch()
    }

    fn read(&mut self, proven: Option<Proven>) -> Result<Supplied, SupplyError> {
        let (generation, desired) = self.newest(proven)?;
        Ok(Supplied { generation, desired, bound: Bound::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Object, samples::from_text},
        store::{Batch, Key, RedbStore},
    };

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
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let mut supply = StoreSupply::new(Arc::clone(&store));
        let mut read = |proven| {
            let supplied = supply.read(proven).unwrap();
            (supplied.generation, supplied.desired.networks.keys().cloned().collect::<Vec<_>>())
        };
        let green = || Some((1, Arc::new(validate(&from_text(GREEN)).unwrap())));
        put(&*store, 0, BLUE);
        // What tells that the store was not read.
        assert_eq!(read(green()), (1, vec!["green".into()]));
        // That of an earlier generation is none of the store's now.
        put(&*store, 1, BLUE);
        assert_eq!(read(green()), (2, vec!["blue".into()]));
    }
}
