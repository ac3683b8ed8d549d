//! What hosts are to know, in tables whose copies share what is the same: copied often and changed seldom.

use std::sync::{Arc, OnceLock, Weak};

use super::graph::{Entry, Graph};
use crate::{
    api::{Binding, ViewEvent},
    model::{Kind, ObjectId, Table},
};

/// Something about objects, by their kinds and names.
pub(super) type ById<T> = Table<Arc<T>, Arc<ObjectId>>;

/// Objects and bindings.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Objects.
    pub(super) entries: ById<Entry>,
    /// Bindings of the ports that the host has or may take over.
    pub(super) bindings: ById<Binding>,
    /// What has become of the content before it. All hosts with the same ones are told the same.
    pub(super) news: OnceLock<(Weak<Content>, ViewEvent)>,
}

impl Clone for Content {
    fn clone(&self) -> Self {
        // Whoever copies it is about to change it.
        Self { entries: self.entries.clone(), bindings: self.bindings.clone(), news: OnceLock::new() }
    }
}

impl Content {
    /// True if there is nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.bindings.is_empty()
    }

    /// True if it has the object.
    pub(super) fn has(&self, id: &ObjectId) -> bool {
        self.entries.contains_key(id)
    }

    /// Loses an object.
    pub(super) fn remove(&mut self, id: &ObjectId) {
        self.entries.remove(id);
    }

    /// Takes what was found besides; of a binding that is there already it is the newer one.
    pub(super) fn add(&mut self, found: Found) {
        let Found { mut entries, bindings } = found;
        // What is found first is whatever the way came by; in order each comes to the end.
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        self.entries.extend(entries.into_iter().map(|entry| (Arc::clone(&entry.id), entry)));
        self.bindings.extend(bindings);
    }

    /// Takes the object as it is in the graph.
    pub(super) fn renew(&mut self, graph: &Graph, id: &ObjectId) {
        if let (Some(place), Some(entry)) = (self.entries.get_mut(id), graph.get(id)) {
            place.clone_from(entry);
        }
    }

    /// Takes the binding of a port as it is in the graph.
    pub(super) fn rebind(&mut self, graph: &Graph, port: &str) {
        let id = ObjectId::new(Kind::Port, port);
        match graph.binding(port) {
            Some(binding) => drop(self.bindings.insert(Arc::new(id), Arc::clone(binding))),
            None => drop(self.bindings.remove(&id)),
        }
    }
}

/// What is to be added to a content, in no order.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) bindings: Vec<(Arc<ObjectId>, Arc<Binding>)>,
}

impl Found {
    /// True if there is nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.bindings.is_empty()
    }
}
