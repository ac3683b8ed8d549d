//! What a manager says that concerns this host: documents, and who has which port. Pure.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    api::{Binding, ObjectName, ViewEvent, view_digest},
    model::{Desired, Document, Object, ObjectId, Problem, Scope, Validated, validate_as},
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
}

/// The configuration of a host that has these ports, with their devices. Ports elsewhere are members of groups, and
/// nothing else; uplinks of other hosts are none.
///
/// # Errors
/// What is wrong with the documents.
pub(super) fn localise(
    host: &str,
    documents: &Documents,
    here: &BTreeMap<String, String>,
) -> Result<Validated, Vec<Problem>> {
    let mut desired: Desired = documents.values().map(|document| document.object.clone()).collect();
    for port in desired.ports.values_mut() {
        // On another host another port may have a device of this name.
        port.device = here.get(&port.name).cloned();
    }
    desired
        .uplinks
        .retain(|_, uplink| uplink.hosts.is_empty() || uplink.hosts.iter().any(|name| name == host));
    // The other hosts of an uplink need not be in the view.
    desired.uplinks.values_mut().for_each(|uplink| uplink.hosts.clear());
    let mut valid = validate_as(&desired, &[], Scope::View { ports: here.len() })?;
    valid.ports.retain(|name, _| here.contains_key(name));
    Ok(valid)
}

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
        Binding { host: host.into(), device: device.into(), epoch, claimed_ms: 1 }
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

    #[test]
    fn ports_elsewhere_are_members_of_groups_only() {
        let here = [("p1".to_owned(), "tap1".to_owned())].into();
        let valid = localise("h1", &view().documents, &here).unwrap();
        assert_eq!(valid.ports.keys().collect::<Vec<_>>(), ["p1"]);
        assert_eq!(valid.ports["p1"].device.as_deref(), Some("tap1"));
        assert_eq!(valid.ports["p1"].policies, ["web"]);
        let peers = valid.policies["web"].rules[0].peer.as_ref().unwrap();
        let expected: Vec<ipnet::IpNet> =
            ["10.0.10.1/32", "10.0.10.2/32"].map(|net| net.parse().unwrap()).into();
        assert_eq!(**peers, expected);
    }
}
