use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{
    api::ViewEvent,
    model::{
        Document, Host, Network, Port, Scope, Validated, changes, samples, samples::from_text, validate_as,
    },
};

/// What makes `new` out of `old`.
pub(super) fn between(old: &Desired, new: &Desired) -> Vec<ObjectChange> {
    changes(old, new).iter().map(|change| (change.id(), new.get(&change.id()))).collect()
}

pub(super) fn binding(host: &str, epoch: u64) -> Binding {
    Binding { host: host.into(), device: "v1".into(), epoch, claimed_ms: 0, target: None }
}

pub(super) fn to(host: &str) -> Target {
    Target { host: host.into(), device: None, now: false, planned_ms: 0 }
}

/// Views made from nothing.
pub(super) fn made(desired: &Desired, bindings: &BTreeMap<String, Binding>) -> Views {
    let mut views = Views::default();
    views.configure(1, between(&Desired::default(), desired));
    views.bind(1, views.binding_changes(bindings));
    views
}

/// A view as whoever was told it has it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    objects: BTreeMap<ObjectId, Document>,
    bindings: BTreeMap<String, Binding>,
}

impl Known {
    fn hear(&mut self, event: ViewEvent) {
        if event.complete {
            *self = Self::default();
        }
        for document in event.put {
            self.objects.insert(document.object.id(), document);
        }
        for name in event.remove {
            assert!(self.objects.remove(&ObjectId::new(name.kind, name.name)).is_some());
        }
        for (port, binding) in event.bindings {
            match binding {
                Some(binding) => drop(self.bindings.insert(port, binding)),
                None => assert!(self.bindings.remove(&port).is_some()),
            }
        }
    }

    fn desired(&self) -> Desired {
        self.objects.values().map(|document| document.object.clone()).collect()
    }
}

/// All views, by host.
fn known(views: &Views) -> BTreeMap<String, Known> {
    let known = views.hosts.keys().map(|host| {
        let mut known = Known::default();
        known.hear(views.glance(host).unwrap().sight.complete());
        (host.to_string(), known)
    });
    known.collect()
}

/// Labels of which many ports and groups have the same.
fn labels<L: FromIterator<(String, String)>>(bits: u8) -> L {
    let label = |bit: u8| {
        let value = if bits & (4 << bit) == 0 { "x" } else { "y" };
        (bits & (1 << bit) != 0).then(|| (["a", "b"][usize::from(bit)].to_owned(), value.to_owned()))
    };
    [0, 1].into_iter().filter_map(label).collect()
}

/// A valid configuration of a few hosts, and where its ports are.
pub(super) fn world() -> impl Strategy<Value = (Desired, BTreeMap<String, Binding>)> {
    let hosts = vec(0u8..2, 1..5);
    (samples::desired(), hosts, vec(any::<[u8; 2]>(), 12), vec(any::<(u8, u8, Index)>(), 5)).prop_map(
        |(mut desired, hosts, ports, groups)| {
            for (number, group) in (0u8..).zip(&hosts) {
                let ha_group = format!("rack{group}");
                let underlay = (number != 1).then(|| [192, 0, 2, number].into());
                desired.put(Object::Host(Host { ha_group, underlay, ..Host::new(format!("h{number}")) }));
            }
            let mut bindings = BTreeMap::new();
            for (port, [bits, place]) in desired.ports.values_mut().zip(ports) {
                Arc::make_mut(port).label = labels(bits);
                // Of five ports one is bound to nobody; a host that has the port may be gone.
                if place % 5 != 4 {
                    let target = (place % 3 == 0).then(|| to(&format!("h{}", place % 7)));
                    let binding = Binding { target, ..binding(&format!("h{}", place % 5), place.into()) };
                    bindings.insert(port.name.clone(), binding);
                }
            }
            let names: Vec<String> = desired.ports.keys().cloned().collect();
            for (group, (bits, lists, port)) in Arc::make_mut(&mut desired.groups).values_mut().zip(groups) {
                group.selector = labels(bits);
                if lists % 3 == 0 && !names.is_empty() {
                    group.ports = vec![port.get(&names).clone()];
                }
            }
            for uplink in Arc::make_mut(&mut desired.uplinks).values_mut().filter(|_| hosts.len() > 2) {
                uplink.hosts = vec!["h0".to_owned(), "h2".to_owned()];
            }
            (desired, bindings)
        },
    )
}

/// The first one with some of the objects of the other, which need not fit.
fn mixed(one: &Desired, other: &Desired, taken: &[bool]) -> Desired {
    let mut mixed = one.clone();
    for ((id, object), _) in between(one, other).into_iter().zip(taken).filter(|(_, taken)| **taken) {
        match object {
            Some(object) => mixed.put(object),
            None => drop(mixed.remove(&id)),
        }
    }
    mixed
}

