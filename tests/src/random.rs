//! Random rules, and packets that they may be for.
//!
//! Few addresses and ports, so that they meet.
#![expect(clippy::unwrap_used, reason = "what is made here is right")]

use std::{net::IpAddr, ops::RangeInclusive, sync::Arc};

use ipnet::IpNet;
use proptest::{prelude::*, sample::select};
use switch_common::{
    verdict::{Direction, DropReason},
    wire::{ipv4, ipv6, tcp::SYN},
};
use switch_user::{
    classifier::linear::{self, Packet, Question},
    model::{RuleAction, Service, ValidPolicy, ValidRule},
};

use crate::{
    actors::{MAC_B, MAC_X},
    fate::Fate,
    frame::{Frame, TCP, eth, ip},
    topology::Topology,
};

fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = select(vec!["0.0.0.0", "10.0.0.0", "10.0.0.7", "10.0.1.0", "10.128.0.1", "255.255.255.255"]);
    let v6 = select(vec![
        "::",
        "::1",
        "fd00::",
        "fd00::7",
        "fd00:0:0:1::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]);
    prop_oneof![v4, v6].prop_map(|text| text.parse().unwrap())
}

fn prefix() -> impl Strategy<Value = IpNet> {
    (address(), 0u8..=128).prop_map(|(address, length)| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        IpNet::new(address, length % (longest + 1)).unwrap().trunc()
    })
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![select(vec![0, 1, 80, 443, 1024, 65535]), any::<u16>()]
}

fn ranges() -> impl Strategy<Value = Vec<RangeInclusive<u16>>> {
    prop::collection::vec((port(), port()), 0..3).prop_map(|mut ends| {
        for (low, high) in &mut ends {
            if low > high {
                std::mem::swap(low, high);
            }
        }
        ends.sort_unstable();
        let mut ranges: Vec<RangeInclusive<u16>> = Vec::new();
        for (low, high) in ends {
            match ranges.last_mut() {
                Some(last) if u32::from(low) <= u32::from(*last.end()) + 1 => {
                    *last = *last.start()..=high.max(*last.end());
                }
                _ => ranges.push(low..=high),
            }
        }
        ranges
    })
}

fn service() -> impl Strategy<Value = Service> {
    prop_oneof![
        Just(Service::Any),
        select(vec![1, 2, 6, 17, 47, 58, 132, 255]).prop_map(Service::Protocol),
        (select(vec![6, 17, 132]), ranges(), ranges())
            .prop_map(|(protocol, destination, source)| Service::Ports { protocol, destination, source }),
        (select(vec![1, 58]), select(vec![0, 3, 8, 128, 255]), prop::option::of(0u8..3))
            .prop_map(|(protocol, kind, code)| Service::Icmp { protocol, kind, code }),
        select(vec![0x0600, 0x88cc, 0xffff]).prop_map(Service::Ethertype),
    ]
}

fn rule() -> impl Strategy<Value = ValidRule> {
    let action = select(vec![RuleAction::Allow, RuleAction::Drop, RuleAction::Reject]);
    let peer = prop::option::of(prop::collection::vec(prefix(), 0..4));
    let staged = prop::bool::weighted(0.1);
    (select(vec![Direction::In, Direction::Out]), action, peer, service(), any::<bool>(), staged).prop_map(
        |(direction, action, peer, service, log, staged)| ValidRule {
            name: String::new(),
            priority: 0,
            direction,
            action,
            peer: peer.filter(|_| !matches!(service, Service::Ethertype(_))).map(|mut prefixes| {
                IpNet::aggregate(&prefixes).clone_into(&mut prefixes);
                Arc::new(prefixes)
            }),
            service,
            log,
            staged,
        },
    )
}

/// A policy with so many rules.
pub fn policy(rules: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = ValidPolicy> {
    prop::collection::vec(rule(), rules).prop_map(|mut rules| {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule.name = format!("r{number}");
        }
        ValidPolicy { tier: 0, default: RuleAction::Drop, stateful: true, log: false, rules }
    })
}

/// What a policy may be asked.
pub fn question() -> impl Strategy<Value = Question> {
    let ports = (port(), port());
    let ip = (address(), select(vec![1, 2, 6, 17, 47, 58, 132, 255]), ports, 0u16..4).prop_map(
        |(peer, protocol, (source, destination), code)| {
            let icmp = matches!(protocol, 1 | 58);
            let destination = if icmp {
                u16::from_be_bytes([[0, 3, 8, 128][usize::from(code)], (destination % 4) as u8])
            } else {
                destination
            };
            let source = if icmp { 0 } else { source };
            Packet::Ip { peer, protocol, source, destination }
        },
    );
    let other = select(vec![0x0600, 0x88cc, 0x88cd, 0xffff]).prop_map(Packet::Other);
    (select(vec![Direction::In, Direction::Out]), prop_oneof![8 => ip, 1 => other])
        .prop_map(|(direction, packet)| Question { direction, packet })
}

