//! What a manager says that concerns this host: documents, and who has which port. Pure.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    api::{Binding, ObjectName, ViewEvent, view_digest},
    model::{
        Desired, Document, Host, Kind, Object, ObjectId, Problem, Scope, ValidPort, Validated,
        overlay::{Overlay, RemotePort},
        validate_as,
    },
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

/// The configuration of a host, as far as it does not matter where ports elsewhere are.
#[derive(Debug)]
pub(super) struct Local {
    /// The configuration without ports elsewhere.
    pub(super) valid: Arc<Validated>,
    /// Ports of overlay networks that are not here, each with its network. All of them are up.
    pub(super) others: BTreeMap<String, (String, ValidPort)>,
}

impl Local {
    /// The configuration where these ports are at these hosts.
    pub(super) fn with(&mut self, places: &BTreeMap<String, String>) -> Arc<Validated> {
        let remote = |(port, host): (&String, &String)| {
            let (network, found) = self.others.get(port)?;
            let (macs, ips) = (found.macs.clone(), found.ips.clone());
            let remote = RemotePort { host: host.clone(), network: network.clone(), macs, ips };
            self.valid.overlay.hosts.contains_key(host).then(|| (port.clone(), remote))
        };
        let ports = places.iter().filter_map(remote).collect();
        if self.valid.overlay.ports != ports {
            let valid = Arc::make_mut(&mut self.valid);
            valid.overlay.ports = ports;
        }
        Arc::clone(&self.valid)
    }
}

/// The configuration of a host that has these ports, with their devices. Those that are to come are closed, and
/// besides that as if they were here. Ports elsewhere are members of groups and of overlay networks, and nothing else;
/// uplinks of other hosts are none.
///
/// # Errors
/// What is wrong with the documents.
pub(super) fn localise(
    host: &str,
    documents: &Documents,
    here: &BTreeMap<String, String>,
    coming: &Coming,
) -> Result<Local, Vec<Problem>> {
    let mut desired: Desired = documents.values().map(|document| document.object.clone()).collect();
    for port in desired.ports.values_mut() {
        // On another host another port may have a device of this name.
        port.device = here.get(&port.name).or_else(|| coming.get(&port.name)?.as_ref()).cloned();
    }
    let uplinks = Arc::make_mut(&mut desired.uplinks);
    uplinks.retain(|_, uplink| uplink.hosts.is_empty() || uplink.hosts.iter().any(|name| name == host));
    // The other hosts of an uplink need not be in the view.
    uplinks.values_mut().for_each(|uplink| uplink.hosts.clear());
    let mut valid = validate_as(&desired, &[], Scope::View { ports: here.len() + coming.len() })?;
    valid.overlay = overlay(host, &desired);
    let (ports, elsewhere): (BTreeMap<_, _>, BTreeMap<_, _>) =
        std::mem::take(&mut valid.ports).into_iter().partition(|(name, _)| here.contains_key(name));
    valid.ports = ports;
    for name in coming.keys() {
        if let Some(port) = elsewhere.get(name) {
            let closed = ValidPort { up: false, standby: true, ..port.clone() };
            valid.ports.insert(name.clone(), closed);
        }
    }
    let others = tunnelled(&desired, elsewhere);
    Ok(Local { valid: Arc::new(valid), others })
}

/// Where tunnels begin and end.
fn overlay(host: &str, desired: &Desired) -> Overlay {
    let address = |host: &Host| Some((host.name.clone(), host.underlay?));
    let mut hosts: BTreeMap<_, _> = desired.hosts.values().filter_map(address).collect();
    Overlay { address: hosts.remove(host), hosts, ports: BTreeMap::new() }
}

/// Those of the ports that are up and in an overlay network, with its name.
fn tunnelled(desired: &Desired, ports: BTreeMap<String, ValidPort>) -> BTreeMap<String, (String, ValidPort)> {
    let with_network = |(name, port): (String, ValidPort)| {
        let network = desired.ports.get(&name)?.network.as_ref()?;
        let found = desired.networks.get(network).filter(|network| network.vni.is_some() && port.up)?;
        Some((name, (found.name.clone(), port)))
    };
    ports.into_iter().filter_map(with_network).collect()
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

    #[test]
    fn ports_elsewhere_are_members_of_groups_only() {
        let here = [("p1".to_owned(), "tap1".to_owned())].into();
        let valid = localise("h1", &view().documents, &here, &Coming::new()).unwrap().valid;
        assert_eq!(valid.ports.keys().collect::<Vec<_>>(), ["p1"]);
        assert_eq!(valid.ports["p1"].device.as_deref(), Some("tap1"));
        assert_eq!(valid.ports["p1"].policies, ["web"]);
        let peers = valid.policies["web"].rules[0].peer.as_ref().unwrap();
        let expected: Vec<ipnet::IpNet> =
            ["10.0.10.1/32", "10.0.10.2/32"].map(|net| net.parse().unwrap()).into();
        assert_eq!(**peers, expected);
    }

    #[test]
    fn overlay_networks_lead_to_ports_at_hosts_with_addresses() {
        let objects = r#"
{apiVersion: dvs/v1, kind: Network, name: over, vni: 5000}
---
{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
---
{apiVersion: dvs/v1, kind: Host, name: h1, underlay: 192.0.2.1}
---
{apiVersion: dvs/v1, kind: Host, name: h2, underlay: 192.0.2.2}
---
{apiVersion: dvs/v1, kind: Host, name: h3}
---
{apiVersion: dvs/v1, kind: Port, name: p1, network: over}
---
{apiVersion: dvs/v1, kind: Port, name: p2, network: over, mac: ["02:00:00:00:00:02"], ip: ["10.0.0.2"]}
---
{apiVersion: dvs/v1, kind: Port, name: p3, network: over}
---
{apiVersion: dvs/v1, kind: Port, name: p4, network: over, admin: down}
---
{apiVersion: dvs/v1, kind: Port, name: p5, network: blue}
"#;
        let put = from_text(objects).objects().map(Object::document).collect();
        let mut view = View::default();
        view.take(ViewEvent { complete: true, put, ..ViewEvent::default() });
        let here = [("p1".to_owned(), "tap1".to_owned())].into();
        let mut local = localise("h1", &view.documents, &here, &Coming::new()).unwrap();
        let at = |places: &[(&str, &str)]| -> BTreeMap<String, String> {
            places.iter().map(|(port, host)| ((*port).to_owned(), (*host).to_owned())).collect()
        };
        let valid = local.with(&at(&[("p2", "h2"), ("p3", "h3"), ("p4", "h2"), ("p5", "h2")]));
        let Overlay { address, hosts, ports } = &valid.overlay;
        assert_eq!(*address, Some([192, 0, 2, 1].into()));
        assert_eq!(*hosts, [("h2".to_owned(), [192, 0, 2, 2].into())].into());
        let two = RemotePort {
            host: "h2".into(),
            network: "over".into(),
            macs: vec!["02:00:00:00:00:02".parse().unwrap()],
            ips: vec![[10, 0, 0, 2].into()],
        };
        assert_eq!(*ports, [("p2".to_owned(), two)].into());
        assert!(Arc::ptr_eq(&valid, &local.with(&at(&[("p2", "h2")]))), "nothing is new");
        assert!(local.with(&at(&[])).overlay.ports.is_empty());
    }
}
