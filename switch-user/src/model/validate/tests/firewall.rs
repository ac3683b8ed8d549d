//! Groups, policies and rules.

mod rules;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use ipnet::IpNet;
use switch_common::{
    table::rules::{MAX_RULES, MAX_STAGED},
    verdict::Direction,
};

use super::*;
use crate::model::{Policy, Rule, RuleAction, Service};

/// Ports with labels, some of them with addresses; three groups and a policy.
const FIREWALL: &str = "kind: Network, name: blue, vlan: 10
kind: Port, name: p1, network: blue, label: {tier: web, zone: a}, ip: [10.0.10.1, \"fd00::1\"]
kind: Port, name: p2, network: blue, label: {tier: web, zone: b}, ip: [10.0.10.2]
kind: Port, name: p3, network: blue, label: {tier: db, zone: a}
kind: Port, name: p4, network: blue, label: {tier: db, zone: a}, firewall: off, ip: [10.0.10.3]
kind: Group, name: web, selector: {tier: web}
kind: Group, name: office, prefixes: [192.0.2.0/24, \"2001:db8::/64\"]
kind: Group, name: a, selector: {zone: a}, ports: [p2], groups: [office]
kind: Policy, name: web, appliesTo: web";

fn with(objects: &str) -> Desired {
    lines(&format!("{FIREWALL}\n{objects}"))
}

/// What the first problem with these objects says.
#[track_caller]
fn says(objects: &str, expected: &str) {
    let problems = validate(&with(objects)).err().unwrap_or_default();
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [expected], "{objects}");
}

/// A rule `web/r` with these fields besides.
fn rule(fields: &str) -> String {
    format!("kind: Rule, policy: web, name: r, priority: 1, direction: in, action: allow, {fields}")
}

#[test]
fn groups_name_what_there_is() {
    says(
        "kind: Group, name: g, groups: [nobody]",
        "Group g, field groups, value \"nobody\": there is no such group; create it, or name one of: a, g, office, web",
    );
    says(
        "kind: Group, name: g, ports: [p1, p9]",
        "Group g, field ports, value \"p9\": there is no such port; create it, or name one of: p1, p2, p3, p4",
    );
    says(
        "kind: Group, name: g, prefixes: [10.0.0.0/8, 10.0.10.1/24]",
        "Group g, field prefixes, value \"10.0.10.1/24\": the address has bits past the prefix length; write 10.0.10.0/24",
    );
    says(
        "kind: Group, name: g, selector: {tier: \"a,b\"}",
        "Group g, field selector.tier, value \"a,b\": this cannot be a label; use 1 to 63 of A-Z a-z 0-9 . _ / - in a \
         key, up to 63 in a value",
    );
    says(
        "kind: Group, name: g h",
        "Group g h, field name, value \"g h\": this is not a name; give a name: 1 to 63 of A-Z a-z 0-9 . _ -, the \
         first a letter or digit",
    );
    says(
        "kind: Policy, name: db, appliesTo: dbs",
        "Policy db, field appliesTo, value \"dbs\": there is no such group; create it, or name one of: a, office, web",
    );
    says(
        "kind: Rule, policy: db, name: r, priority: 1, direction: in, action: allow",
        "Rule db/r, field policy, value \"db\": there is no such policy; create it, or name one of: web",
    );
    let nothing = lines("kind: Policy, name: p, appliesTo: g");
    assert_eq!(
        validate(&nothing).unwrap_err()[0].to_string(),
        "Policy p, field appliesTo, value \"g\": there is no such group; create it first: dvs group add NAME"
    );
    check("kind: Group, name: empty", &[]);
}

#[test]
fn a_group_is_not_in_itself() {
    says(
        "kind: Group, name: g, groups: [g]",
        "Group g, field groups, value \"g\": the group would be in itself: g -> g; take one of these groups out of the \
         one before it",
    );
    says(
        "kind: Group, name: x, groups: [web, y]\nkind: Group, name: y, groups: [z]\nkind: Group, name: z, groups: [y]",
        "Group y, field groups, value \"z\": the group would be in itself: y -> z -> y; take one of these groups out of \
         the one before it",
    );
    let old =
        with("kind: Group, name: x, groups: [y]\nkind: Group, name: y, groups: [z]\nkind: Group, name: z");
    let mut new = old.clone();
    lines("kind: Group, name: z, groups: [x]").objects().for_each(|object| new.put(object));
    let problems = validate_changes(&new, &changes(&old, &new)).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].to_string().starts_with(
            "Group z, field groups, value \"x\": the group would be in itself: z -> x -> y -> z;"
        ),
        "{}",
        problems[0]
    );
}

