//! The frames of an announcement: gratuitous ARP in both forms, unsolicited neighbour advertisements, and RARP for
//! switches that have only to learn where a station is.

use std::net::IpAddr;

use switch_common::{
    addr::{Mac, VlanId},
    wire::{arp, eth, nd},
};

use crate::{
    agent::{
        frame::{advertisement, own_address},
        scene::{Exit, Scene},
    },
    model::{Attachment, ValidNetwork, ValidPort},
};

/// Ethertype of RARP, and the operation of its request (RFC 903).
const RARP: u16 = 0x8035;
const REVERSE_REQUEST: u16 = 3;

/// What is sent for a port, by the way it goes: in each of its VLANs, to the uplinks, other hosts and other ports.
pub(super) fn frames(scene: &Scene, name: &str) -> Vec<(Exit, Vec<u8>)> {
    let Some(port) = scene.desired.ports.get(name) else { return Vec::new() };
    let mut frames = Vec::new();
    for vlan in vlans(port) {
        let ips = addresses(port, scene.network(vlan.get()));
        for exit in scene.doors(vlan.get(), name) {
            let said = port.macs.iter().flat_map(|mac| station(&exit, *mac, &ips));
            frames.extend(said.map(|frame| (exit, frame)));
        }
    }
    frames
}

fn vlans(port: &ValidPort) -> Vec<VlanId> {
    match &port.attachment {
        Attachment::Access { vlan, .. } => vec![*vlan],
        Attachment::Trunk { vlans, .. } => vlans.iter().copied().collect(),
    }
}

/// The addresses of a port in a network. Which station has which is known only if there is one station; and a
/// trunk has an address in the network whose subnet it is of.
fn addresses(port: &ValidPort, network: Option<&ValidNetwork>) -> Vec<IpAddr> {
    if port.macs.len() != 1 {
        return Vec::new();
    }
    let is_of = |ip: &&IpAddr| match port.attachment {
        Attachment::Access { .. } => true,
        Attachment::Trunk { .. } => {
            network.is_some_and(|network| network.subnets.iter().any(|subnet| subnet.prefix.contains(*ip)))
        }
    };
    port.ips.iter().filter(is_of).copied().collect()
}

