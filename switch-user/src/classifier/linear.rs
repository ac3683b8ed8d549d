//! Rules asked one after the other, as people read them.

use std::{net::IpAddr, ops::RangeInclusive};

use switch_common::verdict::Direction;

use crate::model::{RuleAction, Service, ValidPolicy, ValidRule};

/// What the policies of a port are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whether the packet goes towards the VM or comes from it.
    pub direction: Direction,
    /// What it carries.
    pub packet: Packet,
}

/// What rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// An IP packet.
    Ip {
        /// The other end's address.
        peer: IpAddr,
        /// Protocol number.
        protocol: u8,
        /// Source port; 0 if the protocol has none.
        source: u16,
        /// Destination port; of ICMP the type and, in the low octet, the code.
        destination: u16,
    },
    /// A frame that is no IP packet, by its ethertype.
    Other(u16),
}

/// What decides about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Name of the policy.
    pub policy: &'a str,
    /// Name of its rule; `None` for its default.
    pub rule: Option<&'a str>,
    /// What becomes of the packet.
    pub action: RuleAction,
    /// What is allowed makes a connection.
    pub stateful: bool,
    /// There is an event.
    pub log: bool,
}

/// Asks the policies of a port in their order; `None` if there are none, which lets everything pass.
pub fn decide<'a>(policies: &[(&'a str, &'a ValidPolicy)], question: &Question) -> Option<Decision<'a>> {
    let by_rule = policies.iter().find_map(|(name, policy)| {
        let rule = policy.rules.iter().find(|rule| !rule.staged && matches(rule, question))?;
        Some(Decision {
            policy: name,
            rule: Some(&rule.name),
            action: rule.action,
            stateful: policy.stateful,
            log: rule.log,
        })
    });
    by_rule.or_else(|| by_default(policies))
}

/// The staged rules of a policy that would have decided, had they been in force.
pub fn staged<'a>(policy: &'a ValidPolicy, question: &Question) -> Vec<&'a str> {
    let asked = policy.rules.iter().filter(|rule| matches(rule, question));
    asked.take_while(|rule| rule.staged).map(|rule| rule.name.as_str()).collect()
}

/// The strictest default; of equals the first.
fn by_default<'a>(policies: &[(&'a str, &'a ValidPolicy)]) -> Option<Decision<'a>> {
    let (name, policy) = policies.iter().min_by_key(|(_, policy)| strictness(policy.default))?;
    Some(Decision {
        policy: name,
        rule: None,
        action: policy.default,
        stateful: policy.stateful,
        log: policy.log,
    })
}

/// The lower, the stricter.
pub const fn strictness(action: RuleAction) -> u8 {
    match action {
        RuleAction::Drop => 0,
        RuleAction::Reject => 1,
        RuleAction::Allow => 2,
    }
}

/// True if the rule is for the packet.
pub fn matches(rule: &ValidRule, question: &Question) -> bool {
    if rule.direction != question.direction {
        return false;
    }
    match question.packet {
        Packet::Other(ethertype) => rule.service == Service::Ethertype(ethertype),
        Packet::Ip { peer, protocol, source, destination } => {
            let known = |prefixes: &Vec<ipnet::IpNet>| prefixes.iter().any(|prefix| prefix.contains(&peer));
            carries(&rule.service, protocol, source, destination) && rule.peer.as_deref().is_none_or(known)
        }
    }
}

fn carries(service: &Service, protocol: u8, source: u16, destination: u16) -> bool {
    match service {
        Service::Any => true,
        Service::Protocol(wanted) => protocol == *wanted,
        Service::Ports { protocol: wanted, destination: to, source: from } => {
            protocol == *wanted && within(to, destination) && within(from, source)
        }
        Service::Icmp { protocol: wanted, kind, code } => {
            let [found, detail] = destination.to_be_bytes();
            protocol == *wanted && found == *kind && code.is_none_or(|code| code == detail)
        }
        Service::Ethertype(_) => false,
    }
}

/// No range means any port.
fn within(ranges: &[RangeInclusive<u16>], port: u16) -> bool {
    ranges.is_empty() || ranges.iter().any(|range| range.contains(&port))
}
