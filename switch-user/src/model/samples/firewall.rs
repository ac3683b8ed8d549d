//! Groups, policies and rules.

use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::{Index, select},
};

use crate::model::{
    Ethertype, Group, Object, Peer, Policy, PortRanges, Protocol, Rule, RuleAction, RuleDirection,
};

/// Groups `g0` and so on, of which each may be in those after it, policies and rules of these.
pub(super) fn objects() -> impl Strategy<Value = Vec<Object>> {
    (vec(group(), 1..5), vec(policy(), 1..4), vec(rule(), 0..20)).prop_map(|(groups, policies, rules)| {
        let (number_of_groups, number_of_policies) = (groups.len(), policies.len());
        let groups = groups.into_iter().enumerate().map(|(number, (mut group, inner))| {
            group.name = format!("g{number}");
            group.groups = (number > 0).then(|| named('g', inner, number)).into_iter().collect();
            Object::Group(group)
        });
        let policies = policies.into_iter().enumerate().map(|(number, (mut policy, group))| {
            policy.name = format!("web{number}");
            policy.applies_to = group.map(|group| named('g', group, number_of_groups));
            Object::Policy(policy)
        });
        let rules = rules.into_iter().enumerate().map(|(number, (mut rule, policy, group))| {
            rule.name = format!("{number}");
            rule.policy = format!("web{}", policy.index(number_of_policies));
            if let Peer::Group(name) = &mut rule.peer {
                *name = named('g', group, number_of_groups);
            }
            Object::Rule(rule)
        });
        groups.chain(policies).chain(rules).collect()
    })
}

fn named(letter: char, index: Index, number: usize) -> String {
    format!("{letter}{}", index.index(number))
}

fn group() -> impl Strategy<Value = (Group, Index)> {
    let prefixes = select(vec!["10.0.0.0/8", "10.1.2.0/24", "192.0.2.7/32", "fd00::/16"]);
    let prefixes = vec(prefixes.prop_map(|text| text.parse().unwrap()), 0..3);
    (btree_map("[a-z]{1,2}", "[a-z0-9.]{0,2}", 0..3), prefixes, any::<Index>()).prop_map(
        |(selector, prefixes, inner)| {
            let (name, ports, groups) = (String::new(), Vec::new(), Vec::new());
            (Group { name, selector, ports, prefixes, groups }, inner)
        },
    )
}

fn policy() -> impl Strategy<Value = (Policy, Option<Index>)> {
    let flags = any::<[bool; 2]>();
    (any::<u32>(), action(), flags, option::of(any::<Index>())).prop_map(
        |(tier, default, [stateless, log], group)| {
            let (name, applies_to) = (String::new(), None);
            (Policy { name, applies_to, tier, default, stateless, log }, group)
        },
    )
}

fn action() -> impl Strategy<Value = RuleAction> {
    select(vec![RuleAction::Allow, RuleAction::Drop, RuleAction::Reject])
}

fn rule() -> impl Strategy<Value = (Rule, Index, Index)> {
    let direction = select(vec![RuleDirection::In, RuleDirection::Out]);
    let order = (any::<u32>(), direction, action());
    (order, matching(), any::<[bool; 2]>(), any::<Index>(), any::<Index>()).prop_map(
        |((priority, direction, action), matching, [log, staged], policy, group)| {
            (Rule { priority, direction, action, log, staged, ..matching }, policy, group)
        },
    )
}

/// A rule with this peer, and nothing else yet.
fn about(peer: Peer) -> Rule {
    Rule {
        policy: String::new(),
        name: String::new(),
        priority: 0,
        direction: RuleDirection::In,
        action: RuleAction::Allow,
        proto: None,
        peer,
        port: None,
        src_port: None,
        icmp_type: None,
        icmp_code: None,
        ethertype: None,
        log: false,
        staged: false,
    }
}

/// A rule that is about packets of some kind, and nothing else yet.
fn matching() -> impl Strategy<Value = Rule> {
    let with = move |(proto, peer): (u8, Peer)| Rule { proto: Some(Protocol(proto)), ..about(peer) };
    let ports = (select(vec![6, 17, 132]), peer(), option::of(ranges()), option::of(ranges()));
    let icmp = (peer(), option::of((any::<u8>(), option::of(any::<u8>()))));
    prop_oneof![
        peer().prop_map(about),
        (any::<u8>().prop_filter("ICMP is below", |proto| ![1, 58].contains(proto)), peer()).prop_map(with),
        ports.prop_map(move |(proto, peer, port, src_port)| Rule { port, src_port, ..with((proto, peer)) }),
        icmp.prop_map(move |(peer, kind)| {
            let v6 = matches!(peer, Peer::Prefix(prefix) if prefix.addr().is_ipv6());
            let icmp_code = kind.and_then(|(_, code)| code).map(u32::from);
            let icmp_type = kind.map(|(kind, _)| kind.into());
            Rule { icmp_type, icmp_code, ..with((if v6 { 58 } else { 1 }, peer)) }
        }),
        select(vec![0x0600, 0x88cc, 0xffff])
            .prop_map(move |number| Rule { ethertype: Some(Ethertype(number)), ..about(Peer::Any) }),
    ]
}

fn peer() -> impl Strategy<Value = Peer> {
    let texts = ["any", "group:", "10.0.0.0/8", "10.0.0.1", "::/0", "fd00::1"];
    select(texts.to_vec()).prop_map(|text| text.parse().unwrap())
}

fn ranges() -> impl Strategy<Value = PortRanges> {
    let list = vec((1u16..65_000, 0u16..500), 1..5);
    list.prop_map(|list| {
        let items: Vec<String> =
            list.iter().map(|(first, more)| format!("{first}-{}", first + more)).collect();
        items.join(",").parse().unwrap()
    })
}
