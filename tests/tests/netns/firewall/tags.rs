//! Firewalls and tags: who speaks in several VLANs is served and told in the one that he spoke in.

use std::net::IpAddr;

use dvs_tests::{
    frame::{Error, Frame, Packet, eth, ip},
    netns::{
        Lab,
        frames::{IP_1, IP_2, IP6_1, MAC_1, MAC_2, MAC_4, MAC_5, MAC_9},
    },
};
use switch_common::{
    addr::Mac,
    verdict::DropReason::PolicyIn,
    wire::{ipv6::DESTINATION, tcp::SYN},
};

use super::{DNS, HTTPS, OTHER, dvs};

/// Servers behind an access port and a trunk, and clients at one of each kind.
const MIXED: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01'], label: {role: server}}
- {kind: Port, name: p4, trunk: '10,20', mac: ['02:00:00:00:00:04'], label: {role: server}}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02']}
- {kind: Port, name: p5, trunk: '10,20', mac: ['02:00:00:00:00:05']}
- {kind: Uplink, name: u9, vlans: '10,20'}
- {kind: Group, name: servers, selector: {role: server}}
- {kind: Policy, name: web, appliesTo: servers, default: reject}
- {kind: Rule, policy: web, name: https, priority: 10, direction: in, action: allow, proto: tcp, port: '443'}
- {kind: Rule, policy: web, name: dns, priority: 10, direction: in, action: allow, proto: udp, port: '53'}
";

/// A port, its station's address, and whether its frames have tags.
type Place = (&'static str, Mac, bool);

const SERVERS: [Place; 2] = [("p1", MAC_1, false), ("p4", MAC_4, true)];
const CLIENTS: [Place; 3] = [("p2", MAC_2, false), ("p5", MAC_5, true), ("u9", MAC_9, true)];

/// A frame in the form that a place has it in.
fn form(place: Place, frame: &Frame) -> Frame {
    if place.2 { frame.tagged(10) } else { frame.clone() }
}

/// A client's packets, of which two are allowed and two are not, with the answers to these.
fn asks(lab: &Lab, client: Place, server: Place, from: IpAddr, to: IpAddr) {
    let sent = |packet: &Packet| form(client, &eth(server.1, client.1).ip(packet));
    for packet in [ip(from, to).tcp(40_000, HTTPS, SYN, b""), ip(from, to).udp(40_000, DNS, b"what?")] {
        let arrives = form(server, &eth(server.1, client.1).ip(&packet));
        lab.send(client.0, &sent(&packet)).reaches(&[(server.0, &arrives)]);
    }
    let (opening, datagram) =
        (ip(from, to).tcp(40_000, OTHER, SYN, b""), ip(from, to).udp(40_000, OTHER, b"what?"));
    for (packet, answer) in [(&opening, opening.reset()), (&datagram, datagram.error(to, Error::Prohibited))]
    {
        let told = form(client, &eth(client.1, server.1).ip(&answer));
        lab.send(client.0, &sent(packet)).is(&[(client.0, &told)], &[(server.0, PolicyIn)]);
    }
}

#[test]
fn tags_change_nothing() {
    let lab = Lab::silent(MIXED);
    let clients: [IpAddr; 2] = ["10.0.0.77".parse().unwrap(), "fd00::77".parse().unwrap()];
    for server in SERVERS {
        for client in CLIENTS {
            for (from, to) in clients.into_iter().zip([IP_1.into(), IP6_1.into()]) {
                println!("{} to {} at {}", client.0, to, server.0);
                asks(&lab, client, server, from, to);
            }
        }
    }
}

#[test]
fn a_second_tag_makes_a_frame_no_packet() {
    let lab = Lab::silent(MIXED);
    let opening = ip(IP_2, IP_1).tcp(40_000, HTTPS, SYN, b"");
    let twice = eth(MAC_4, MAC_5).ip(&opening).tagged(7).tagged(10);
    // What a rule says of TCP is not asked, and nobody is told.
    lab.send("p5", &twice).dropped("p4", PolicyIn);
    dvs(&lab, "policy set web --default allow");
    lab.send("p5", &twice).reaches(&[("p4", &twice)]);
}

/// Ports whose frames may have tags that mean nothing to the switch.
const QINQ: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, qinq: true, mac: ['02:00:00:00:00:01'], label: {role: server}}
- {kind: Port, name: p2, network: blue, qinq: true, mac: ['02:00:00:00:00:02']}
- {kind: Group, name: servers, selector: {role: server}}
- {kind: Policy, name: web, appliesTo: servers}
- {kind: Rule, policy: web, name: https, priority: 10, direction: in, action: allow, proto: tcp, port: '443'}
";

#[test]
fn packets_behind_one_tag_are_seen_at_qinq_ports() {
    let lab = Lab::silent(QINQ);
    let [allowed, other] =
        [HTTPS, OTHER].map(|port| eth(MAC_1, MAC_2).ip(&ip(IP_2, IP_1).tcp(40_000, port, SYN, b"")));
    for (allowed, other) in [(allowed.clone(), other.clone()), (allowed.tagged(7), other.tagged(7))] {
        lab.send("p2", &allowed).reaches(&[("p1", &allowed)]);
        lab.send("p2", &other).dropped("p1", PolicyIn);
    }
    lab.send("p2", &allowed.tagged(7).tagged(8)).dropped("p1", PolicyIn);
}

#[test]
fn behind_options_and_extension_headers_there_are_rules_but_no_resets() {
    let lab = Lab::silent(MIXED);
    let clients: [IpAddr; 2] = ["10.0.0.77".parse().unwrap(), "fd00::77".parse().unwrap()];
    for (from, to) in clients.into_iter().zip([IpAddr::from(IP_1), IP6_1.into()]) {
        let header = ip(from, to).options(&[1; 4]).extension(DESTINATION, &[1, 4, 0, 0, 0, 0]);
        let frame = |packet: &Packet| eth(MAC_1, MAC_2).ip(packet);
        let allowed = frame(&header.tcp(40_000, HTTPS, SYN, b""));
        lab.send("p2", &allowed).reaches(&[("p1", &allowed)]);
        lab.send("p2", &frame(&header.tcp(40_000, OTHER, SYN, b""))).dropped("p1", PolicyIn);
        let datagram = header.udp(40_000, OTHER, b"what?");
        let told = eth(MAC_2, MAC_1).ip(&datagram.error(to, Error::Prohibited));
        lab.send("p2", &frame(&datagram)).is(&[("p2", &told)], &[("p1", PolicyIn)]);
    }
}