/// What a port forwards by is the same in a view as in the whole.
fn assert_same(whole: &Validated, view: &Validated, port: &Port) {
    let (wide, mut narrow) = (&whole.ports[&port.name], view.ports[&port.name].clone());
    // Each chooses what stands for an overlay network inside.
    let over = port.network.as_ref().is_some_and(|network| whole.networks[network].vni.is_some());
    if over {
        narrow.attachment = wide.attachment.clone();
    }
    assert_eq!(*wide, narrow);
    for policy in &wide.policies {
        assert_eq!(whole.policies[policy], view.policies[policy], "{policy}");
    }
    let Some(network) = &port.network else { return };
    let mut narrow = view.networks[network].clone();
    if over {
        narrow.vlan = whole.networks[network].vlan;
    }
    assert_eq!(whole.networks[network], narrow);
    let Some(router) = &whole.networks[network].router else { return };
    assert_eq!(whole.routers[router], view.routers[router]);
    let networks = |valid: &Validated| -> Vec<String> {
        let networks = valid.networks.iter().filter(|(_, network)| network.router.as_ref() == Some(router));
        networks.map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(networks(whole), networks(view));
}

/// A view has the places of its ports, and all places in the overlay networks that it has as a whole, with all hosts
/// that tunnels lead to.
fn assert_overlays(
    desired: &Desired,
    bindings: &BTreeMap<String, Binding>,
    known: &Known,
    ports: &[&Arc<Port>],
) {
    let name_of = |port: &&Arc<Port>| port.name.clone();
    let mut places: BTreeSet<String> = ports.iter().map(name_of).collect();
    let network = |port: &Port| desired.networks.get(port.network.as_ref()?);
    let own: Vec<_> = ports.iter().filter_map(|port| network(port)).collect();
    for over in desired.networks.values().filter(|network| network.vni.is_some()) {
        let routed = |other: &&Network| over.router.is_some() && other.router == over.router;
        if own.iter().any(|other| other.name == over.name) || own.iter().any(routed) {
            let inside = desired.ports.values().filter(|port| port.network.as_ref() == Some(&over.name));
            places.extend(
                inside.filter(|port| bindings.contains_key(&port.name)).map(|port| port.name.clone()),
            );
            for host in desired.hosts.values().filter(|host| host.underlay.is_some()) {
                assert!(known.objects.contains_key(&ObjectId::new(Kind::Host, &host.name)), "{}", host.name);
            }
        }
    }
    // A trunk brings the networks of its VLANs, and so their routers.
    let trunk = ports.iter().any(|port| port.trunk.is_some());
    let told: BTreeSet<String> = known.bindings.keys().cloned().collect();
    assert!(if trunk { told.is_superset(&places) } else { told == places }, "{told:?} {places:?}");
}

proptest! {
    /// Whatever changes, views are those made from nothing, and whoever was told the differences has them.
    #[test]
    fn views_follow_changes(worlds in vec((world(), vec(any::<bool>(), 60)), 2..4)) {
        let mut views = Views::default();
        let mut told: BTreeMap<String, (Sight, Known)> = BTreeMap::new();
        let (mut desired, mut bindings, mut number) = (Desired::default(), BTreeMap::new(), 0);
        for ((next, places), taken) in worlds {
            let way = [(mixed(&desired, &next, &taken), bindings.clone()), (next.clone(), bindings.clone()), (next, places)];
            for (next, places) in way {
                number += 1;
                let before = known(&views);
                let changes = between(&desired, &next);
                prop_assert_eq!(views.object_changes(&next).len(), changes.len());
                let concerned = views.configure(number, changes);
                let after = known(&views);
                for (host, view) in &before {
                    let same = after.get(host).is_none_or(|after| after == view);
                    prop_assert!(same || concerned.contains(host.as_str()), "{} is not concerned", host);
                }
                views.bind(number, views.binding_changes(&places));
                (desired, bindings) = (next, places);
                let fresh = made(&desired, &bindings);
                let expected = known(&fresh);
                prop_assert_eq!(&known(&views), &expected);
                told.retain(|host, _| expected.contains_key(host));
                for (host, expected) in &expected {
                    let sight = views.glance(host).unwrap().sight;
                    let (old, known) = told.entry(host.clone()).or_default();
                    known.hear(sight.since(old));
                    prop_assert_eq!(&*known, expected);
                    prop_assert_eq!(sight.digest(), fresh.glance(host).unwrap().sight.digest());
                    *old = sight;
                }
            }
        }
    }

    /// A view is valid if the whole is, and its ports forward by it as by the whole.
    #[test]
    fn views_suffice((desired, bindings) in world()) {
        let whole = validate_as(&desired, &[], Scope::Cluster).unwrap();
        for (host, known) in known(&made(&desired, &bindings)) {
            let view = validate_as(&known.desired(), &[], Scope::Cluster).unwrap();
            let group = &desired.hosts[&host].ha_group;
            let mine = |port: &&Arc<Port>| {
                let Some(binding) = bindings.get(&port.name) else { return false };
                let target = binding.target.as_ref().map(|target| &target.host);
                let hosts = target.into_iter().chain([&binding.host]);
                hosts.filter_map(|host| desired.hosts.get(host)).any(|host| host.ha_group == *group)
            };
            let ports: Vec<&Arc<Port>> = desired.ports.values().filter(mine).collect();
            for port in &ports {
                assert_same(&whole, &view, port);
            }
            assert_overlays(&desired, &bindings, &known, &ports);
            for uplink in desired.uplinks.values() {
                let wanted = uplink.hosts.is_empty() || uplink.hosts.contains(&host);
                prop_assert_eq!(view.uplinks.contains_key(&uplink.name), wanted);
            }
        }
    }
}

/// Three hosts, of which the first two may take over from each other; policy web is for p1 and asks who is in
/// group db, where p3 is.
const HOSTS: &str = "- {apiVersion: dvs/v1, kind: Host, name: h1, haGroup: a}
- {apiVersion: dvs/v1, kind: Host, name: h2, haGroup: a}
- {apiVersion: dvs/v1, kind: Host, name: h3, haGroup: b}
- {apiVersion: dvs/v1, kind: Router, name: r1}
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, router: r1, subnet: [10.0.10.0/24], gateway: [10.0.10.1]}
- {apiVersion: dvs/v1, kind: Network, name: green, vlan: 20}
- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 30}
- {apiVersion: dvs/v1, kind: Uplink, name: eth1, vlans: 10, hosts: [h3]}
- {apiVersion: dvs/v1, kind: Port, name: p1, network: blue, label: {tier: web}}
- {apiVersion: dvs/v1, kind: Port, name: p3, network: green, label: {tier: db}}
- {apiVersion: dvs/v1, kind: Port, name: p4, network: red}
- {apiVersion: dvs/v1, kind: Group, name: web, selector: {tier: web}}
- {apiVersion: dvs/v1, kind: Group, name: db, selector: {tier: db}}
- {apiVersion: dvs/v1, kind: Policy, name: web, appliesTo: web}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: db, priority: 1, direction: out, action: allow, peer: group:db}";

