//! The frames that introduce the router: an unsolicited ARP reply or neighbour advertisement for each of its addresses.
//! Either is taken as the answer to a question that is still open (RFC 826; RFC 4861, 7.2.5).

use std::net::{IpAddr, Ipv6Addr};

use switch_common::wire::{arp, eth, nd};

use crate::{
    agent::{
        frame::{advertisement, own_address},
        scene::{Exit, Scene},
    },
    model::ValidNetwork,
};

/// Most frames for a port. A trunk may have thousands of networks; in those that are left out a station asks again.
const MOST: usize = 32;

/// What is sent to a port, in all its networks that are routed.
pub(super) fn frames(scene: &Scene, ifindex: u32) -> Vec<Vec<u8>> {
    let vlans = scene.gateways.keys().filter_map(|vlan| u16::try_from(*vlan).ok());
    let exits = vlans.filter_map(|vlan| Some((scene.network(vlan)?, scene.exit(ifindex, vlan)?)));
    let frames = exits
        .filter(|(_, exit)| !exit.uplink)
        .flat_map(|(network, exit)| addresses(scene, network).into_iter().map(move |ip| frame(&exit, ip)));
    frames.take(MOST).collect()
}

/// The router's addresses in a network.
fn addresses(scene: &Scene, network: &ValidNetwork) -> Vec<IpAddr> {
    let mut ips: Vec<IpAddr> = network.subnets.iter().filter_map(|subnet| subnet.gateway).collect();
    if ips.iter().any(IpAddr::is_ipv6) {
        ips.push(Ipv6Addr::from(scene.link_local()).into());
    }
    ips
}

fn frame(exit: &Exit, ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => own_address(exit, eth::ARP, arp::REPLY, exit.router, v4.octets()),
        IpAddr::V6(v6) => advertisement(exit, v6, nd::ROUTER | nd::OVERRIDE),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use switch_common::{
        addr::GATEWAY_MAC,
        table::{
            config::Config,
            gateway::Gateway,
            port::{Port, TRUNK, UP, UPLINK},
        },
        wire::vlan::CUSTOMER,
    };

    use super::*;
    use crate::{
        agent::{frame::tests::is_sound, image::TableImage},
        model::{samples::from_text, validate},
    };

    const OBJECTS: &str = r#"
{apiVersion: dvs/v1, kind: Router, name: r}
---
{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, router: r, subnet: ["10.0.10.0/24", "fd00:10::/64"], gateway: ["10.0.10.1", "fd00:10::1"]}
---
{apiVersion: dvs/v1, kind: Network, name: green, vlan: 20, router: r, subnet: ["10.0.20.0/24"], gateway: ["10.0.20.1"]}
---
{apiVersion: dvs/v1, kind: Network, name: red, vlan: 30}
"#;

    /// Device 1 is in blue, 2 a trunk with blue as native network, 3 an uplink, 4 in red, and 5 closed.
    fn scene() -> Scene {
        let row = |ifindex, flags, pvid, vlans: &[u16]| {
            let mut row = Port { ifindex, slot: ifindex, flags, pvid, ..Port::default() };
            for vlan in vlans {
                row.allow(*vlan);
            }
            (ifindex, row)
        };
        let rows = [
            row(1, UP, 10, &[]),
            row(2, UP | TRUNK, 10, &[10, 20, 30]),
            row(3, UP | TRUNK | UPLINK, 0, &[10, 20]),
            row(4, UP, 30, &[]),
            row(5, 0, 10, &[]),
        ];
        let gateway = Gateway { tpid: CUSTOMER, ..Gateway::default() };
        let config = Config { gateway_mac: GATEWAY_MAC.word().get(), ..Config::default() };
        let gateways = BTreeMap::from([(10, gateway), (20, gateway)]);
        let image = TableImage { config, gateways, ports: rows.into(), ..TableImage::default() };
        Scene::new(Arc::new(validate(&from_text(OBJECTS)).unwrap()), image)
    }

    #[test]
    fn a_port_hears_of_the_router_in_each_of_its_networks_with_its_tag() {
        let kinds = |ifindex| {
            let frames = frames(&scene(), ifindex);
            frames.iter().map(|frame| frame[12..18].to_vec()).collect::<Vec<_>>()
        };
        let (arp, nd) = ([8, 6, 0, 1, 8, 0], [0x86, 0xdd, 0x60, 0, 0, 0]);
        assert_eq!(kinds(1), [arp, nd, nd]);
        assert_eq!(kinds(2), [arp, nd, nd, [0x81, 0, 0, 20, 8, 6]]);
    }

    #[test]
    fn nobody_hears_of_it_by_an_uplink_in_a_network_without_it_or_at_a_closed_port() {
        let scene = scene();
        assert_eq!(scene.open().map(|(ifindex, _)| ifindex).collect::<Vec<_>>(), [1, 2, 4]);
        for ifindex in [3, 4, 5, 6] {
            assert!(frames(&scene, ifindex).is_empty(), "device {ifindex}");
        }
    }

    #[test]
    fn the_frames_are_answers_of_the_router() {
        let frames = frames(&scene(), 1);
        let [reply, global, local] = frames.as_slice() else { unreachable!("{frames:?}") };
        let mac = GATEWAY_MAC.octets();
        let arp = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &mac, &[10, 0, 10, 1], &mac, &[10, 0, 10, 1]].concat();
        assert_eq!((&reply[..6], &reply[6..12], &reply[14..42]), (&[0xff; 6][..], &mac[..], &arp[..]));
        let link_local = Ipv6Addr::from(GATEWAY_MAC.link_local());
        for (frame, ip) in [(global, "fd00:10::1".parse().unwrap()), (local, link_local)] {
            assert_eq!(frame[..12], [&[0x33, 0x33, 0, 0, 0, 1], &mac[..]].concat());
            assert_eq!(frame[54..62], [136, 0, frame[56], frame[57], nd::ROUTER | nd::OVERRIDE, 0, 0, 0]);
            assert_eq!((&frame[22..38], &frame[62..78]), (&ip.octets()[..], &ip.octets()[..]));
            assert_eq!(frame[78..86], [&[2, 1], &mac[..]].concat());
            assert!(is_sound(&frame[14..]));
        }
    }

    #[test]
    fn a_trunk_of_many_networks_hears_a_few_frames() {
        let network = |vlan: u16| {
            format!(
                "---\n{{apiVersion: dvs/v1, kind: Network, name: n{vlan}, vlan: {vlan}, router: r, subnet: [\"10.1.{vlan}.0/24\"], gateway: [\"10.1.{vlan}.1\"]}}\n"
            )
        };
        let objects: String = (100..200).map(network).collect();
        let objects = format!("{{apiVersion: dvs/v1, kind: Router, name: r}}\n{objects}");
        let mut row = Port { ifindex: 1, slot: 1, flags: UP | TRUNK, ..Port::default() };
        for vlan in 100..200 {
            row.allow(vlan);
        }
        let gateways = (100..200).map(|vlan| (vlan, Gateway::default())).collect();
        let image = TableImage { gateways, ports: [(1, row)].into(), ..TableImage::default() };
        let scene = Scene::new(Arc::new(validate(&from_text(&objects)).unwrap()), image);
        assert_eq!(frames(&scene, 1).len(), MOST);
    }
}
