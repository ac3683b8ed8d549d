//! A guarded port sends only from its own addresses, whatever protocol they stand in.

use std::net::{Ipv4Addr, Ipv6Addr};

use dvs_tests::netns::Lab;
use dvs_tests::netns::frames::{
    ALL_NODES, BROADCAST, FRAGMENT, Frame, ICMPV6, IP_1, IP_2, IP6_1, IP6_2, MAC_1, MAC_2, STRANGER, UDP,
    advertisement, arp, data, first_fragment, ipv4, ipv6, router_advertisement, router_solicitation,
    solicitation, udp,
};
use switch_common::addr::Mac;
use switch_common::verdict::DropReason::{
    self, GuardEvasion, Runt, SpoofedArp, SpoofedIp, SpoofedMac, SpoofedNd,
};

const GUARDED: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1, 'fd00::1']}
- {kind: Port, name: p2, network: blue}
";

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1);
const NOWHERE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const NOWHERE6: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
const EVERYWHERE: (Mac, Ipv4Addr) = (BROADCAST, Ipv4Addr::BROADCAST);
const NODES: (Mac, Ipv6Addr) = (ALL_NODES, Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));

/// What is sent, and why it is dropped if it is.
type Case = (&'static str, Frame, Option<DropReason>);

#[track_caller]
fn check(lab: &Lab, cases: &[Case]) {
    for (name, frame, reason) in cases {
        println!("{name}");
        let outcome = lab.send("p1", frame);
        match reason {
            Some(reason) => outcome.dropped("p1", *reason),
            None => outcome.reaches(&[("p2", frame)]),
        }
    }
}

fn icmpv6(from: Ipv6Addr, message: &[u8]) -> Frame {
    ipv6(NODES, (MAC_1, from), ICMPV6, message)
}

#[test]
fn mac_and_ip_addresses() {
    let v4 = |from| ipv4((MAC_2, IP_2), (MAC_1, from), UDP, &udp(1000, 2000, &[]));
    let v6 = |from| ipv6((MAC_2, IP6_2), (MAC_1, from), UDP, &udp(1000, 2000, &[]));
    check(
        &Lab::silent(GUARDED),
        &[
            ("own MAC", data(MAC_2, MAC_1), None),
            ("foreign MAC", data(MAC_2, STRANGER), Some(SpoofedMac)),
            ("own IPv4", v4(IP_1), None),
            ("foreign IPv4", v4(IP_2), Some(SpoofedIp)),
            ("own IPv6", v6(IP6_1), None),
            ("own link-local", v6(LINK_LOCAL), None),
            ("foreign IPv6", v6(IP6_2), Some(SpoofedIp)),
            ("nobody's IPv6", v6(NOWHERE6), Some(SpoofedIp)),
            ("half an IPv4 header", v4(IP_1).cut(30), Some(Runt)),
        ],
    );
}

#[test]
fn addresses_within_arp() {
    check(
        &Lab::silent(GUARDED),
        &[
            ("own", arp(MAC_1, MAC_1, IP_1, IP_2), None),
            ("probe", arp(MAC_1, MAC_1, NOWHERE, IP_1), None),
            ("foreign MAC in it", arp(MAC_1, STRANGER, IP_1, IP_2), Some(SpoofedArp)),
            ("foreign IP in it", arp(MAC_1, MAC_1, IP_2, IP_2), Some(SpoofedArp)),
            ("half of it", arp(MAC_1, MAC_1, IP_1, IP_2).cut(24), Some(Runt)),
        ],
    );
}

#[test]
fn addresses_within_neighbour_discovery() {
    let hidden = first_fragment(ICMPV6, &advertisement(IP6_2, MAC_1));
    check(
        &Lab::silent(GUARDED),
        &[
            ("own advertisement", icmpv6(IP6_1, &advertisement(IP6_1, MAC_1)), None),
            ("foreign target", icmpv6(IP6_1, &advertisement(IP6_2, MAC_1)), Some(SpoofedNd)),
            ("foreign MAC for it", icmpv6(IP6_1, &advertisement(IP6_1, STRANGER)), Some(SpoofedNd)),
            ("solicitation", icmpv6(IP6_1, &solicitation(IP6_2, Some(MAC_1))), None),
            ("foreign MAC asks", icmpv6(IP6_1, &solicitation(IP6_2, Some(STRANGER))), Some(SpoofedNd)),
            ("own address sought twice", icmpv6(NOWHERE6, &solicitation(IP6_1, None)), None),
            ("foreign address claimed", icmpv6(NOWHERE6, &solicitation(IP6_2, None)), Some(SpoofedNd)),
            ("search for routers", icmpv6(LINK_LOCAL, &router_solicitation(Some(MAC_1))), None),
            ("pretends to be a router", icmpv6(LINK_LOCAL, &router_advertisement()), Some(SpoofedNd)),
            ("in a fragment", ipv6(NODES, (MAC_1, IP6_1), FRAGMENT, &hidden), Some(GuardEvasion)),
        ],
    );
}

#[test]
fn clients_without_an_address_may_ask_for_one() {
    let from_nowhere = |datagram: &[u8]| ipv4(EVERYWHERE, (MAC_1, NOWHERE), UDP, datagram);
    check(
        &Lab::silent(GUARDED),
        &[
            ("discover", from_nowhere(&udp(68, 67, &[1; 240])), None),
            ("another service", from_nowhere(&udp(68, 53, &[])), Some(SpoofedIp)),
            ("pretends to be a server", from_nowhere(&udp(67, 68, &[2; 240])), Some(SpoofedIp)),
        ],
    );
}

#[test]
fn a_port_with_macs_alone_may_use_any_ip_address() {
    let lab = Lab::silent(
        "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01']}
- {kind: Port, name: p2, network: blue}
",
    );
    check(
        &lab,
        &[
            ("any IP", ipv4((MAC_2, IP_2), (MAC_1, IP_2), UDP, &udp(1, 2, &[])), None),
            ("any IP in ARP", arp(MAC_1, MAC_1, IP_2, IP_1), None),
            ("a router", icmpv6(LINK_LOCAL, &router_advertisement()), None),
            ("foreign MAC", data(MAC_2, STRANGER), Some(SpoofedMac)),
            ("foreign MAC in ARP", arp(MAC_1, STRANGER, IP_2, IP_1), Some(SpoofedArp)),
        ],
    );
}

#[test]
fn tags_do_not_hide_addresses() {
    let spoofed = ipv4((MAC_2, IP_2), (MAC_1, IP_2), UDP, &udp(1, 2, &[]));
    let qinq = Lab::silent(
        "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, qinq: true, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1]}
- {kind: Port, name: p2, network: blue, qinq: true}
",
    );
    let twice = spoofed.tagged(7).tagged(8);
    check(
        &qinq,
        &[
            ("behind one tag", spoofed.tagged(7), Some(SpoofedIp)),
            ("behind two", twice.clone(), Some(SpoofedIp)),
            ("behind too many", twice.tagged(9).tagged(10).tagged(11), Some(GuardEvasion)),
            ("own behind two", arp(MAC_1, MAC_1, IP_1, IP_2).tagged(7).tagged(8), None),
        ],
    );
}

#[test]
fn trunks_are_guarded_too() {
    let lab = Lab::silent(
        "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, trunk: '10,20', mac: ['02:00:00:00:00:01'], ip: [10.0.0.1]}
- {kind: Port, name: p2, network: blue}
",
    );
    let own = arp(MAC_1, MAC_1, IP_1, IP_2);
    lab.send("p1", &own.tagged(10)).reaches(&[("p2", &own)]);
    lab.send("p1", &arp(MAC_1, MAC_1, IP_2, IP_1).tagged(10)).dropped("p1", SpoofedArp);
    lab.send("p1", &data(MAC_2, STRANGER).tagged(10)).dropped("p1", SpoofedMac);
}
