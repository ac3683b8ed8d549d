//! What hosts are to know, in lists: copied often and changed seldom.

use std::sync::{Arc, OnceLock, Weak};

use super::graph::{Entry, Graph};
use crate::{
    api::{Binding, ViewEvent},
    model::{Kind, ObjectId},
};

/// A port's binding.
pub(super) type Bound = (Arc<ObjectId>, Arc<Binding>);

/// Objects and bindings.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Objects by kind and name.
    pub(super) entries: Vec<Arc<Entry>>,
    /// Bindings of the ports that the host has or may take over, by the ports' names.
    pub(super) bindings: Vec<Bound>,
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
        self.entries.binary_search_by(|entry| (*entry.id).cmp(id)).is_ok()
    }

    /// Loses an object.
    pub(super) fn remove(&mut self, id: &ObjectId) {
        if let Ok(place) = self.entries.binary_search_by(|entry| (*entry.id).cmp(id)) {
            self.entries.remove(place);
        }
    }

    /// Takes what was found besides; of a binding that is there already it is the newer one.
    pub(super) fn add(&mut self, found: Self) {
        self.entries.extend(found.entries);
        // Most of it is in its order already, which such a sort finds out.
        self.entries.sort_by(|one, other| one.id.cmp(&other.id));
        self.bindings.extend(found.bindings);
        self.bindings.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.bindings.dedup_by(|(later, binding), (former, kept)| {
            let same = former == later;
            if same {
                kept.clone_from(binding);
            }
            same
        });
    }

    /// Takes the object as it is in the graph.
    pub(super) fn renew(&mut self, graph: &Graph, id: &ObjectId) {
        let place = self.entries.binary_search_by(|entry| (*entry.id).cmp(id));
        if let (Ok(place), Some(entry)) = (place, graph.get(id)) {
            self.entries[place] = Arc::clone(entry);
        }
    }

    /// Takes the binding of a port as it is in the graph.
    pub(super) fn rebind(&mut self, graph: &Graph, port: &str) {
        let id = ObjectId::new(Kind::Port, port);
        let place = self.bindings.binary_search_by(|(port, _)| (**port).cmp(&id));
        match (place, graph.binding(port)) {
            (Ok(place), Some(binding)) => self.bindings[place].1 = Arc::clone(binding),
            (Ok(place), None) => drop(self.bindings.remove(place)),
            (Err(place), Some(binding)) => self.bindings.insert(place, (Arc::new(id), Arc::clone(binding))),
            (Err(_), None) => {}
        }
    }
}
