//! Random policies as users write them: with groups that they share, and rules of equal priority.

use std::collections::BTreeMap;

use ipnet::IpNet;
use proptest::{
    collection::{SizeRange, vec},
    prelude::*,
    sample::{select, subsequence},
};
use switch_common::{table::rules::MAX_STAGED, wire::ipv4, wire::ipv6};
use switch_user::model::{
    Desired, Ethertype, Group, Object, Peer, Policy, PortRanges, Protocol, Rule, RuleAction, RuleDirection,
    Service,
};

use super::{prefix, service};
use crate::topology;

/// A port with a firewall and one without, and some that are only members of groups.
pub const PORTS: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
- {apiVersion: dvs/v1, kind: Port, name: b, network: blue, device: vb, mac: ['02:00:00:00:00:0b'], label: {role: web}}
- {apiVersion: dvs/v1, kind: Port, name: x, network: blue, device: vx, mac: ['02:00:00:00:00:0f']}
- {apiVersion: dvs/v1, kind: Port, name: q1, network: blue, ip: [10.0.0.7, 'fd00::7'], label: {role: web}}
- {apiVersion: dvs/v1, kind: Port, name: q2, network: blue, ip: [10.128.0.1], label: {role: db}}
- {apiVersion: dvs/v1, kind: Group, name: here, ports: [b]}
";

/// Names of the random groups; each may be in those that come after it.
const GROUPS: [&str; 4] = ["g0", "g1", "g2", "g3"];

/// So many policies, each with so many rules.
pub(super) fn desired(
    policies: impl Into<SizeRange>,
    rules: impl Into<SizeRange>,
) -> impl Strategy<Value = Desired> {
    let policy = (policy(), vec(rule(), rules));
    (GROUPS.map(|_| group()), vec(policy, policies)).prop_map(|(groups, policies)| {
        let mut desired = topology::objects(PORTS);
        for (number, mut group) in groups.into_iter().enumerate() {
            GROUPS[number].clone_into(&mut group.name);
            group.groups.retain(|inner| GROUPS[..number].contains(&inner.as_str()));
            desired.put(Object::Group(group));
        }
        for (number, (mut policy, rules)) in policies.into_iter().enumerate() {
            policy.name = format!("p{number}");
            let mut staged = [0; 2];
            for mut rule in rules {
                let count = &mut staged[usize::from(rule.direction == RuleDirection::In)];
                *count += usize::from(rule.staged);
                rule.staged &= *count <= MAX_STAGED;
                rule.policy.clone_from(&policy.name);
                desired.put(Object::Rule(rule));
            }
            desired.put(Object::Policy(policy));
        }
        desired
    })
}

fn group() -> impl Strategy<Value = Group> {
    let selector = prop::option::of(select(vec!["web", "db", "none"]));
    let ports = subsequence(vec!["b", "q1", "q2"], 0..=2);
    let groups = subsequence(GROUPS.to_vec(), 0..=2);
    (selector, ports, vec(prefix(), 0..3), groups).prop_map(|(role, ports, prefixes, groups)| Group {
        name: String::new(),
        selector: role
            .map(|role| ("role".to_owned(), role.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        ports: ports.into_iter().map(str::to_owned).collect(),
        prefixes,
        groups: groups.into_iter().map(str::to_owned).collect(),
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    let applies_to = prop_oneof![4 => Just("here"), 1 => select(GROUPS.to_vec())];
    (applies_to, 0u32..3, action(), any::<bool>(), any::<bool>()).prop_map(
        |(applies_to, tier, default, stateless, log)| Policy {
            name: String::new(),
            applies_to: Some(applies_to.to_owned()),
            tier,
            default,
            stateless,
            log,
        },
    )
}

fn action() -> impl Strategy<Value = RuleAction> {
    select(vec![RuleAction::Allow, RuleAction::Drop, RuleAction::Reject])
}

fn peer() -> impl Strategy<Value = Peer> {
    let group = select([&GROUPS[..], &["here"]].concat());
    prop_oneof![
        Just(Peer::Any),
        prefix().prop_map(Peer::Prefix),
        group.prop_map(|name| Peer::Group(name.to_owned())),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let way = (select(vec![RuleDirection::In, RuleDirection::Out]), action());
    let order = (0u32..4, 0u32..100_000);
    (order, way, peer(), service(), any::<bool>(), prop::bool::weighted(0.1)).prop_map(
        |((priority, number), (direction, action), peer, service, log, staged)| {
            let rule = Rule {
                policy: String::new(),
                name: format!("r{number}"),
                priority,
                direction,
                action,
                proto: None,
                peer: Peer::Any,
                port: None,
                src_port: None,
                icmp_type: None,
                icmp_code: None,
                ethertype: None,
                log,
                staged,
            };
            carrying(rule, peer, &service)
        },
    )
}

/// The rule for what is carried between the port and its peer.
fn carrying(rule: Rule, peer: Peer, service: &Service) -> Rule {
    let (proto, port, src_port, icmp_type, icmp_code) = match service {
        Service::Any => (None, None, None, None, None),
        Service::Protocol(protocol) => (Some(*protocol), None, None, None, None),
        Service::Ports { protocol, destination, source } => {
            (Some(*protocol), list(destination), list(source), None, None)
        }
        Service::Icmp { protocol, kind, code } => {
            (Some(*protocol), None, None, Some((*kind).into()), code.map(Into::into))
        }
        Service::Ethertype(number) => return Rule { ethertype: Some(Ethertype(*number)), ..rule },
    };
    let fits = match (&peer, proto) {
        (Peer::Prefix(IpNet::V6(_)), Some(ipv4::ICMP)) | (Peer::Prefix(IpNet::V4(_)), Some(ipv6::ICMPV6)) => {
            false
        }
        (Peer::Any | Peer::Prefix(_) | Peer::Group(_), _) => true,
    };
    let peer = if fits { peer } else { Peer::Any };
    Rule { proto: proto.map(Protocol), peer, port, src_port, icmp_type, icmp_code, ..rule }
}

/// Ranges as they are written, of which 0 alone is none.
fn list(ranges: &[std::ops::RangeInclusive<u16>]) -> Option<PortRanges> {
    let ranges = ranges.iter().map(|range| format!("{}-{}", range.start(), range.end().max(&1)));
    ranges.collect::<Vec<_>>().join(",").parse().ok()
}
