//! Random rules, and packets that they may be for.
//!
//! Few addresses and ports, so that they meet.
#![expect(clippy::unwrap_used, reason = "what is made here is right")]

mod objects;

use std::{collections::BTreeSet, net::IpAddr, ops::RangeInclusive, sync::Arc};

use ipnet::IpNet;
use proptest::{collection::SizeRange, prelude::*, sample::select};
use switch_common::{
    table::hits,
    verdict::{Direction, DropReason},
    wire::{ipv4, ipv6, tcp::SYN},
};
use switch_user::{
    classifier::linear::{Packet, Question},
    model::{Desired, RuleAction, Service, ValidPolicy, ValidRule},
};

pub use self::objects::PORTS;
use crate::{
    actors::{MAC_B, MAC_X},
    fate::Fate,
    frame::{Frame, TCP, eth, ip},
    oracle::rules::{Answer, ask},
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

/// Policies that apply to the port with the firewall, and packets from it or for it.
pub fn firewall(
    policies: impl Into<SizeRange>,
    rules: impl Into<SizeRange>,
) -> impl Strategy<Value = (Desired, Vec<Question>)> {
    (objects::desired(policies, rules), prop::collection::vec(question(), 20))
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

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Why it is dropped, if it is.
    pub reason: Option<DropReason>,
    /// Its sender is told; `None` if it is not certain that anybody may be.
    pub rejected: Option<bool>,
    /// Rules and defaults that have counted it.
    pub hits: BTreeSet<u64>,
}

/// What rules say to a packet that is asked about.
pub fn told(desired: &Desired, question: &Question) -> Told {
    let question = asked(question);
    let Some(Answer { action, hits }) = ask(desired, "b", &question) else {
        return Told { reason: None, rejected: Some(false), hits: BTreeSet::new() };
    };
    let inward = question.direction == Direction::In;
    let reason = if inward { DropReason::PolicyIn } else { DropReason::PolicyOut };
    Told {
        reason: Some(reason).filter(|_| action != RuleAction::Allow),
        rejected: (action != RuleAction::Reject || hears(&question)).then_some(action == RuleAction::Reject),
        hits,
    }
}

/// True for a packet whose sender is surely told that it was rejected: no error, and of a station.
fn hears(question: &Question) -> bool {
    let Packet::Ip { peer, protocol, .. } = question.packet else { return false };
    let stations = ["10.0.0.7", "10.128.0.1", "fd00::7", "fd00:0:0:1::"];
    matches!(protocol, TCP | ipv4::UDP) && stations.iter().any(|station| peer.to_string() == *station)
}

/// Rules that have counted at the port with the firewall.
pub fn hits(topology: &Topology, keys: impl IntoIterator<Item = hits::Key>) -> BTreeSet<u64> {
    let slot = topology.slots["b"];
    keys.into_iter().filter(|key| key.slot == slot).map(|key| key.rule).collect()
}

/// Why a packet was dropped, if it was.
pub fn reason(fate: &Fate) -> Option<DropReason> {
    match fate {
        Fate::Drop(reason, _) | Fate::DropAt(_, reason, _) => Some(*reason),
        Fate::Forward(..) | Fate::Flood(..) | Fate::Taken | Fate::Pass => None,
    }
}

/// True if something was made of a packet that was dropped: a reset or an error.
pub fn is_rejected(fate: &Fate) -> bool {
    matches!(fate, Fate::Drop(_, made) | Fate::DropAt(_, _, made) if !made.is_empty())
}
