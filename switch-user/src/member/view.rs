//! What a manager says that concerns this host: documents, and who has which port. Pure.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    api::{Binding, ObjectName, ViewEvent, view_digest},
    model::{Document, Host, Kind, Object, ObjectId},
};

/// The documents of a view.
pub(super) type Documents = Arc<BTreeMap<ObjectId, Arc<Document>>>;

/// All that a manager has said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Generation of the configuration.
    pub(super) generation: u64,
    /// Number of the last change of bindings.
    pub(super) claims: u64,
    /// What concerns this host.
    pub(super) documents: Documents,
    /// Bindings of the ports among them.
    pub(super) bindings: BTreeMap<String, Binding>,
}

impl View {
    /// Follows a line; false if it changes nothing.
    pub(super) fn take(&mut self, event: ViewEvent) -> bool {
        if event == ViewEvent::default() {
            return false;
        }
        if event.complete {
            *self = Self::default();
        }
        self.generation = event.generation.unwrap_or(self.generation);
        self.claims = event.claims.unwrap_or(self.claims);
        // Whoever reads the documents has a copy of those that are the same.
        if !(event.put.is_empty() && event.remove.is_empty()) {
            let documents = Arc::make_mut(&mut self.documents);
            for ObjectName { kind, name } in event.remove {
                documents.remove(&ObjectId { kind, name });
            }
            let put = event.put.into_iter();
            documents.extend(put.map(|document| (document.object.id(), Arc::new(document))));
        }
        for (port, binding) in event.bindings {
            match binding {
                Some(binding) => drop(self.bindings.insert(port, binding)),
                None => drop(self.bindings.remove(&port)),
            }
        }
        true
    }

    /// Tells it from others, as managers do it.
    pub(super) fn digest(&self) -> String {
        let documents = self.documents.values().map(|document| &**document);
        view_digest(documents, self.bindings.iter().map(|(port, binding)| (port.as_str(), binding)))
    }

    /// The line that says all of it.
    pub(super) fn event(&self) -> ViewEvent {
        ViewEvent {
            generation: Some(self.generation),
            claims: Some(self.claims),
            complete: true,
            put: self.documents.values().map(|document| Document::clone(document)).collect(),
            remove: Vec::new(),
            bindings: self
                .bindings
                .iter()
                .map(|(port, binding)| (port.clone(), Some(binding.clone())))
                .collect(),
        }
    }

    /// Ports of the view, with the device that their configuration names.
    pub(super) fn ports(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.documents.values().filter_map(|document| match &document.object {
            Object::Port(port) => Some((port.name.as_str(), port.device.as_deref())),
            Object::Switch(_)
            | Object::Router(_)
            | Object::Network(_)
            | Object::Host(_)
            | Object::Uplink(_)
            | Object::Route(_)
            | Object::Group(_)
            | Object::Policy(_)
            | Object::Rule(_) => None,
        })
    }

    /// The devices of uplinks, of other hosts too.
    pub(super) fn uplinks(&self) -> impl Iterator<Item = &str> {
        let ids = self.documents.keys().filter(|id| id.kind == Kind::Uplink);
        ids.map(|id| id.name.as_str())
    }

    /// The device that the configuration of a port names.
    pub(super) fn device(&self, port: &str) -> Option<&str> {
        let document = self.documents.get(&ObjectId::new(Kind::Port, port))?;
        if let Object::Port(port) = &document.object { port.device.as_deref() } else { None }
    }

    /// True if a port is at a host of another HA group, and not to come here: of such a port only its place is known.
    pub(super) fn is_foreign(&self, host: &str, port: &str) -> bool {
        let (Some(own), Some(binding)) = (self.host(host), self.bindings.get(port)) else { return false };
        if binding.target.as_ref().is_some_and(|target| target.host == host) {
            return false;
        }
        self.host(&binding.host).is_none_or(|other| other.ha_group != own.ha_group)
    }

    fn host(&self, name: &str) -> Option<&Host> {
        let document = self.documents.get(&ObjectId::new(Kind::Host, name))?;
        if let Object::Host(host) = &document.object { Some(host) } else { None }
    }
}

/// Ports that are to come, each with its device if there is one.
pub(super) type Coming = BTreeMap<String, Option<String>>;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Kind, samples::from_text};

    /// A network with three ports that all name device v1, of which web accepts what comes from its group.
    pub(in super::super) const OBJECTS: &str = r#"
{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
---
{apiVersion: dvs/v1, kind: Port, name: p1, network: blue, device: v1, ip: ["10.0.10.1"], label: {app: web}}
---
{apiVersion: dvs/v1, kind: Port, name: p2, network: blue, device: v1, ip: ["10.0.10.2"], label: {app: web}}
---
{apiVersion: dvs/v1, kind: Port, name: p3, network: blue, ip: ["10.0.10.3"]}
---
{apiVersion: dvs/v1, kind: Group, name: web, selector: {app: web}}
---
{apiVersion: dvs/v1, kind: Policy, name: web, appliesTo: web}
---
{apiVersion: dvs/v1, kind: Rule, policy: web, name: peers, priority: 10, direction: in, action: allow, peer: "group:web"}
"#;

    pub(in super::super) fn binding(host: &str, device: &str, epoch: u64) -> Binding {
        Binding { host: host.into(), device: device.into(), epoch, claimed_ms: 1, target: None }
    }

    /// The objects, with p1 at h1 and p2 at h2.
    pub(in super::super) fn event() -> ViewEvent {
        let bindings = [("p1", binding("h1", "v1", 1)), ("p2", binding("h2", "v1", 1))];
        ViewEvent {
            generation: Some(7),
            claims: Some(2),
            complete: true,
            put: from_text(OBJECTS).objects().map(Object::document).collect(),
            bindings: bindings.map(|(port, binding)| (port.to_owned(), Some(binding))).into(),
            ..ViewEvent::default()
        }
    }

    pub(in super::super) fn view() -> View {
        let mut view = View::default();
        assert!(view.take(event()));
        view
    }

    #[test]
    fn lines_change_what_they_name_and_nothing_else() {
        let mut view = view();
        assert!(!view.take(ViewEvent::default()), "a sign of life is no news");
        let change = ViewEvent {
            claims: Some(3),
            remove: vec![ObjectName { kind: Kind::Port, name: "p3".into() }],
            bindings: [("p1".to_owned(), None), ("p2".to_owned(), Some(binding("h1", "v2", 2)))].into(),
            ..ViewEvent::default()
        };
        assert!(view.take(change));
        assert_eq!((view.generation, view.claims, view.documents.len()), (7, 3, 6));
        assert_eq!(view.bindings, [("p2".to_owned(), binding("h1", "v2", 2))].into());
        assert!(view.take(event()));
        assert_eq!(view, self::view(), "a complete line starts anew");
    }

    #[test]
    fn a_view_says_itself() {
        let mut copy = View::default();
        copy.take(view().event());
        assert_eq!(copy, view());
    }
}