/// A port with a firewall, and one without.
pub const PORTS: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
- {apiVersion: dvs/v1, kind: Port, name: b, network: blue, device: vb, mac: ['02:00:00:00:00:0b']}
- {apiVersion: dvs/v1, kind: Port, name: x, network: blue, device: vx, mac: ['02:00:00:00:00:0f']}
";

/// Policies that apply to the port with the firewall, and packets from it or for it.
pub fn firewall() -> impl Strategy<Value = (Vec<ValidPolicy>, Vec<Question>)> {
    let default = select(vec![RuleAction::Allow, RuleAction::Drop, RuleAction::Reject]);
    let policy = (policy(0..40), default).prop_map(|(policy, default)| ValidPolicy { default, ..policy });
    (prop::collection::vec(policy, 1..4), prop::collection::vec(question(), 20))
}

/// The ports with these policies.
pub fn topology(policies: &[ValidPolicy], number: impl Fn(&str) -> u32) -> Topology {
    Topology::with(PORTS, number, |validated| {
        let policies = policies.iter().enumerate();
        validated.policies =
            policies.map(|(tier, policy)| (format!("p{tier}"), Arc::new(policy.clone()))).collect();
        if let Some(port) = validated.ports.get_mut("b") {
            port.policies = validated.policies.keys().cloned().collect();
        }
    })
}

/// The packet that is asked about, and the port that it comes from.
pub fn packet(question: &Question) -> (&'static str, Frame) {
    let inward = question.direction == Direction::In;
    let (from, header) = if inward { ("x", eth(MAC_B, MAC_X)) } else { ("b", eth(MAC_X, MAC_B)) };
    let frame = match question.packet {
        Packet::Other(ethertype) => header.payload(ethertype, &[0; 46]),
        Packet::Ip { peer, protocol, source, destination } => {
            let own: IpAddr =
                if peer.is_ipv4() { [10, 0, 0, 1].into() } else { [0xfd00, 0, 0, 0, 0, 0, 0, 1].into() };
            let packet = if inward { ip(peer, own) } else { ip(own, peer) };
            let ports = [source, destination].map(u16::to_be_bytes).concat();
            let [kind, code] = destination.to_be_bytes();
            header.ip(&match protocol {
                TCP => packet.tcp(source, destination, SYN, b""),
                ipv4::UDP => packet.udp(source, destination, b""),
                ipv4::SCTP => packet.payload(protocol, &[&ports[..], &[0; 8]].concat()),
                ipv4::ICMP if peer.is_ipv4() => packet.icmp(kind, code, 0, b""),
                ipv6::ICMPV6 if peer.is_ipv6() => packet.icmp(kind, code, 0, b""),
                _ => packet.payload(protocol, &[0; 8]),
            })
        }
    };
    (from, frame)
}

/// The question as the packet answers it: most protocols have no ports.
pub fn asked(question: &Question) -> Question {
    let Packet::Ip { peer, protocol, source, destination } = question.packet else { return *question };
    let icmp = if peer.is_ipv4() { ipv4::ICMP } else { ipv6::ICMPV6 };
    let (source, destination) = match protocol {
        TCP | ipv4::UDP | ipv4::SCTP => (source, destination),
        _ if protocol == icmp => (0, destination),
        _ => (0, 0),
    };
    Question { packet: Packet::Ip { peer, protocol, source, destination }, ..*question }
}

/// Why the packet is to be dropped, if it is.
pub fn refused(policies: &[ValidPolicy], question: &Question) -> Option<DropReason> {
    let policies: Vec<(&str, &ValidPolicy)> = policies.iter().map(|policy| ("p", policy)).collect();
    let reason =
        if question.direction == Direction::In { DropReason::PolicyIn } else { DropReason::PolicyOut };
    let decision = linear::decide(&policies, &asked(question));
    decision.filter(|decision| decision.action != RuleAction::Allow).map(|_| reason)
}

/// Why a packet was dropped, if it was.
pub fn reason(fate: &Fate) -> Option<DropReason> {
    match fate {
        Fate::Drop(reason, _) | Fate::DropAt(_, reason, _) => Some(*reason),
        Fate::Forward(..) | Fate::Flood(..) | Fate::Taken | Fate::Pass => None,
    }
}
