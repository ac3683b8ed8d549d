//! Ports that are to come here by a planned move, and which devices of this host are theirs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    meant::Candidates,
    seen::Seen,
    view::{Coming, View},
};
use crate::api::{Binding, Target};

/// The ports that are to come to a host that has others, each with its device if there is one.
///
/// The device is known by the name that the plan, or else the port, gives it, as it is by the claim. It is nobody's
/// yet: neither that of a port here or an uplink, nor one that could as well be meant for another port.
pub(super) fn coming(host: &str, view: &View, here: &BTreeMap<&str, &Binding>, seen: &Seen) -> Coming {
    let planned = view.bindings.iter().filter_map(|(port, binding)| {
        let target = binding.target.as_ref().filter(|target| target.host == host && binding.host != host);
        Some((port.as_str(), target.filter(|_| !here.contains_key(port.as_str()))?))
    });
    let planned: BTreeMap<&str, &Target> = planned.collect();
    if planned.is_empty() {
        return Coming::new();
    }
    let taken = here.values().map(|binding| binding.device.as_str()).chain(view.uplinks());
    let taken: BTreeSet<u32> = taken.filter_map(|name| Some(seen.named(name)?.ifindex)).collect();
    let free = seen.all().filter(|device| !taken.contains(&device.ifindex)).map(|device| (device, ()));
    let given = |port: &str| planned.get(port).is_some_and(|target| target.device.is_some());
    let mut devices = candidates(host, view, &planned).assign(seen, free, |ports, ()| {
        let mut ours = ports.iter().copied().filter(|port| planned.contains_key(port));
        // Those that may be started here are no rivals of one whose device was given.
        let port = ours.next().filter(|port| ports.len() == 1 || given(port));
        port.filter(|_| ours.next().is_none())
    });
    planned.keys().map(|port| ((*port).to_owned(), devices.remove(*port))).collect()
}

/// The ports that are planned to come, and those that may be started here.
fn candidates<'v>(host: &str, view: &'v View, planned: &BTreeMap<&'v str, &'v Target>) -> Candidates<'v> {
    let mut candidates = Candidates::default();
    for (port, target) in planned {
        match &target.device {
            Some(given) => candidates.add(port, [given.as_str()]),
            None => candidates.add_configured(port, view.device(port)),
        }
    }
    let elsewhere = |port: &str| view.bindings.get(port).is_some_and(|binding| binding.host != host);
    for (port, device) in view.ports().filter(|(port, _)| !planned.contains_key(port) && !elsewhere(port)) {
        candidates.add_configured(port, device);
    }
    candidates
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        api::ViewEvent,
        member::{
            seen::tests::devices,
            view::tests::{binding, view},
        },
        model::{Object, samples::from_text},
        netlink::Device,
    };

    /// What it is about; ports that are to come with the devices that were given; devices that exist; those of the ports.
    type Row<'r> = (&'r str, &'r [Plan<'r>], &'r [(u32, &'r str)], &'r [Option<&'r str>]);
    type Plan<'p> = (&'p str, Option<&'p str>);

    /// The ports at h1 or h2 that are to come to h3, with the devices that were given, and those that they get. Ports
    /// p1, p2 and p3 are known, of which p1 and p2 name device v1, and p3 is bound to nobody.
    fn found(plans: &[Plan<'_>], list: &[(u32, &str)]) -> Vec<(String, Option<String>)> {
        let mut view = view();
        let uplink = from_text("{apiVersion: dvs/v1, kind: Uplink, name: eth1, vlans: 10}");
        view.take(ViewEvent {
            put: uplink.objects().map(Object::document).collect(),
            ..ViewEvent::default()
        });
        for (port, device) in plans {
            let (host, device) = ("h3".to_owned(), device.map(str::to_owned));
            let target = Some(Target { host, device, now: false, planned_ms: 0 });
            let binding = Binding { target, ..binding("h1", "v9", 1) };
            view.take(ViewEvent {
                bindings: [((*port).to_owned(), Some(binding))].into(),
                ..ViewEvent::default()
            });
        }
        let own = binding("h3", "v5", 1);
        let here = [("p5", &own)].into();
        coming("h3", &view, &here, &Seen::start(devices(list))).into_iter().collect()
    }

    #[test]
    fn a_device_is_that_of_one_port_that_is_meant() {
        let both = [("p1", None), ("p2", None)];
        let table: [Row; 9] = [
            ("none", &[("p1", None)], &[(2, "v7")], &[None]),
            ("the one that it names", &[("p1", None)], &[(2, "v1"), (3, "p1")], &[Some("v1")]),
            ("of its name", &[("p1", None)], &[(3, "p1")], &[Some("p1")]),
            ("given", &[("p1", Some("v7"))], &[(2, "v1"), (3, "v7")], &[Some("v7")]),
            ("of a port here", &[("p1", Some("v5"))], &[(2, "v5")], &[None]),
            ("of an uplink", &[("p1", Some("eth1"))], &[(2, "eth1")], &[None]),
            ("of two that are to come", &both, &[(2, "v1")], &[None, None]),
            (
                "one each",
                &[("p1", None), ("p2", Some("v7"))],
                &[(2, "v1"), (3, "v7")],
                &[Some("v1"), Some("v7")],
            ),
            ("of a port that may be started here", &[("p1", None)], &[(2, "p1"), (3, "p3")], &[Some("p1")]),
        ];
        for (what, plans, list, expected) in table {
            let found: Vec<Option<String>> =
                found(plans, list).into_iter().map(|(_, device)| device).collect();
            assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{what}");
        }
    }

    #[test]
    fn a_device_that_another_port_may_be_started_with_has_to_be_given() {
        let device = Device {
            ifindex: 2,
            name: "vnet7".into(),
            altnames: vec!["p3".into()],
            alias: Some("p1".into()),
            ..Device::default()
        };
        let seen = Seen::start([(2, Arc::new(device))].into());
        let plan = |device: Option<&str>| {
            let (host, device) = ("h3".to_owned(), device.map(str::to_owned));
            let target = Some(Target { host, device, now: false, planned_ms: 0 });
            let binding = Binding { target, ..binding("h1", "v9", 1) };
            let mut view = view();
            view.take(ViewEvent {
                bindings: [("p1".to_owned(), Some(binding))].into(),
                ..ViewEvent::default()
            });
            coming("h3", &view, &BTreeMap::new(), &seen)["p1"].clone()
        };
        assert_eq!(plan(None), None, "p3 is at no host");
        assert_eq!(plan(Some("p1")).as_deref(), Some("p1"), "by the name that was given, not the kernel's");
    }
}
