//! Configurations for tests: arbitrary ones that are valid.

mod firewall;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use proptest::{collection::vec, option, prelude::*, sample::select};
use switch_common::addr::Mac;

use super::{
    Admin, Desired, Firewall, Network, Object, Port, ReversePath, Route, Router, Switch, Uplink, VlanList,
    XdpChoice,
};

/// Valid configurations: whatever could clash is made of the object's number.
pub(crate) fn desired() -> impl Strategy<Value = Desired> {
    let routes = vec((any::<bool>(), 0u8..4), 0..12);
    let firewall = firewall::objects();
    (option::of(switch()), 1u8..8, vec(port(), 0..12), option::of(uplink()), routes, firewall).prop_map(
        |(switch, networks, ports, uplink, routes, firewall)| {
            let mut desired = Desired { switch, ..Desired::default() };
            desired.put(Object::Router(router("r0", ReversePath::Strict)));
            desired.put(Object::Router(router("r1", ReversePath::Off)));
            for number in 0..networks {
                desired.put(Object::Network(network(number)));
            }
            for (number, (v6, target)) in (0u8..).zip(routes) {
                desired.put(Object::Route(route(number, v6, target)));
            }
            for (number, port) in (0u8..).zip(ports) {
                desired.put(Object::Port(numbered(port, number, networks).into()));
            }
            Arc::make_mut(&mut desired.uplinks).extend(uplink.map(|uplink| (uplink.name.clone(), uplink)));
            for object in firewall {
                desired.put(object);
            }
            desired
        },
    )
}

fn switch() -> impl Strategy<Value = Switch> {
    (prop_oneof![Just(0), 10u32..=1_000_000], 4096u32..=4_194_304).prop_map(|(ageing, capacity)| Switch {
        ageing,
        fdb_capacity: capacity,
        flow_capacity: 4_194_304 + 4096 - capacity,
        rule_capacity: capacity,
        hit_capacity: capacity,
        gateway_mac: Mac::new([2, 0, 0, 1, 0, 1]),
    })
}

/// Every other network has IPv6 too, and every third is in no router.
fn network(number: u8) -> Network {
    let (dual, routed) = (number.is_multiple_of(2), number % 3 != 2);
    let prefixes = [IpNet::new_assert(v4(number, 0), 24), IpNet::new_assert(v6(number, 0), 64)];
    let gateways = [v4(number, 1), v6(number, 1)];
    let families = if dual { 2 } else { 1 };
    Network {
        name: format!("net{number}"),
        vlan: (number != 3).then(|| 100 + u32::from(number)),
        vni: (number == 3).then_some(5000),
        mtu: dual.then_some(1500 + u32::from(number)),
        subnet: prefixes[..families].to_vec(),
        gateway: gateways[..families].to_vec(),
        router: routed.then(|| format!("r{}", number % 3)),
        slaac: dual && routed,
        dns: Vec::from_iter((dual && routed).then_some(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x53))),
    }
}

/// A host of a network.
fn v4(network: u8, host: u8) -> IpAddr {
    [10, 1, network, host].into()
}

fn v6(network: u8, host: u8) -> IpAddr {
    [0xfd01, 0, 0, network.into(), 0, 0, 0, host.into()].into()
}

fn router(name: &str, reverse_path: ReversePath) -> Router {
    Router { name: name.into(), reverse_path }
}

/// A route of the router that the first network is in, to the next hops of this number, or to nowhere.
fn route(number: u8, ipv6: bool, hops: u8) -> Route {
    let prefix = if ipv6 {
        IpNet::new_assert(v6(200 + number, 0), 64)
    } else {
        IpNet::new_assert(v4(200 + number, 0), 24)
    };
    let via = (2..2 + hops).map(|host| if ipv6 { v6(0, host) } else { v4(0, host) }).collect();
    let (blackhole, unreachable) =
        (hops == 0 && number.is_multiple_of(2), hops == 0 && !number.is_multiple_of(2));
    Route { router: "r0".into(), prefix, via, blackhole, unreachable }
}

fn uplink() -> impl Strategy<Value = Uplink> {
    let xdp = select(vec![XdpChoice::Auto, XdpChoice::Native, XdpChoice::Generic, XdpChoice::Off]);
    (option::of(vlan_list()), option::of(1u32..=4094), xdp).prop_map(|(vlans, native, xdp)| Uplink {
        name: "eth1".into(),
        vlans,
        native,
        hosts: Vec::new(),
        xdp,
    })
}

fn vlan_list() -> impl Strategy<Value = VlanList> {
    vec(1u16..=4000, 1..5).prop_map(|mut firsts| {
        firsts.sort_unstable();
        firsts.dedup();
        let items: Vec<String> = firsts.iter().map(ToString::to_string).collect();
        items.join(",").parse().unwrap()
    })
}

/// A port of which name, network, device and addresses are still to be filled in.
fn port() -> impl Strategy<Value = Port> {
    let labels = proptest::collection::btree_map("[a-z]{1,8}", "[a-z0-9.]{0,8}", 0..3);
    let admin = select(vec![Admin::Up, Admin::Down]);
    (option::of((vlan_list(), option::of(1u32..=4094))), labels, admin, 0u32..=1_000_000, any::<[bool; 4]>())
        .prop_map(|(trunk, label, admin, learn_limit, [mac, ip, device, firewall])| {
            let (trunk, native) = trunk.map_or((None, None), |(list, native)| (Some(list), native));
            Port {
                name: String::new(),
                network: None,
                trunk,
                native,
                device: device.then(String::new),
                mac: Vec::from_iter(mac.then(Mac::default)),
                ip: Vec::from_iter(ip.then_some([0, 0, 0, 0].into())),
                label: label.into(),
                admin,
                learn_limit,
                qinq: false,
                firewall: if firewall { Firewall::On } else { Firewall::Off },
            }
        })
}

fn numbered(mut port: Port, number: u8, networks: u8) -> Port {
    port.name = format!("p{number}");
    if port.trunk.is_none() {
        port.network = Some(format!("net{}", number % networks));
    }
    port.device = port.device.map(|_| format!("v{number}"));
    port.mac.fill(Mac::new([2, 0, 0, 0, 0, number]));
    port.ip.fill(if number.is_multiple_of(2) {
        [10, 0, 0, number].into()
    } else {
        [0xfd00, 0, 0, 0, 0, 0, 0, number.into()].into()
    });
    port
}

/// The objects of one file, by their kinds and names.
pub(crate) fn from_text(text: &str) -> Desired {
    super::read::Source::read(text).unwrap().objects.into_iter().collect()
}
