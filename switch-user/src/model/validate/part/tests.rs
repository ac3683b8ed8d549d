use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::model::{Object, Uplink, changes, lockouts, samples, samples::from_text, warnings};

/// Two objects of a kind.
type Two<T> = Option<(T, T)>;

fn two<T: Clone>(all: impl Iterator<Item = T>, [one, other]: [Index; 2]) -> Two<T> {
    let all: Vec<T> = all.collect();
    (!all.is_empty()).then(|| (one.get(&all).clone(), other.get(&all).clone()))
}

/// One of the things that people do, right or wrong.
fn spoil(desired: &mut Desired, what: u8, which: [Index; 2]) {
    match what {
        0..8 => spoil_port(desired, what, which),
        8..11 => spoil_network(desired, what, which),
        11..14 => spoil_group(desired, what, which),
        14..18 => spoil_policy(desired, what, which),
        _ => {
            let Some((name, _)) = two(desired.ports.keys().cloned(), which) else { return };
            let Some(uplink) = desired.uplinks.values().next().cloned() else { return };
            desired.put(Object::Uplink(Uplink { name, ..uplink }));
        }
    }
}

fn spoil_network(desired: &mut Desired, what: u8, which: [Index; 2]) {
    let Some((mut one, other)) = two(desired.networks.values().cloned(), which) else { return };
    match what {
        8 => return drop(Arc::make_mut(&mut desired.networks).remove(&one.name)),
        9 => one.vlan = other.vlan,
        _ => one.gateway.extend(desired.ports.values().flat_map(|port| port.ip.clone())),
    }
    desired.put(Object::Network(one));
}

fn spoil_group(desired: &mut Desired, what: u8, which: [Index; 2]) {
    let Some((mut one, other)) = two(desired.groups.values().cloned(), which) else { return };
    match what {
        11 => return drop(Arc::make_mut(&mut desired.groups).remove(&one.name)),
        12 => one.groups.push(other.name),
        _ => one.ports.extend(desired.ports.keys().next().cloned()),
    }
    desired.put(Object::Group(one));
}

fn spoil_policy(desired: &mut Desired, what: u8, which: [Index; 2]) {
    if what < 16 {
        let Some((mut one, other)) = two(desired.rules.values().cloned(), which) else { return };
        if what == 14 {
            desired.remove(&one.id());
            return;
        }
        one.priority = other.priority;
        return desired.put(Object::Rule(one));
    }
    let Some((mut one, other)) = two(desired.policies.values().cloned(), which) else { return };
    if what == 16 {
        one.applies_to = other.applies_to;
    } else {
        one.default = other.default;
    }
    desired.put(Object::Policy(one));
}

fn spoil_port(desired: &mut Desired, what: u8, which: [Index; 2]) {
    let Some((mut one, other)) = two(desired.ports.values().map(|port| Port::clone(port)), which) else {
        return;
    };
    match what {
        0 => one.mac = other.mac,
        1 => (one.ip, one.network, one.trunk) = (other.ip, other.network, other.trunk),
        2 => one.qinq = !one.qinq,
        3 => (one.network, one.trunk, one.native) = (other.network, other.trunk, other.native),
        4 => one.label = other.label,
        5 => return drop(desired.ports.remove(&one.name)),
        6 => one.ip.clear(),
        _ => one.name = "another".into(),
    }
    desired.put(Object::Port(one.into()));
}

/// Gives all ports few labels, so that groups have members.
fn labelled(mut desired: Desired) -> Desired {
    let label = |number: usize| BTreeMap::from([("a".to_owned(), (number % 2).to_string())]);
    for (number, port) in desired.ports.values_mut().enumerate() {
        Arc::make_mut(port).label = label(number).into();
    }
    for (number, group) in Arc::make_mut(&mut desired.groups).values_mut().enumerate() {
        group.selector = label(number);
    }
    desired
}

proptest! {
    /// Whether a change is right, and what there is to be warned of, is seen by the part as by the whole.
    #[test]
    fn a_part_says_what_the_whole_says(
        old in samples::desired().prop_map(labelled),
        steps in vec((0u8..19, any::<[Index; 2]>()), 1..4),
    ) {
        let mut new = old.clone();
        for (what, which) in steps {
            spoil(&mut new, what, which);
        }
        let changes = changes(&old, &new);
        let whole = validate_as(&new, &changes, Scope::Cluster);
        let part = part(&new, &changes).unwrap();
        match (validate_as(&part, &changes, Scope::Cluster), &whole) {
            (Ok(valid), Ok(whole)) => {
                prop_assert_eq!(warnings(&part, &valid, &changes), warnings(&new, whole, &changes));
                for lockout in lockouts(whole) {
                    prop_assert!(lockouts(&valid).iter().any(|found| found.policy == lockout.policy));
                }
            }
            (Err(_), Err(_)) => {}
            (part, whole) => prop_assert!(false, "{:?} {:?}", part.err(), whole.as_ref().err()),
        }
        prop_assert_eq!(validate_part(&new, &changes, Scope::Cluster).err(), whole.err());
    }
}

#[test]
fn a_part_has_few_of_many_ports() {
    let mut text = "- {apiVersion: dvs/v1, kind: Network, name: n, vlan: 10}
- {apiVersion: dvs/v1, kind: Group, name: all, selector: {env: prod}}
- {apiVersion: dvs/v1, kind: Group, name: db, selector: {tier: db}}
- {apiVersion: dvs/v1, kind: Policy, name: all, appliesTo: all}
- {apiVersion: dvs/v1, kind: Rule, policy: all, name: a, priority: 1, direction: in, action: allow, peer: group:db}
"
    .to_owned();
    let ports = (0..100).map(|number| {
        let tier = if number % 10 == 0 { "db" } else { "web" };
        format!(
            "- {{apiVersion: dvs/v1, kind: Port, name: p{number:02}, network: n, ip: [10.0.0.{number}], \
             label: {{env: prod, tier: {tier}}}}}\n"
        )
    });
    text.extend(ports);
    let old = from_text(&text);
    for (change, ports) in [
        (
            "kind: Port, name: p50, network: n, ip: [10.0.0.50], label: {env: prod, tier: db}, learnLimit: 5",
            2,
        ),
        ("kind: Port, name: q, network: n, ip: [10.0.0.200], label: {env: prod, tier: web}", 2),
        ("kind: Port, name: q, network: n, ip: [10.0.0.33]", 3),
        ("kind: Port, name: q, network: n, qinq: true", 101),
        ("kind: Rule, policy: all, name: b, priority: 2, direction: in, action: drop", 1),
        ("kind: Rule, policy: all, name: b, priority: 1, direction: in, action: drop", 10),
        ("kind: Group, name: db, selector: {tier: db}, prefixes: [192.0.2.0/24]", 10),
        ("kind: Policy, name: all, appliesTo: all, default: allow", 100),
        ("kind: Network, name: n, vlan: 11", 100),
        ("kind: Network, name: m, vlan: 11", 1),
        ("kind: Host, name: h1", 1),
    ] {
        let mut new = old.clone();
        from_text(&format!("{{apiVersion: dvs/v1, {change}}}")).objects().for_each(|object| new.put(object));
        let changes = changes(&old, &new);
        assert_eq!(part(&new, &changes).unwrap().ports.len(), ports, "{change}");
    }
    let switch = from_text("{apiVersion: dvs/v1, kind: Switch, ageing: 0}");
    assert_eq!(part(&switch, &changes(&Desired::default(), &switch)), None);
}
