//! The view of a host as a configuration to apply, and as a store to read.

use std::{collections::BTreeMap, fs::File, sync::Arc};

use tokio::sync::watch;

use super::{
    local::{Local, localise},
    shared::Shared,
    view::{Coming, Documents},
};
use crate::{
    agent::supply::{Proven, Supplied, Supply, SupplyError},
    model::Validated,
    store::{Batch, Key, Record, Snapshot, Store, StoreError},
};

/// What the agent applies.
pub(super) struct ViewSupply {
    shared: Arc<Shared>,
    /// What was proven last, and of what.
    proven: Option<(Documents, Ports, Local)>,
}

/// Ports that are here and that are to come, with their devices.
type Ports = (BTreeMap<String, String>, Coming);

impl ViewSupply {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, proven: None }
    }

    /// The configuration of these documents for a host with these ports.
    fn prove(&mut self, documents: Documents, ports: Ports) -> Result<Arc<Validated>, SupplyError> {
        let same =
            |(old, before, _): &(Documents, Ports, _)| Arc::ptr_eq(old, &documents) && *before == ports;
        let proven = if let Some(proven) = self.proven.take().filter(same) {
            proven
        } else {
            let (here, coming) = &ports;
            let local =
                localise(&self.shared.host, &documents, here, coming).map_err(SupplyError::Invalid)?;
            (documents, ports, local)
        };
        let (.., local) = self.proven.insert(proven);
        let places = self.shared.state().places(local.others.keys());
        Ok(local.with(&places))
    }
}

impl Supply for ViewSupply {
    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.news()
    }

    fn read(&mut self, _: Option<Proven>) -> Result<Supplied, SupplyError> {
        let state = self.shared.state();
        let Some(view) = &state.view else {
            return Err(SupplyError::Waiting(self.shared.managers.join(",")));
        };
        let (generation, documents) = (view.generation, Arc::clone(&view.documents));
        let (ports, bound) = ((state.devices(), state.coming()), state.bound());
        drop(state);
        Ok(Supplied { generation, desired: self.prove(documents, ports)?, bound })
    }
}

/// What the host's own API reads.
pub(super) struct ViewStore(pub(super) Arc<Shared>);

impl ViewStore {
    /// What a copy has not, the managers have.
    fn elsewhere(&self) -> StoreError {
        StoreError::Follows { managers: self.0.managers.join(",") }
    }
}

impl Store for ViewStore {
    fn get(&self) -> Result<Snapshot, StoreError> {
        let state = self.0.state();
        let Some(view) = &state.view else { return Ok(Snapshot::default()) };
        let (generation, documents) = (view.generation, Arc::clone(&view.documents));
        drop(state);
        let document = |(id, document): (&crate::model::ObjectId, &Arc<crate::model::Document>)| {
            (Key { kind: id.kind.name().into(), name: id.name.clone() }, document.to_value())
        };
        Ok(Snapshot { generation, documents: documents.iter().map(document).collect() })
    }

    fn put(&self, _: u64, _: &Batch, _: &str) -> Result<u64, StoreError> {
        Err(self.elsewhere())
    }

    fn since(&self, _: u64) -> Result<Option<Vec<Record>>, StoreError> {
        Ok(None)
    }

    fn last(&self, _: usize) -> Result<Vec<Record>, StoreError> {
        Err(self.elsewhere())
    }

    fn oldest(&self) -> Result<u64, StoreError> {
        Err(self.elsewhere())
    }

    fn backup(&self) -> Result<File, StoreError> {
        Err(self.elsewhere())
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.0.generation()
    }
}
