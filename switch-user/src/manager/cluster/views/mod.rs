//! What each host is to know, kept up to date by what changes.
//!
//! A host's view follows from the configuration and the bindings alone, so every manager has the same ones,
//! whichever hosts talk to it.

mod closure;
mod difference;
mod graph;
mod interest;
mod session;
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
    closure::{Asked, Content, closure},
    graph::{Graph, Question, Touched},
    interest::{HostName, Interest},
};
use crate::{
    api::{Binding, Target},
    model::{Desired, Kind, Object, ObjectId, Scope, validate_as},
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
    hosts: BTreeMap<HostName, View>,
    interest: Interest,
}

/// The view of a host.
#[derive(Debug, Default)]
struct View {
    content: Arc<Content>,
    asked: Asked,
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
    content: Arc<Content>,
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
        let content = Arc::clone(&self.hosts.get(host)?.content);
        Some(Glance { generation: self.generation, claims: self.claims, content })
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
        let question = Question::PortsFor(device.to_owned());
        let named = self.graph.set(&question);
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
    pub(super) fn configure(&mut self, generation: u64, changes: Vec<ObjectChange>) -> BTreeSet<HostName> {
        let mut touched = Touched::default();
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

    /// Says what would be too much for the host if it had these ports as well.
    pub(super) fn excess(&mut self, host: &str, changes: &[BindingChange]) -> Option<String> {
        let mut touched = Touched::default();
        let before = changes.iter().map(|(port, _)| {
            let binding = self.graph.binding(port).map(|binding| (**binding).clone());
            ((port.clone(), binding), self.graph.binding_number(port))
        });
        let before: Vec<(BindingChange, u64)> = before.collect();
        for change in changes {
            self.graph.bind(change.clone(), self.claims, &mut touched);
        }
        let (content, _) = closure(&self.graph, host);
        // It has those that are to come as well, open or not.
        let coming =
            self.planned().filter(|(_, binding, target)| target.host == host && binding.host != host);
        let scope = Scope::View { ports: self.bound(host).count() + coming.count() };
        for (change, number) in before {
            self.graph.bind(change, number, &mut touched);
        }
        let mut desired: Desired = content.documents().map(|document| document.object.clone()).collect();
        // Elsewhere others have devices of these names.
        desired.ports.values_mut().for_each(|port| port.device = None);
        let problems = validate_as(&desired, &[], scope).err()?;
        Some(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    /// Makes the views anew that were made from what was touched, and tells their hosts.
    fn touch(&mut self, touched: &Touched) -> BTreeSet<HostName> {
        let mut anew = self.come_and_go(touched);
        let asked = touched.questions.iter().flat_map(|question| self.interest.hosts(question));
        anew.extend(asked.cloned());
        for host in &anew {
            self.make(host);
        }
        let mut renewed: BTreeMap<HostName, Vec<&Question>> = BTreeMap::new();
        for question in &touched.contents {
            for host in self.interest.hosts(question).filter(|host| !anew.contains(*host)) {
                renewed.entry(Arc::clone(host)).or_default().push(question);
            }
        }
        for (host, questions) in &renewed {
            self.renew(host, questions);
        }
        anew.extend(renewed.into_keys());
        for host in &anew {
            if let Some(view) = self.hosts.get(host) {
                view.news.send_replace(());
            }
        }
        anew
    }

    /// Hosts that are new; those that are gone are forgotten.
    fn come_and_go(&mut self, touched: &Touched) -> BTreeSet<HostName> {
        let mut new = BTreeSet::new();
        for question in &touched.questions {
            let Question::Object(id) = question else { continue };
            if id.kind != Kind::Host {
                continue;
            }
            let host = HostName::from(id.name.as_str());
            if self.graph.get(id).is_some() {
                self.hosts.entry(Arc::clone(&host)).or_default();
                new.insert(host);
            } else if let Some(view) = self.hosts.remove(&host) {
                self.interest.change(&host, &view.asked, &Asked::new());
            }
        }
        new
    }

    fn make(&mut self, host: &HostName) {
        let Some(view) = self.hosts.get_mut(host) else { return };
        let (content, asked) = closure(&self.graph, host);
        self.interest.change(host, &view.asked, &asked);
        view.asked = asked;
        view.content = Arc::new(content);
    }

    /// Exchanges the contents of objects and bindings where no way has changed.
    fn renew(&mut self, host: &HostName, questions: &[&Question]) {
        let Some(view) = self.hosts.get_mut(host) else { return };
        let content = Arc::make_mut(&mut view.content);
        for question in questions {
            if let Question::Object(id) = question {
                content.renew(&self.graph, id);
            } else if let Question::Binding(port) = question {
                content.rebind(&self.graph, port);
            }
        }
    }
}