#[test]
fn a_port_has_eight_policies_at_most() {
    let policies = |last: u8| -> String {
        (2..=last).fold(String::new(), |mut text, number| {
            write!(text, "\nkind: Policy, name: p{number}, appliesTo: web, tier: {number}").unwrap();
            text
        })
    };
    assert_eq!(problems(&with(policies(8).trim())), [""; 0]);
    let problems = validate(&with(policies(9).trim())).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "Port p1: 9 policies apply to the port: p2, p3, p4, p5, p6, p7, p8, p9, web; keep to 8: take the port out of a \
         group, or set its firewall to off"
    );
    assert_eq!((problems.len(), problems[1].object.as_str()), (2, "Port p2"));
}

/// So many rules of the policy web, with this change to each.
fn many(number: usize, change: impl Fn(usize, &mut Rule)) -> Desired {
    let mut desired = with(&rule("peer: 10.0.0.1, proto: tcp, port: 80"));
    let model = Arc::make_mut(&mut desired.rules).remove("web/r").unwrap();
    for number in 0..number {
        let mut rule = Rule { name: format!("r{number}"), ..model.clone() };
        change(number, &mut rule);
        desired.put(Object::Rule(rule));
    }
    desired
}

#[test]
fn rules_have_their_number() {
    assert_eq!(problems(&many(MAX_RULES, |_, _| ())), [""; 0]);
    let text = |desired: &Desired| validate(desired).unwrap_err()[0].to_string();
    assert_eq!(
        text(&many(MAX_RULES + 1, |_, _| ())),
        "Policy web: that makes 30721 rules with direction in; keep to 30720 a direction, or make two policies of it"
    );
    assert_eq!(problems(&many(MAX_STAGED, |_, rule| rule.staged = true)), [""; 0]);
    let staged = |_, rule: &mut Rule| {
        rule.staged = true;
        rule.direction = crate::model::RuleDirection::Out;
    };
    assert_eq!(
        text(&many(MAX_STAGED + 1, staged)),
        "Policy web: that makes 33 staged rules with direction out; keep to 32 a direction"
    );
}

/// So many policies without rules.
fn policies(number: u32) -> Desired {
    let mut desired = Desired::default();
    for number in 0..number {
        let (name, applies_to, default) = (format!("p{number}"), None, RuleAction::Drop);
        let (tier, stateless, log) = (100, false, false);
        desired.put(Object::Policy(Policy { name, applies_to, tier, default, stateless, log }));
    }
    desired
}

#[test]
fn policies_take_slots_and_rows() {
    let text = |desired: &Desired| validate(desired).unwrap_err()[0].to_string();
    assert_eq!(
        text(&policies(MAX_PORTS)),
        "the switch: that makes 4096 ports, uplinks, routers, policies, overlay networks and other hosts, more \
         than the switch has room for; keep to 4095 on one host"
    );
    let mut desired = policies(1022);
    lines("kind: Switch, ruleCapacity: 1024").objects().for_each(|object| desired.put(object));
    assert_eq!(
        text(&desired),
        "Switch, field ruleCapacity, value 1024: the policies take 1022 rows; the largest one is p999, with 1, and room \
         for two of that size must stay free: one for a new version, one to move policies through; dvs switch set \
         --rule-capacity 2048"
    );
    desired.remove(&ObjectId::new(Kind::Policy, "p0"));
    assert_eq!(problems(&desired), [""; 0]);
    check("kind: Switch, ruleCapacity: 1023", &["Switch ruleCapacity 1023 out-of-range"]);
    check("kind: Switch, ruleCapacity: 4194305", &["Switch ruleCapacity 4194305 out-of-range"]);
    check("kind: Switch, ruleCapacity: 4194304, hitCapacity: 4194304", &[]);
    check("kind: Switch, hitCapacity: 1023", &["Switch hitCapacity 1023 out-of-range"]);
}

