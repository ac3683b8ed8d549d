//! Overlay networks and other hosts.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use proptest::{collection, option, prelude::*};
use switch_common::table::{
    fdb, flood,
    overlay::{self, Entry, Key},
    port,
};

use super::{HOST, device, mac, vlan};
use crate::{
    agent::{
        apply::{Outcome, Reconciler},
        dataplane::fake::{Fake, TUNNELS},
        facts::Facts,
        image::{Holder, Hook, Link},
    },
    model::{
        ValidNetwork, Validated,
        overlay::{Overlay, RemotePort},
        samples::from_text,
        validate,
    },
    netlink::Kind,
};

/// An overlay network with ports at other hosts, or none.
pub(super) fn overlay() -> impl Strategy<Value = (Option<ValidNetwork>, Overlay)> {
    let network = ValidNetwork {
        vlan: vlan(4094),
        vni: Some(7000),
        mtu: None,
        subnets: vec![],
        router: None,
        slaac: false,
        dns: vec![],
    };
    let port = (1u8..4, any::<bool>(), any::<bool>());
    let ports = collection::btree_map(20u8..30, port, 0..6);
    let hosts = collection::btree_set(1u8..4, 0..3);
    (option::of(Just(network)), option::of(Just(address(9))), hosts, ports).prop_map(
        |(network, own, hosts, ports)| {
            let hosts = hosts.into_iter().map(|host| (format!("h{host}"), address(host))).collect();
            let remote = |(number, (host, known, ip)): (u8, (u8, bool, bool))| {
                let macs = known.then(|| mac(number)).into_iter().collect();
                let ips = ip.then(|| [10, 0, 0, number].into()).into_iter().collect();
                (
                    format!("r{number}"),
                    RemotePort { host: format!("h{host}"), network: "o".into(), macs, ips },
                )
            };
            let ports = ports.into_iter().map(remote).collect();
            (network, Overlay { address: own, hosts, ports })
        },
    )
}

fn address(host: u8) -> IpAddr {
    [192, 0, 2, host].into()
}

const BLUE: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vni: 5000}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va}
";

/// A configuration with another host, which has a station in blue.
fn desired(text: &str, other: IpAddr) -> Arc<Validated> {
    let mut desired = validate(&from_text(text)).unwrap();
    let remote = RemotePort {
        host: "h2".into(),
        network: "blue".into(),
        macs: vec![mac(7)],
        ips: vec![[10, 0, 10, 7].into()],
    };
    desired.overlay = Overlay {
        address: Some(address(1)),
        hosts: BTreeMap::from([("h2".to_owned(), other)]),
        ports: BTreeMap::from([("c".to_owned(), remote)]),
    };
    Arc::new(desired)
}

fn facts() -> Facts {
    [device(7, "va", Kind::Veth)].into_iter().collect()
}

fn reconcile(reconciler: &mut Reconciler<Fake>, desired: &Arc<Validated>) -> Outcome {
    reconciler.reconcile(desired, &facts())
}

#[test]
fn another_host_becomes_a_port() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let outcome = reconcile(&mut reconciler, &desired(BLUE, address(2)));
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    let image = outcome.plan.image;
    let number = overlay::host(outcome.plan.hosts["h2"]);
    let row = image.ports[&number];
    let flags = port::UP | port::UPLINK | port::TRUNK | port::TUNNEL;
    assert_eq!((row.flags, row.mtu, row.carries(4094)), (flags, 1450, true));
    assert_eq!(image.stations[&fdb::Key::new(4094, mac(7))], number);
    assert!(image.flood[&flood::Key { network: 4094, chunk: 0 }].tagged.contains(&number));
    let row = |key| image.overlay[&key];
    assert_eq!(row(Key::vni_of(4094)), Entry::number(5000));
    assert_eq!(row(Key::network_of(5000)), Entry::number(4094));
    let there = overlay::ipv4([192, 0, 2, 2]);
    assert_eq!(row(Key::address_of(number)), Entry::address(there));
    assert_eq!(row(Key::number_of(there)), Entry::number(number));
    assert_eq!((image.config.tunnels, image.config.underlay), (TUNNELS.into(), 4));
    assert!(image.links.contains(&Link { ifindex: TUNNELS, hook: Hook::Tcx }));
    assert_eq!(outcome.desired.unwrap().networks["blue"].mtu, Some(1450));
}

#[test]
fn a_number_is_kept_until_a_vlan_claims_it() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let number = |reconciler: &Reconciler<Fake>| {
        let names = reconciler.dataplane().names.iter();
        names
            .filter(|(_, holder)| matches!(holder, Holder::Network(_)))
            .map(|(slot, _)| *slot)
            .collect::<Vec<_>>()
    };
    reconcile(&mut reconciler, &desired(BLUE, address(2)));
    assert_eq!(number(&reconciler), [4094]);
    let more = format!("- {{apiVersion: dvs/v1, kind: Network, name: aa, vni: 4000}}{BLUE}");
    reconcile(&mut reconciler, &desired(&more, address(2)));
    assert_eq!(number(&reconciler), [4093, 4094], "the first in the alphabet does not take it");
    let claimed = format!("- {{apiVersion: dvs/v1, kind: Network, name: red, vlan: 4094}}{BLUE}");
    reconcile(&mut reconciler, &desired(&claimed, address(2)));
    assert_eq!(number(&reconciler), [4092], "nor that of one that has just left");
    let stations = &reconciler.dataplane().fdb;
    assert!(stations.contains_key(&fdb::Key::new(4092, mac(7))) && stations.len() == 1, "{stations:?}");
}

#[test]
fn what_cannot_be_is_said_and_all_else_is_done() {
    let mut reconciler = Reconciler::new(Fake { without_address: true, ..Fake::default() }, HOST);
    let outcome = reconcile(&mut reconciler, &desired(BLUE, address(2)));
    assert_eq!(
        outcome.errors,
        [
            "no device of this host has the address 192.0.2.1 of its underlay; give it to one, or tell the host \
          another one of its own"
        ]
    );
    assert!(outcome.plan.hosts.is_empty() && outcome.plan.image.ports.contains_key(&7));
    reconciler.dataplane_mut().without_address = false;
    let outcome = reconcile(&mut reconciler, &desired(BLUE, [0xfd00, 0, 0, 0, 0, 0, 0, 2].into()));
    assert_eq!(
        outcome.errors,
        [
            "host h2: its underlay address fd00::2 is of another family than 192.0.2.1, which this host has; give \
          all hosts addresses of one"
        ]
    );
    assert!(reconcile(&mut reconciler, &desired(BLUE, address(2))).errors.is_empty());
}

#[test]
fn without_overlay_networks_nothing_of_them_is_left() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    reconcile(&mut reconciler, &desired(BLUE, address(2)));
    assert!(reconciler.dataplane().tunnels);
    let plain = "- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}";
    reconcile(&mut reconciler, &desired(plain, address(2)));
    let fake = reconciler.dataplane();
    assert!(!fake.tunnels && fake.overlay.is_empty() && fake.names.is_empty() && fake.links.is_empty());
    assert_eq!((fake.config.tunnels, fake.config.underlay), (0, 0));
}
