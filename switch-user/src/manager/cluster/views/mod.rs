//! What each host is to know, kept up to date by what changes.
//!
//! What a host is to know it knows with all hosts of its HA group, but for its own uplinks. So there is a closure an HA
//! group, and a small one a host. A change that only adds to what was asked lets closures grow; where something is
//! taken away they are made anew.
//!
//! A host's view follows from the configuration and the bindings alone, so every manager has the same ones,
//! whichever hosts talk to it.

mod closure;
mod content;
mod difference;
mod excess;
mod graph;
mod interest;
mod room;
mod session;
mod touch;
mod ways;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::watch;

pub(super) use self::session::routes;
use self::{
    closure::Closure,
    content::Content,
    difference::Sight,
    graph::{Graph, Touched},
    interest::Interest,
    ways::Root,
};
use crate::{
    api::{Binding, Target},
    model::{Desired, Kind, Object, ObjectId},
};

/// An object's new form, or `None` if it is gone.
pub(super) type ObjectChange = (ObjectId, Option<Object>);
/// A port's new binding, or `None` if it is bound to nobody.
pub(super) type BindingChange = (String, Option<Binding>);

/// The views of all hosts.
#[derive(Debug, Default)]
pub(super) struct Views {
    generation: u64,
    claims: u64,
    graph: Graph,
    /// What views are made of: what an HA group is to know is the same for all its hosts.
    closures: BTreeMap<Arc<Root>, Closure>,
    hosts: BTreeMap<HostName, Guest>,
    interest: Interest,
}

/// The name of a host, as it is kept here many times.
type HostName = Arc<str>;

/// Somebody who has a view.
#[derive(Debug)]
struct Guest {
    /// With its HA group.
    group: Arc<Root>,
    /// Alone.
    own: Arc<Root>,
    /// The last generation that concerns it.
    concerned: u64,
    news: watch::Sender<()>,
}

/// A view at a moment.
#[derive(Clone, Debug)]
struct Glance {
    /// Generation of the configuration.
    generation: u64,
    /// Number of the last change of bindings.
    claims: u64,
    /// What the host is to know.
    sight: Sight,
}

impl Views {
    /// Number of the last change of bindings that the views are made of.
    pub(super) fn claims(&self) -> u64 {
        self.claims
    }

    /// The hosts, each with the last generation that concerns it.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.hosts.iter().map(|(name, view)| (&**name, view.concerned))
    }

    /// True if there is such a host.
    pub(super) fn has_host(&self, name: &str) -> bool {
        self.hosts.contains_key(name)
    }

    /// The view of a host.
    fn glance(&self, host: &str) -> Option<Glance> {
        let Guest { group, own, .. } = self.hosts.get(host)?;
        let sight = Sight { group: self.content(group), own: self.content(own) };
        Some(Glance { generation: self.generation, claims: self.claims, sight })
    }

    fn content(&self, root: &Arc<Root>) -> Arc<Content> {
        self.closures.get(root).map(|closure| Arc::clone(&closure.content)).unwrap_or_default()
    }

    /// Changes whenever something concerns the host; ends when the host is removed.
    fn news(&self, host: &str) -> Option<watch::Receiver<()>> {
        Some(self.hosts.get(host)?.news.subscribe())
    }

    /// An object.
    pub(super) fn object(&self, kind: Kind, name: &str) -> Option<&Object> {
        Some(&self.graph.get(&ObjectId::new(kind, name))?.document.object)
    }

    /// The ports that a device of this name is for: those that name it, and the one that has its name.
    pub(super) fn ports_for(&self, device: &str) -> BTreeSet<&str> {
        let named = self.graph.ports_for(device);
        let own = self.graph.get(&ObjectId::new(Kind::Port, device)).map(|entry| &entry.id);
        named.chain(own).map(|id| id.name.as_str()).collect()
    }

    /// Whoever knows the bindings of this number knows where the port is; 0 if it is nowhere.
    pub(super) fn binding_number(&self, port: &str) -> u64 {
        self.graph.binding_number(port)
    }

    /// Where a port is.
    pub(super) fn binding(&self, port: &str) -> Option<&Binding> {
        self.graph.binding(port).map(|binding| &**binding)
    }

    /// All bindings of ports that exist.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (&String, &Binding)> {
        let bindings = self.graph.bindings().map(|(port, binding)| (port, &**binding));
        bindings.filter(|(port, _)| self.object(Kind::Port, port).is_some())
    }

    /// The ports that are bound to a host and exist.
    pub(super) fn bound(&self, host: &str) -> impl Iterator<Item = (&String, &Binding)> {
        let ports = self.graph.bound(host).filter(|port| self.object(Kind::Port, port).is_some());
        ports.filter_map(|port| Some((port, self.binding(port)?)))
    }

    /// The ports that are to go elsewhere and exist.
    pub(super) fn planned(&self) -> impl Iterator<Item = (&String, &Binding, &Target)> {
        let ports = self.graph.planned().filter(|port| self.object(Kind::Port, port).is_some());
        ports.filter_map(|port| {
            let binding = self.binding(port)?;
            Some((port, binding, binding.target.as_ref()?))
        })
    }

    /// The ports that are bound and do not exist.
    pub(super) fn orphans(&self) -> impl Iterator<Item = &String> {
        self.graph.orphans()
    }

    /// What has become of objects, if these are all that there are.
    pub(super) fn object_changes(&self, all: &Desired) -> Vec<ObjectChange> {
        let gone = self.graph.ids().filter(|id| all.get(id).is_none()).map(|id| (id.clone(), None));
        let differs = |object: &Object| {
            let known = self.graph.get(&object.id());
            known.is_none_or(|entry| entry.document.object != *object)
        };
        let new = all.objects().filter(differs).map(|object| (object.id(), Some(object)));
        gone.chain(new).collect()
    }

    /// What has become of bindings, if these are all that there are.
    pub(super) fn binding_changes(&self, stored: &BTreeMap<String, Binding>) -> Vec<BindingChange> {
        let gone = self.graph.bindings().map(|(port, _)| port).filter(|port| !stored.contains_key(*port));
        let gone = gone.map(|port| (port.clone(), None));
        let differs = |(port, binding): &(&String, &Binding)| self.binding(port) != Some(*binding);
        let new = stored.iter().filter(differs).map(|(port, binding)| (port.clone(), Some(binding.clone())));
        gone.chain(new).collect()
    }

    /// Takes over a newer configuration; says whom it concerns.
    pub(super) fn configure(
        &mut self,
        generation: u64,
        mut changes: Vec<ObjectChange>,
    ) -> BTreeSet<HostName> {
        let mut touched = Touched::default();
        // What ports ask about comes before them, so that all share the questions.
        changes.sort_by_key(|(id, _)| id.kind == Kind::Port);
        for (id, object) in changes {
            self.graph.change(&id, object, &mut touched);
        }
        self.generation = generation;
        let concerned = self.touch(&touched);
        for host in &concerned {
            if let Some(view) = self.hosts.get_mut(host) {
                view.concerned = generation;
            }
        }
        concerned
    }

    /// Takes over newer bindings; older ones are known already.
    pub(super) fn bind(&mut self, claims: u64, changes: Vec<BindingChange>) {
        if claims <= self.claims {
            return;
        }
        let mut touched = Touched::default();
        for change in changes {
            self.graph.bind(change, claims, &mut touched);
        }
        self.claims = claims;
        self.touch(&touched);
    }
}
