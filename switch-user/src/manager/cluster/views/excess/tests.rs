use proptest::{collection::vec, prelude::*};

use super::{
    super::tests::{between, binding, made, three_hosts, to, world},
    *,
};
use crate::{
    api::Binding,
    classifier::compile,
    model::{Object, Port, samples::from_text},
};

proptest! {
    /// What is counted before a claim is what there is after it, and never less than validation finds.
    #[test]
    fn counting_misses_nothing((desired, bindings) in world(), wanted in vec(any::<bool>(), 12)) {
        let mut views = made(&desired, &bindings);
        let ports = desired.ports.keys().zip(wanted).filter(|(_, wanted)| *wanted);
        let changes: Vec<BindingChange> =
            ports.map(|(port, _)| (port.clone(), Some(binding("h0", 1000)))).collect();
        let (room, number) = (views.room("h0", &changes).unwrap(), views.ports_with("h0", &changes));
        prop_assert!(views.refusal("h0", &changes).is_none() || !room.suffices(number));
        prop_assert!(views.room("h0", &changes).as_ref() == Some(&room), "asking changes nothing");
        views.bind(2000, changes);
        prop_assert!(views.room("h0", &[]).as_ref() == Some(&room));
        prop_assert_eq!(views.ports_with("h0", &[]), number);
        let sight = views.glance("h0").unwrap().sight;
        let view: Desired = sight.documents().map(|document| document.object.clone()).collect();
        let policies = validate_as(&view, &[], Scope::Cluster).unwrap().policies;
        prop_assert!(room.rows().map(|(name, _)| name).eq(policies.keys()));
        for ((name, rows), policy) in room.rows().zip(policies.values()) {
            prop_assert!(compile(name, policy).len() <= rows as usize, "{name}: {rows}");
        }
    }
}

/// Host h3 with so many ports, and all that three hosts have besides at none.
fn crowded(ports: usize) -> Views {
    let (mut desired, _) = three_hosts();
    let bindings = (0..ports).map(|number| {
        let name = format!("q{number}");
        let port = Port { name: name.clone(), ..Port::clone(&desired.ports["p4"]) };
        desired.put(Object::Port(port.into()));
        (name, binding("h3", 1))
    });
    let bindings = bindings.collect();
    made(&desired, &bindings)
}

#[test]
fn a_host_without_room_is_told_the_numbers() {
    let mut views = crowded(4093);
    let claims = ["p3", "p4"].map(|port| (port.to_owned(), Some(binding("h3", 2))));
    assert_eq!(views.excess("h3", &claims[..1]), None);
    let why = views.excess("h3", &claims).unwrap();
    assert!(
        why.starts_with("the switch: that makes 4096 ports, uplinks, routers, policies, overlay networks"),
        "{why}"
    );
    assert_eq!(views.bound("h3").count(), 4093, "asking changes nothing");
    assert_eq!(views.excess("h1", &claims), None, "its own ports alone count, not those of its group");
}

#[test]
fn a_port_that_is_to_come_counts() {
    let mut views = crowded(4091);
    let planned = Binding { target: Some(to("h3")), ..binding("h1", 2) };
    views.bind(2, vec![("p1".to_owned(), Some(planned.clone()))]);
    let claims = [("p3".to_owned(), Some(binding("h3", 3)))];
    let own = [("p1".to_owned(), Some(binding("h3", 3)))];
    assert_eq!(views.excess("h3", &own), None, "once");
    let why = views.excess("h3", &claims).unwrap();
    assert!(why.starts_with("the switch: that makes 4096 ports"), "{why}");
    views.bind(3, vec![("p1".to_owned(), Some(Binding { target: None, ..planned }))]);
    assert_eq!(views.excess("h3", &claims), None);
}

#[test]
fn what_rules_take_is_found_when_a_port_is_claimed() {
    let (_, mut views) = three_hosts();
    let small = from_text("{apiVersion: dvs/v1, kind: Switch, ruleCapacity: 1024}");
    views.configure(2, between(&Desired::default(), &small));
    let rules = (0..600).map(|number| {
        let text = format!(
            "{{apiVersion: dvs/v1, kind: Rule, policy: web, name: r{number}, priority: 1, direction: in, \
             action: drop, proto: tcp, port: {}}}",
            number * 2 + 1
        );
        from_text(&text).objects().next().unwrap()
    });
    views.configure(3, rules.map(|rule| (rule.id(), Some(rule))).collect());
    for host in ["h2", "h3"] {
        let why = views.excess(host, &[("p1".into(), Some(binding(host, 2)))]).unwrap();
        assert!(why.starts_with("Switch, field ruleCapacity, value 1024"), "{why}");
    }
    assert_eq!(views.excess("h3", &[("p4".into(), Some(binding("h3", 2)))]), None, "no policy is about it");
}
