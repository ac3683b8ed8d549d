//! The configuration of one host, out of what it is told of many. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::view::{Coming, Documents};
use crate::model::{
    Desired, Host, Object, Problem, Scope, ValidPort, Validated,
    overlay::{Overlay, RemotePort},
    validate_as,
};

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
    let needed = Needed::of(documents, here, coming);
    let objects = documents.values().map(|document| &document.object);
    let mut desired: Desired = objects.filter(|object| needed.has(object)).cloned().collect();
    for port in desired.ports.values_mut() {
        // On another host another port may have a device of this name.
        let device = here.get(&port.name).or_else(|| coming.get(&port.name)?.as_ref());
        if port.device.as_ref() != device {
            Arc::make_mut(port).device = device.cloned();
        }
    }
    let uplinks = Arc::make_mut(&mut desired.uplinks);
    uplinks.retain(|_, uplink| uplink.hosts.is_empty() || uplink.hosts.iter().any(|name| name == host));
    // The other hosts of an uplink need not be in the view.
    for uplink in uplinks.values_mut() {
        uplink.hosts.clear();
    }
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

/// Which ports of a view matter here. Of those elsewhere most do not: they are known in case that they come.
struct Needed<'v> {
    here: &'v BTreeMap<String, String>,
    coming: &'v Coming,
    /// Ports that groups list.
    listed: BTreeSet<&'v str>,
    /// Labels of those that rules are about.
    selectors: Vec<&'v BTreeMap<String, String>>,
    /// Networks whose ports frames are sent to wherever they are.
    overlays: BTreeSet<&'v str>,
}

impl<'v> Needed<'v> {
    fn of(documents: &'v Documents, here: &'v BTreeMap<String, String>, coming: &'v Coming) -> Self {
        let (mut groups, mut todo) = (BTreeMap::new(), Vec::new());
        let mut needed =
            Self { here, coming, listed: BTreeSet::new(), selectors: Vec::new(), overlays: BTreeSet::new() };
        for document in documents.values() {
            if let Object::Group(group) = &document.object {
                groups.insert(group.name.as_str(), group);
                needed.listed.extend(group.ports.iter().map(String::as_str));
            } else if let Object::Rule(rule) = &document.object {
                todo.extend(rule.peer.group());
            } else if let Object::Network(network) = &document.object {
                needed.overlays.extend(network.vni.map(|_| network.name.as_str()));
            }
        }
        while let Some(name) = todo.pop() {
            let Some(group) = groups.remove(name) else { continue };
            todo.extend(group.groups.iter().map(String::as_str));
            needed.selectors.push(&group.selector);
        }
        needed
    }

    fn has(&self, object: &Object) -> bool {
        let Object::Port(port) = object else { return true };
        self.here.contains_key(&port.name)
            || self.coming.contains_key(&port.name)
            || self.listed.contains(port.name.as_str())
            || port.network.as_deref().is_some_and(|network| self.overlays.contains(network))
            || self.selectors.iter().any(|selector| port.label.are_selected_by(selector))
    }
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
mod tests {
    use super::*;
    use crate::{
        api::ViewEvent,
        member::view::{View, tests::view},
        model::{Kind, samples::from_text},
    };

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

    #[test]
    fn ports_that_matter_here_are_told_from_others() {
        let documents = |more: &str| {
            let objects = format!(
                r#"
{{apiVersion: dvs/v1, kind: Network, name: over, vni: 5000}}
---
{{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}}
---
{{apiVersion: dvs/v1, kind: Port, name: p1, network: blue, label: {{app: web}}}}
---
{{apiVersion: dvs/v1, kind: Port, name: p2, network: blue, label: {{app: web, tier: b}}}}
---
{{apiVersion: dvs/v1, kind: Port, name: p3, network: over}}
---
{{apiVersion: dvs/v1, kind: Group, name: web, selector: {{app: web}}}}
---
{{apiVersion: dvs/v1, kind: Group, name: two, selector: {{app: web, tier: b}}, ports: [p4]}}
---
{{apiVersion: dvs/v1, kind: Group, name: all, groups: [web, gone, all]}}
---
{{apiVersion: dvs/v1, kind: Policy, name: web, appliesTo: web}}
---
{{apiVersion: dvs/v1, kind: Rule, policy: web, name: r, priority: 10, direction: in, action: allow, peer: "{more}"}}
"#
            );
            let ports = (4..8).map(|number| format!("{{apiVersion: dvs/v1, kind: Port, name: p{number}}}"));
            let objects = ports.fold(objects, |objects, port| format!("{objects}---\n{port}\n"));
            let put = from_text(&objects).objects().map(Object::document).collect();
            let mut view = View::default();
            view.take(ViewEvent { complete: true, put, ..ViewEvent::default() });
            view.documents
        };
        let (here, coming) = ([("p5".to_owned(), "v5".to_owned())].into(), [("p6".to_owned(), None)].into());
        for (peer, expected) in [
            ("10.0.0.0/8", &["p3", "p4", "p5", "p6"][..]),
            ("group:two", &["p2", "p3", "p4", "p5", "p6"]),
            ("group:web", &["p1", "p2", "p3", "p4", "p5", "p6"]),
            ("group:all", &["p1", "p2", "p3", "p4", "p5", "p6"]),
        ] {
            let documents = documents(peer);
            let needed = Needed::of(&documents, &here, &coming);
            let ports = documents.values().filter(|document| document.object.id().kind == Kind::Port);
            let ports = ports.filter(|document| needed.has(&document.object));
            let names: Vec<String> = ports.map(|document| document.object.id().name).collect();
            assert_eq!(names, expected, "{peer}");
        }
    }
}