pub(super) fn three_hosts() -> (Desired, Views) {
    let desired = from_text(HOSTS);
    let places = [("p1", "h1"), ("p3", "h3"), ("p4", "h3")];
    let places = places.map(|(port, host)| (port.to_owned(), binding(host, 1)));
    let views = made(&desired, &places.into());
    (desired, views)
}

fn names(views: &Views, host: &str) -> String {
    let sight = views.glance(host).unwrap().sight;
    sight.documents().map(|document| document.object.id().to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_view_has_what_the_ports_of_the_group_need() {
    let (_, views) = three_hosts();
    let of_group = "Router r1, Network blue, Network green, Host h1, Host h2, Port p1, Port p3, Group db, \
                    Group web, Policy web, Rule web/db";
    assert_eq!((names(&views, "h1").as_str(), names(&views, "h2").as_str()), (of_group, of_group));
    let of_h3 = "Network green, Network red, Host h3, Uplink eth1, Port p3, Port p4";
    assert_eq!(names(&views, "h3"), of_h3);
}

#[test]
fn a_port_that_is_to_come_brings_all_that_it_needs() {
    let (_, mut views) = three_hosts();
    let before = names(&views, "h3");
    let planned = Binding { target: Some(to("h3")), ..binding("h1", 1) };
    views.bind(2, vec![("p1".into(), Some(planned))]);
    assert!(
        names(&views, "h3")
            .contains("Port p1, Port p3, Port p4, Group db, Group web, Policy web, Rule web/db")
    );
    assert_eq!(views.planned().map(|(port, ..)| port.as_str()).collect::<Vec<_>>(), ["p1"]);
    views.bind(3, vec![("p1".into(), Some(binding("h1", 1)))]);
    assert_eq!((names(&views, "h3"), views.planned().count()), (before, 0));
}

#[test]
fn an_overlay_network_brings_its_open_ports_and_all_ends_of_tunnels() {
    let over = HOSTS
        .replace("name: red, vlan: 30", "name: red, vni: 5000")
        .replace("haGroup: b", "haGroup: b, underlay: 192.0.2.3");
    let desired = from_text(&format!(
        "{over}\n- {{apiVersion: dvs/v1, kind: Port, name: p6, network: red, label: {{tier: web}}}}
- {{apiVersion: dvs/v1, kind: Port, name: p7, network: red}}"
    ));
    let places = [("p4", "h3"), ("p6", "h1")].map(|(port, host)| (port.to_owned(), binding(host, 1)));
    let mut views = made(&desired, &places.into());
    let of_h3 = "Network red, Host h3, Uplink eth1, Port p4, Port p6";
    assert_eq!(names(&views, "h3"), of_h3, "nothing of what p6 has besides");
    assert!(names(&views, "h1").contains("Host h1, Host h2, Host h3, "));
    let bindings = views.glance("h3").unwrap().sight.complete().bindings;
    assert_eq!(bindings.keys().collect::<Vec<_>>(), ["p4", "p6"]);
    views.bind(2, vec![("p7".into(), Some(binding("h2", 2)))]);
    assert_eq!(names(&views, "h3"), format!("{of_h3}, Port p7"));
    views.bind(3, vec![("p7".into(), None)]);
    assert_eq!(names(&views, "h3"), of_h3);
}

#[test]
fn a_change_concerns_those_who_may_see_it() {
    for (what, document, concerned) in [
        ("a route of a router", "kind: Route, router: r1, prefix: 10.0.0.0/8, blackhole: true", "h1 h2"),
        (
            "a network of a router",
            "kind: Network, name: black, vlan: 40, router: r1, subnet: [10.0.40.0/24], gateway: [10.0.40.1]",
            "h1 h2",
        ),
        ("a network of nobody", "kind: Network, name: black, vlan: 40", ""),
        (
            "a rule of a policy",
            "kind: Rule, policy: web, name: r, priority: 2, direction: in, action: drop",
            "h1 h2",
        ),
        (
            "an address of a peer",
            "kind: Port, name: p3, network: green, label: {tier: db}, ip: [10.0.0.3]",
            "h1 h2 h3",
        ),
        ("a peer more", "kind: Port, name: p4, network: red, label: {tier: db}", "h1 h2 h3"),
        ("a port of nobody", "kind: Port, name: p5, network: red", ""),
        ("a port that is a peer", "kind: Port, name: p5, network: red, label: {tier: db}", "h1 h2"),
        ("a policy for nobody", "kind: Policy, name: db", ""),
        ("a policy for a group", "kind: Policy, name: db, appliesTo: db", "h3"),
        ("an uplink of one", "kind: Uplink, name: eth2, vlans: 20, hosts: [h1]", "h1"),
        ("an uplink of all", "kind: Uplink, name: eth2, vlans: 20", "h1 h2 h3"),
        ("settings", "kind: Switch, ageing: 0", "h1 h2 h3"),
        ("a host of another group", "kind: Host, name: h4, haGroup: b", "h3 h4"),
        ("a host that goes to another group", "kind: Host, name: h2, haGroup: b", "h1 h2 h3"),
    ] {
        let (_, mut views) = three_hosts();
        let new = from_text(&format!("{{apiVersion: dvs/v1, {document}}}"));
        let changes: Vec<ObjectChange> = new.objects().map(|object| (object.id(), Some(object))).collect();
        let told: Vec<String> = views.configure(2, changes).iter().map(ToString::to_string).collect();
        assert_eq!(told.join(" "), concerned, "{what}");
        let lagging: Vec<&str> =
            views.hosts().filter(|(_, concerned)| *concerned == 2).map(|(host, _)| host).collect();
        assert_eq!(lagging.join(" "), concerned, "{what}");
    }
}

#[test]
fn a_claim_is_told_to_the_group_and_brings_what_the_port_needs() {
    let (_, mut views) = three_hosts();
    let mut news = ["h1", "h2", "h3"].map(|host| views.news(host).unwrap());
    views.bind(2, vec![("p4".into(), Some(binding("h2", 2)))]);
    assert!(names(&views, "h1").contains("Network red"));
    assert!(!names(&views, "h3").contains("Network red"));
    assert!(news.iter_mut().all(|news| news.has_changed().unwrap()));
    news.iter_mut().for_each(watch::Receiver::mark_unchanged);
    // From one host of the group to another: nobody else has to know.
    views.bind(3, vec![("p4".into(), Some(binding("h1", 3)))]);
    assert_eq!(news.map(|news| news.has_changed().unwrap()), [true, true, false]);
    let sight = views.glance("h2").unwrap().sight;
    let bindings = sight.complete().bindings;
    assert_eq!(bindings["p4"].as_ref().map(|binding| binding.host.as_str()), Some("h1"));
}

#[test]
fn older_bindings_than_those_known_are_left_aside() {
    let (_, mut views) = three_hosts();
    views.bind(5, vec![("p1".into(), Some(binding("h2", 5)))]);
    views.bind(4, vec![("p1".into(), Some(binding("h3", 4)))]);
    assert_eq!((views.claims(), views.binding("p1")), (5, Some(&binding("h2", 5))));
}