/// What is sent for a station by one way.
fn station(exit: &Exit, mac: Mac, ips: &[IpAddr]) -> Vec<Vec<u8>> {
    // It is the station's own address that switches are to learn.
    let exit = Exit { router: mac, ..*exit };
    let mut frames = vec![own_address(&exit, RARP, REVERSE_REQUEST, mac, [0; 4])];
    for ip in ips {
        match ip {
            IpAddr::V4(v4) => {
                // Some take the one form, some the other (RFC 5227, 3).
                frames.push(own_address(&exit, eth::ARP, arp::REQUEST, Mac::default(), v4.octets()));
                frames.push(own_address(&exit, eth::ARP, arp::REPLY, mac, v4.octets()));
            }
            IpAddr::V6(v6) => frames.push(advertisement(&exit, *v6, nd::OVERRIDE)),
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use switch_common::table::port;

    use super::*;
    use crate::{
        agent::{
            frame::tests::is_sound,
            image::{Holder, TableImage},
        },
        model::{samples::from_text, validate},
        netlink::tunnel::Tunnel,
    };

    const OBJECTS: &str = r#"
{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
---
{apiVersion: dvs/v1, kind: Port, name: p1, network: blue, device: v1, mac: ["02:00:00:00:00:01"], ip: ["10.0.10.1", "fd00:10::1"]}
---
{apiVersion: dvs/v1, kind: Port, name: p2, network: blue, device: v2}
---
{apiVersion: dvs/v1, kind: Uplink, name: eth1}
"#;

    /// Port p1 at device 1, port p2 at device 2, and the uplink at device 3.
    fn scene() -> Scene {
        let row = |ifindex, slot, flags| {
            let mut row = port::Port { ifindex, slot, flags: port::UP | flags, ..port::Port::default() };
            if flags == 0 {
                row.pvid = 10;
            }
            row.allow(10);
            (ifindex, row)
        };
        let rows = [row(1, 1, 0), row(2, 2, 0), row(3, 3, port::UPLINK | port::TRUNK)];
        let holders = [Holder::Port("p1".into()), Holder::Port("p2".into()), Holder::Uplink("eth1".into())];
        let names = (1..).zip(holders).collect();
        let image = TableImage { ports: BTreeMap::from(rows), names, ..TableImage::default() };
        Scene::new(Arc::new(validate(&from_text(OBJECTS)).unwrap()), image)
    }

    #[test]
    fn a_station_is_announced_to_uplinks_with_tag_and_to_the_other_ports_without() {
        let frames = frames(&scene(), "p1");
        let kinds: Vec<(u32, Vec<u8>)> =
            frames.iter().map(|(exit, frame)| (exit.ifindex, frame[12..18].to_vec())).collect();
        let untagged =
            [[0x80, 0x35, 0, 1, 8, 0], [8, 6, 0, 1, 8, 0], [8, 6, 0, 1, 8, 0], [0x86, 0xdd, 0x60, 0, 0, 0]];
        let tagged = [
            [0x81, 0, 0, 10, 0x80, 0x35],
            [0x81, 0, 0, 10, 8, 6],
            [0x81, 0, 0, 10, 8, 6],
            [0x81, 0, 0, 10, 0x86, 0xdd],
        ];
        let expected =
            untagged.map(|kind| (2, kind.to_vec())).into_iter().chain(tagged.map(|kind| (3, kind.to_vec())));
        assert_eq!(kinds, expected.collect::<Vec<_>>());
        assert!(frames.iter().all(|(_, frame)| frame[6..12] == [2, 0, 0, 0, 0, 1]));
    }

    #[test]
    fn other_hosts_hear_of_a_station_in_an_overlay_network_through_their_tunnels() {
        let objects = r#"
{apiVersion: dvs/v1, kind: Network, name: over, vni: 5000}
---
{apiVersion: dvs/v1, kind: Port, name: p1, network: over, mac: ["02:00:00:00:00:01"]}
"#;
        let mut valid = validate(&from_text(objects)).unwrap();
        let (own, remote) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        valid.overlay.address = Some(own);
        valid.overlay.hosts.insert("h2".into(), remote);
        let flags = port::UP | port::UPLINK | port::TRUNK | port::TUNNEL;
        let mut row = port::Port { ifindex: 7, slot: 2, flags, ..port::Port::default() };
        row.allow(valid.networks["over"].vlan.get());
        let names = [(2, Holder::Host("h2".into()))].into();
        let image = TableImage { ports: [(7, row)].into(), names, ..TableImage::default() };
        let frames = frames(&Scene::new(Arc::new(valid), image), "p1");
        let [(exit, frame)] = frames.as_slice() else { unreachable!("one RARP packet") };
        assert_eq!((exit.tag, exit.tunnel), (None, Some(Tunnel { own, remote, vni: 5000 })));
        assert_eq!(frame[12..14], [0x80, 0x35]);
    }

    #[test]
    fn the_packets_are_what_the_standards_say() {
        let frames = frames(&scene(), "p1");
        let [rarp, request, reply, advertisement, ..] = frames.as_slice() else { unreachable!("too few") };
        let mac = [2, 0, 0, 0, 0, 1];
        let arp = |operation: u8, target: [u8; 6], ip: [u8; 4]| {
            [&[0, 1, 8, 0, 6, 4, 0, operation][..], &mac, &ip, &target, &ip].concat()
        };
        assert_eq!(rarp.1[14..42], arp(3, mac, [0; 4]));
        assert_eq!(request.1[14..42], arp(1, [0; 6], [10, 0, 10, 1]));
        assert_eq!(reply.1[14..42], arp(2, mac, [10, 0, 10, 1]));
        assert_eq!(advertisement.1[..6], [0x33, 0x33, 0, 0, 0, 1]);
        assert_eq!(advertisement.1[54..56], [136, 0]);
        assert_eq!(advertisement.1[58], nd::OVERRIDE);
        assert_eq!(advertisement.1[78..86], [2, 1, 2, 0, 0, 0, 0, 1]);
        assert!(is_sound(&advertisement.1[14..]));
    }

    #[test]
    fn a_port_whose_stations_nobody_knows_says_nothing() {
        assert_eq!(frames(&scene(), "p2"), []);
        assert_eq!(frames(&scene(), "p3"), []);
    }
}
