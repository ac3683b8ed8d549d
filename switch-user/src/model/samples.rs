//! Configurations for tests: arbitrary ones that are valid.

use proptest::{collection::vec, option, prelude::*, sample::select};
use switch_common::addr::Mac;

use super::{Admin, Desired, Network, Object, Port, Switch, Uplink, VlanList, XdpChoice};

/// Valid configurations: whatever could clash is made of the object's number.
pub(crate) fn desired() -> impl Strategy<Value = Desired> {
    (option::of(switch()), 1u32..8, vec(port(), 0..12), option::of(uplink())).prop_map(
        |(switch, networks, ports, uplink)| {
            let mut desired = Desired { switch, ..Desired::default() };
            for number in 0..networks {
                desired.put(Object::Network(network(number)));
            }
            for (number, port) in (0u8..).zip(ports) {
                desired.put(Object::Port(numbered(port, number, networks)));
            }
            desired.uplinks.extend(uplink.map(|uplink| (uplink.name.clone(), uplink)));
            desired
        },
    )
}

fn switch() -> impl Strategy<Value = Switch> {
    (prop_oneof![Just(0), 10u32..=1_000_000], 1024u32..=4_194_304)
        .prop_map(|(ageing, fdb_capacity)| Switch { ageing, fdb_capacity })
}

fn network(number: u32) -> Network {
    Network {
        name: format!("net{number}"),
        vlan: 100 + number,
        mtu: (number.is_multiple_of(2)).then_some(1500 + number),
    }
}

fn uplink() -> impl Strategy<Value = Uplink> {
    let xdp = select(vec![XdpChoice::Auto, XdpChoice::Native, XdpChoice::Generic, XdpChoice::Off]);
    (option::of(vlan_list()), option::of(1u32..=4094), xdp).prop_map(|(vlans, native, xdp)| Uplink {
        name: "eth1".into(),
        vlans,
        native,
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
    (option::of((vlan_list(), option::of(1u32..=4094))), labels, admin, 0u32..=1_000_000, any::<[bool; 3]>())
        .prop_map(|(trunk, label, admin, learn_limit, [mac, ip, device])| {
            let (trunk, native) = trunk.map_or((None, None), |(list, native)| (Some(list), native));
            Port {
                name: String::new(),
                network: None,
                trunk,
                native,
                device: device.then(String::new),
                mac: Vec::from_iter(mac.then(Mac::default)),
                ip: Vec::from_iter(ip.then_some([0, 0, 0, 0].into())),
                label,
                admin,
                learn_limit,
                qinq: false,
            }
        })
}

fn numbered(mut port: Port, number: u8, networks: u32) -> Port {
    port.name = format!("p{number}");
    if port.trunk.is_none() {
        port.network = Some(format!("net{}", u32::from(number) % networks));
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
