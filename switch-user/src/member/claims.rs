//! Which ports a host claims by itself when no manager can be reached. Pure.

use std::collections::BTreeMap;

use super::{
    meant::Candidates,
    seen::Seen,
    view::{Coming, View},
};
use crate::api::Binding;

/// Ports to claim, each with the name of its device here: those whose device appeared, wherever they were; and, with
/// devices that were there before, those that no other host has.
pub(super) fn alone(
    host: &str,
    view: &View,
    here: &BTreeMap<&str, &Binding>,
    coming: &Coming,
    seen: &Seen,
) -> BTreeMap<String, String> {
    let taken = here.values().map(|binding| &binding.device).chain(coming.values().flatten());
    let plugged = |port: &str| here.get(port).is_some_and(|binding| seen.named(&binding.device).is_some());
    let elsewhere = |port: &str| view.bindings.get(port).is_some_and(|binding| binding.host != host);
    let mut candidates = Candidates::default();
    // Of others it is not known here which policies apply.
    for (port, device) in view.ports().filter(|(port, _)| !plugged(port) && !view.is_foreign(host, port)) {
        candidates.add_configured(port, device);
    }
    let free = seen.free(taken).map(|(device, appeared)| (&**device, appeared));
    candidates.assign(seen, free, |ports, appeared| {
        let ours = ports.iter().copied().filter(|port| !elsewhere(port)).collect();
        only(ours).or_else(|| only(ports).filter(|_| appeared))
    })
}

/// The one that is meant. Ports on different hosts may name the same device; which of several is meant, nobody can
/// tell.
fn only(ports: Vec<&str>) -> Option<&str> {
    <[&str; 1]>::try_from(ports).ok().map(|[port]| port)
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

    /// Ports that are claimed where these devices were there before and those appeared.
    fn claimed(host: &str, before: &[(u32, &str)], now: &[(u32, &str)]) -> BTreeMap<String, String> {
        let mut seen = Seen::start(devices(before));
        seen.follow(devices(now));
        alone(host, &view(), &BTreeMap::new(), &Coming::new(), &seen)
    }

    fn list(ports: &[(&str, &str)]) -> BTreeMap<String, String> {
        ports.iter().map(|(port, device)| ((*port).to_owned(), (*device).to_owned())).collect()
    }

    #[test]
    fn a_device_that_appears_claims_its_port_wherever_it_was() {
        assert_eq!(claimed("h3", &[], &[(2, "p1")]), list(&[("p1", "p1")]));
        assert_eq!(claimed("h3", &[], &[(2, "p3")]), list(&[("p3", "p3")]));
    }

    #[test]
    fn ports_of_other_groups_are_not_claimed() {
        let objects = "{apiVersion: dvs/v1, kind: Host, name: h1, haGroup: a}
---
{apiVersion: dvs/v1, kind: Host, name: h2, haGroup: b}
---
{apiVersion: dvs/v1, kind: Host, name: h3, haGroup: a}";
        let put = from_text(objects).objects().map(Object::document).collect();
        let mut view = view();
        view.take(ViewEvent { put, ..ViewEvent::default() });
        let mut seen = Seen::start(devices(&[]));
        seen.follow(devices(&[(2, "p1"), (3, "p2"), (4, "p3")]));
        assert_eq!(
            alone("h3", &view, &BTreeMap::new(), &Coming::new(), &seen),
            list(&[("p1", "p1"), ("p3", "p3")])
        );
        assert!(view.is_foreign("h3", "p2"), "{view:?}");
    }

    #[test]
    fn a_device_that_was_there_claims_what_is_this_hosts_or_nobodys() {
        let before = [(2, "p1"), (3, "p2"), (4, "p3")];
        assert_eq!(claimed("h1", &before, &before), list(&[("p1", "p1"), ("p3", "p3")]));
        assert_eq!(claimed("h3", &before, &before), list(&[("p3", "p3")]));
    }

    #[test]
    fn a_device_of_several_ports_claims_the_one_that_is_this_hosts() {
        assert_eq!(claimed("h3", &[], &[(2, "v1")]), list(&[]), "p1 and p2 name it");
        assert_eq!(claimed("h1", &[(2, "v1")], &[(2, "v1")]), list(&[("p1", "v1")]));
        assert_eq!(claimed("h1", &[], &[(2, "v1")]), list(&[("p1", "v1")]));
    }

    #[test]
    fn a_claim_names_the_device_by_the_name_that_is_meant_and_not_by_the_kernels() {
        let named = |name: &str, altname: &str, alias: &str| {
            let (altnames, alias) = (vec![altname.to_owned()], Some(alias.to_owned()));
            Arc::new(Device { ifindex: 2, name: name.into(), altnames, alias, ..Device::default() })
        };
        let table = [
            ("alias", named("vnet7", "x", "p3"), "p3"),
            ("alternative name", named("vnet7", "p3", "x"), "p3"),
            ("the configured one before the port's own", named("p3", "x", "v3"), "v3"),
        ];
        for (what, device, expected) in table {
            let mut view = view();
            let port = from_text("{apiVersion: dvs/v1, kind: Port, name: p3, network: blue, device: v3}");
            let put = port.objects().map(Object::document).collect();
            view.take(ViewEvent { put, ..ViewEvent::default() });
            let seen = Seen::start([(2, device)].into());
            let claimed = alone("h3", &view, &BTreeMap::new(), &Coming::new(), &seen);
            assert_eq!(claimed, list(&[("p3", expected)]), "{what}");
        }
    }

    #[test]
    fn an_alias_that_another_device_has_as_its_name_is_none() {
        let device = |ifindex, name: &str, alias: Option<&str>| {
            let alias = alias.map(str::to_owned);
            (ifindex, Arc::new(Device { ifindex, name: name.into(), alias, ..Device::default() }))
        };
        let own = binding("h3", "p3", 1);
        let seen = Seen::start([device(2, "vnet7", Some("p3")), device(3, "p3", None)].into());
        let claimed = |here: &BTreeMap<&str, &Binding>| alone("h3", &view(), here, &Coming::new(), &seen);
        assert_eq!(claimed(&[("p9", &own)].into()), list(&[]), "p9 has device p3");
        assert_eq!(claimed(&BTreeMap::new()), list(&[("p3", "p3")]));
    }

    #[test]
    fn a_port_that_has_its_device_is_not_claimed_again() {
        let own = binding("h3", "tap1", 2);
        let here = [("p1", &own)].into();
        let mut seen = Seen::start(devices(&[(2, "tap1")]));
        seen.follow(devices(&[(2, "tap1"), (3, "p1")]));
        assert_eq!(alone("h3", &view(), &here, &Coming::new(), &seen), list(&[]));
        seen.follow(devices(&[(3, "p1")]));
        assert_eq!(
            alone("h3", &view(), &here, &Coming::new(), &seen),
            list(&[("p1", "p1")]),
            "its device is gone"
        );
    }
}