#[test]
fn the_valid_form_has_groups_resolved() {
    let valid = validate(&with(
        "kind: Switch, ruleCapacity: 2048
        kind: Policy, name: all, appliesTo: everyone, tier: 50, default: reject, stateless: true, log: true
        kind: Policy, name: nobody
        kind: Group, name: everyone, groups: [web, a], ports: [p1]
        kind: Rule, policy: all, name: z, priority: 1, direction: out, action: drop, peer: group:a, log: true
        kind: Rule, policy: all, name: b, priority: 2, direction: in, action: allow, peer: group:a, proto: icmp
        kind: Rule, policy: all, name: a, priority: 2, direction: in, action: allow, peer: group:a, proto: icmpv6, icmpType: 128
        kind: Rule, policy: all, name: c, priority: 3, direction: in, action: reject, peer: group:a, proto: tcp, port: \"443,80,81\", staged: true
        kind: Rule, policy: all, name: d, priority: 4, direction: in, action: allow, proto: 47
        kind: Rule, policy: all, name: e, priority: 5, direction: in, action: allow, ethertype: 0x88cc",
    ))
    .unwrap();
    let chains: BTreeMap<&str, String> =
        valid.ports.iter().map(|(name, port)| (name.as_str(), port.policies.join(" "))).collect();
    assert_eq!(
        chains,
        [("p1", "all web"), ("p2", "all web"), ("p3", "all"), ("p4", "")]
            .map(|(port, chain)| (port, chain.to_owned()))
            .into()
    );
    assert_eq!((valid.rule_capacity, valid.policies.len()), (2048, 3));
    let all = &valid.policies["all"];
    assert_eq!((all.tier, all.default, all.stateful, all.log), (50, RuleAction::Reject, false, true));
    let names: Vec<&str> = all.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "b", "c", "d", "e"]);
    let [z, a, b, c, d, e] = all.rules.as_slice() else { unreachable!("six rules") };
    let prefixes =
        |texts: &[&str]| -> Vec<IpNet> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    // 10.0.10.2 and 10.0.10.3 are one prefix together.
    let v4 = ["10.0.10.1/32", "10.0.10.2/31", "192.0.2.0/24"];
    let v6 = ["2001:db8::/64", "fd00::1/128"];
    assert_eq!(**z.peer.as_ref().unwrap(), prefixes(&[&v4[..], &v6].concat()));
    assert_eq!(
        (z.direction, z.action, z.log, &z.service),
        (Direction::Out, RuleAction::Drop, true, &Service::Any)
    );
    assert_eq!(**b.peer.as_ref().unwrap(), prefixes(&v4));
    assert_eq!(**a.peer.as_ref().unwrap(), prefixes(&v6));
    assert_eq!(a.service, Service::Icmp { protocol: 58, kind: 128, code: None });
    assert_eq!(b.service, Service::Protocol(1));
    assert!(Arc::ptr_eq(z.peer.as_ref().unwrap(), c.peer.as_ref().unwrap()));
    let ports = vec![80..=81, 443..=443];
    assert_eq!(c.service, Service::Ports { protocol: 6, destination: ports, source: Vec::new() });
    assert!(c.staged && c.action == RuleAction::Reject);
    assert_eq!(
        (&d.peer, &d.service, &e.service),
        (&None, &Service::Protocol(47), &Service::Ethertype(0x88cc))
    );
}

#[test]
fn groups_nest_as_deep_as_they_like() {
    let mut desired = Desired::default();
    for number in 0..20_000u32 {
        let (name, groups) = (format!("g{number:05}"), vec![format!("g{:05}", number + 1)]);
        let (selector, ports, prefixes) = (BTreeMap::new(), Vec::new(), Vec::new());
        desired.put(Object::Group(crate::model::Group { name, selector, ports, prefixes, groups }));
    }
    assert_eq!(problems(&desired), ["Group g19999 groups \"g20000\" unknown-group"]);
}

#[test]
fn many_rules_are_proven_with_little_effort() {
    let rules = |number| {
        many(number, |number, rule| {
            rule.priority = u32::try_from(number).unwrap();
            rule.peer = if number.is_multiple_of(2) { "group:a" } else { "10.0.0.1" }.parse().unwrap();
        })
    };
    let effort = |desired: &Desired| {
        effort::of(|| {
            let found = changes(&Desired::default(), desired);
            let valid = validate_changes(desired, &found).unwrap();
            assert_eq!(crate::model::warnings(desired, &valid, &found).len(), 1);
        })
    };
    let (small, large) = (effort(&rules(1_000)), effort(&rules(10_000)));
    // Ten times the rules are about ten times the effort; to put down each with each would be a hundred times.
    assert!(large < 15 * small, "{large} against {small}");
}
