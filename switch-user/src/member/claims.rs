//! Which ports a host claims by itself when no manager can be reached. Pure.

use std::collections::BTreeMap;

use super::{
    seen::Seen,
    view::{Coming, View},
};
use crate::api::Binding;

/// Ports to claim, each with its device here: those whose device appeared, wherever they were; and, with devices
/// that were there before, those that no other host has.
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
    let mut wanted = BTreeMap::new();
    for (device, appeared) in seen.free(taken) {
        let names = |name: &str| device.names().any(|own| own == name);
        let ports = view.ports().filter(|(port, named)| names(port) || named.is_some_and(names));
        // Of the others it is not known here which policies apply.
        let ports = ports.filter(|(port, _)| !view.is_foreign(host, port));
        let ports: Vec<&str> = ports.map(|(port, _)| port).filter(|port| !plugged(port)).collect();
        let ours = ports.iter().copied().filter(|port| !elsewhere(port)).collect();
        let meant = only(ours).or_else(|| only(ports).filter(|_| appeared));
        if let Some(port) = meant {
            wanted.entry(port.to_owned()).or_insert_with(|| device.name.clone());
        }
    }
    wanted
}

/// The one that is meant. Ports on different hosts may name the same device; which of several is meant, nobody can
/// tell.
fn only(ports: Vec<&str>) -> Option<&str> {
    <[&str; 1]>::try_from(ports).ok().map(|[port]| port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::ViewEvent,
        member::{
            seen::tests::devices,
            view::tests::{binding, view},
        },
        model::{Object, samples::from_text},
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
