//! Rules as users wrote them, asked one by one in the order that their numbers and names say.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use switch_common::{
    verdict::Direction,
    wire::{ipv4::ICMP, ipv6::ICMPV6},
};
use switch_user::{
    classifier::{
        default_id,
        linear::{Packet, Question},
        rule_id,
    },
    model::{Desired, Ethertype, Group, Peer, Policy, PortRanges, Protocol, Rule, RuleAction},
};

/// What the policies of a port say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What becomes of the packet.
    pub action: RuleAction,
    /// Numbers of the rule or default that decides, and of the staged rules before it.
    pub hits: BTreeSet<u64>,
}

/// Asks the policies of a port; `None` if it has none.
pub fn ask(desired: &Desired, port: &str, question: &Question) -> Option<Answer> {
    let applies = |policy: &&Policy| {
        policy
            .applies_to
            .as_ref()
            .and_then(|name| desired.groups.get(name))
            .is_some_and(|group| has_port(desired, group, port))
    };
    let mut policies: Vec<&Policy> = desired.policies.values().filter(applies).collect();
    policies.sort_by_key(|policy| (policy.tier, &policy.name));
    let mut hits = BTreeSet::new();
    for policy in &policies {
        let matching = desired
            .rules
            .values()
            .filter(|rule| rule.policy == policy.name && matches(desired, rule, question));
        let mut rules: Vec<&Rule> = matching.collect();
        rules.sort_by_key(|rule| (rule.priority, &rule.name));
        for rule in rules {
            hits.insert(rule_id(&policy.name, &rule.name));
            if !rule.staged {
                return Some(Answer { action: rule.action, hits });
            }
        }
    }
    let strictness = [RuleAction::Drop, RuleAction::Reject, RuleAction::Allow];
    let by = strictness.iter().find_map(|action| policies.iter().find(|policy| policy.default == *action))?;
    hits.insert(default_id(&by.name, question.direction));
    Some(Answer { action: by.default, hits })
}

fn matches(desired: &Desired, rule: &Rule, question: &Question) -> bool {
    if Direction::from(rule.direction) != question.direction {
        return false;
    }
    let Packet::Ip { peer, protocol, source, destination } = question.packet else {
        return matches!(question.packet, Packet::Other(number) if rule.ethertype == Some(Ethertype(number)));
    };
    let [kind, code] = destination.to_be_bytes();
    let within = |ranges: &Option<PortRanges>, port| {
        ranges.as_ref().is_none_or(|list| list.ranges().iter().any(|range| range.contains(&port)))
    };
    rule.ethertype.is_none()
        && rule.proto.is_none_or(|wanted| wanted == Protocol(protocol))
        && within(&rule.port, destination)
        && within(&rule.src_port, source)
        && rule.icmp_type.is_none_or(|wanted| wanted == u32::from(kind))
        && rule.icmp_code.is_none_or(|wanted| wanted == u32::from(code))
        && is_peer(desired, rule, peer)
}

fn is_peer(desired: &Desired, rule: &Rule, address: IpAddr) -> bool {
    match &rule.peer {
        Peer::Any => true,
        Peer::Prefix(prefix) => prefix.contains(&address),
        // ICMP of each version knows the members of its family.
        Peer::Group(_) if rule.proto == Some(Protocol(ICMP)) && address.is_ipv6() => false,
        Peer::Group(_) if rule.proto == Some(Protocol(ICMPV6)) && address.is_ipv4() => false,
        Peer::Group(name) => has_address(desired, &desired.groups[name], address),
    }
}

fn has_port(desired: &Desired, group: &Group, name: &str) -> bool {
    let selected = desired.ports.get(name).is_some_and(|port| {
        let mut selector = group.selector.iter();
        selector.all(|(key, value)| port.label.iter().any(|label| label == (key.as_str(), value.as_str())))
    });
    group.ports.iter().any(|member| member == name)
        || (!group.selector.is_empty() && selected)
        || group.groups.iter().any(|inner| has_port(desired, &desired.groups[inner], name))
}

fn has_address(desired: &Desired, group: &Group, address: IpAddr) -> bool {
    let has = |prefix: &IpNet| prefix.contains(&address);
    group.prefixes.iter().any(has)
        || group.groups.iter().any(|inner| has_address(desired, &desired.groups[inner], address))
        || desired
            .ports
            .values()
            .any(|port| port.ip.contains(&address) && has_port(desired, group, &port.name))
}
