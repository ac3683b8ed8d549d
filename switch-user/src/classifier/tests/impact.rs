//! What changes of rules cut.

use super::valid;
use crate::classifier::{ends::connection, impact::Impact};

const WEB: &str = "kind: Policy, name: web, appliesTo: vms, default: drop
kind: Rule, policy: web, name: out, priority: 1, direction: out, action: allow
kind: Rule, policy: web, name: http, priority: 2, direction: in, action: allow, proto: tcp, port: 80-90";

/// The ports that are concerned, and what refuses a connection from outside to p2, port 80, then one from p1 to it.
fn impact(before: &str, after: &str) -> String {
    let (before, after) = (valid(before), valid(after));
    let mut impact = Impact::new(&before, &after);
    let mut told: Vec<String> = impact.ports().iter().map(ToString::to_string).collect();
    for from in ["192.0.2.7", "p1"] {
        let cut = impact.cut(&connection(&before, from, "p2:80", 50_000).unwrap(), true);
        told.push(cut.map_or("-".into(), |(port, decision)| {
            format!("{port}:{}/{}", decision.policy, decision.rule.unwrap_or("default"))
        }));
    }
    told.join(" ")
}

#[test]
fn what_passed_and_would_not_is_cut() {
    let drop = |fields: &str| {
        format!("{WEB}\nkind: Rule, policy: web, name: no, priority: 0, action: drop, {fields}")
    };
    for (before, after, expected) in [
        (WEB, WEB.to_owned(), "- -"),
        ("", WEB.to_owned(), "p1 p2 - -"),
        (WEB, String::new(), "p1 p2 - -"),
        ("", WEB.replace("80-90", "81-90"), "p1 p2 p2:web/default p2:web/default"),
        (WEB, WEB.replace("80-90", "81-90"), "p1 p2 p2:web/default p2:web/default"),
        (WEB, WEB.replace("80-90", "1-80"), "p1 p2 - -"),
        (WEB, WEB.replace("out, action: allow", "out, action: reject"), "p1 p2 - p1:web/out"),
        (WEB, drop("direction: in, peer: 192.0.2.0/24"), "p1 p2 p2:web/no -"),
        (WEB, drop("direction: in, peer: \"group:vms\""), "p1 p2 - p2:web/no"),
        (WEB, drop("direction: in, staged: true"), "p1 p2 - -"),
        (WEB, drop("direction: in, proto: tcp, srcPort: 50000"), "p1 p2 p2:web/no p2:web/no"),
        (WEB, drop("direction: in, proto: tcp, srcPort: 50001"), "p1 p2 - -"),
        // What does not pass now is not cut.
        (&WEB.replace("80-90", "81-90"), WEB.replace("80-90", "82-90"), "p1 p2 - -"),
        (&WEB.replace("out, action: allow", "out, action: drop"), drop("direction: in"), "p1 p2 p2:web/no -"),
        // One port leaves the policy, the other one stays.
        (WEB, format!("{WEB}\nkind: Group, name: vms, ports: [p2]"), "p1 - -"),
        // A policy that nobody asks.
        (WEB, format!("{WEB}\nkind: Policy, name: db"), "- -"),
    ] {
        assert_eq!(impact(before, &after), expected, "{after}");
    }
}

/// The answers that are kept are those of the same question.
#[test]
fn many_connections_are_asked_for_once() {
    let (before, after) = (valid(""), valid(WEB));
    let mut impact = Impact::new(&before, &after);
    for _ in 0..2 {
        for (to, source, cut) in
            [("p2:80", 1, false), ("p2:91", 2, true), ("p2:80/udp", 3, true), ("p2", 4, true)]
        {
            let asked = connection(&before, "192.0.2.7", to, source).unwrap();
            assert_eq!(impact.cut(&asked, true).is_some(), cut, "{to}");
        }
    }
}

const ANSWERS: &str = "kind: Policy, name: web, appliesTo: vms, default: drop
kind: Rule, policy: web, name: http, priority: 2, direction: in, action: allow, proto: tcp, port: 80
kind: Rule, policy: web, name: ping, priority: 2, direction: in, action: allow, proto: icmp, icmpType: 8";

/// Without state, answers need rules of their own, which say their ports and types, and the peer's address.
#[test]
fn without_state_answers_are_asked_for() {
    let stateless = ANSWERS.replace("default: drop", "default: drop, stateless: true");
    let with = |rule: &str| {
        format!("{stateless}\nkind: Rule, policy: web, name: back, priority: 1, direction: out, {rule}")
    };
    let both = "p2:web/default p2:web/default";
    for (before, after, expected) in [
        (ANSWERS, stateless.clone(), both),
        ("", stateless.clone(), both),
        (ANSWERS, with("action: allow"), "- -"),
        (ANSWERS, with("action: drop"), "p2:web/back p2:web/back"),
        (ANSWERS, with("action: allow, proto: tcp, srcPort: 80, port: 50000"), "- p2:web/default"),
        (ANSWERS, with("action: allow, proto: tcp, srcPort: 50000, port: 80"), both),
        (ANSWERS, with("action: allow, proto: icmp, icmpType: 0"), "p2:web/default -"),
        (ANSWERS, with("action: allow, proto: icmp, icmpType: 8"), both),
        (ANSWERS, with("action: allow, peer: 192.0.2.0/24"), "- -"),
        (ANSWERS, with("action: allow, peer: 192.0.3.0/24"), both),
        // The answers did not pass before, so nobody has such a connection.
        (&stateless, stateless.replace("port: 80", "port: 81"), "- -"),
        (&with("action: allow"), stateless.clone(), both),
        (&with("action: allow"), ANSWERS.to_owned(), "- -"),
    ] {
        let (valid_before, valid_after) = (valid(before), valid(&after));
        let mut impact = Impact::new(&valid_before, &valid_after);
        let told = ["p2:80", "p2"].map(|to| {
            let asked = connection(&valid_before, "192.0.2.7", to, 50_000).unwrap();
            let cut = impact.cut(&asked, true);
            cut.map_or("-".into(), |(port, by)| {
                format!("{port}:{}/{}", by.policy, by.rule.unwrap_or("default"))
            })
        });
        assert_eq!(told.join(" "), expected, "{after}");
    }
}

#[test]
fn nobody_misses_answers_that_never_came() {
    let (before, after) = (valid(ANSWERS), valid(&ANSWERS.replace("drop", "drop, stateless: true")));
    let mut impact = Impact::new(&before, &after);
    let asked = connection(&before, "192.0.2.7", "p2:80", 50_000).unwrap();
    assert_eq!([true, false].map(|answered| impact.cut(&asked, answered).is_some()), [true, false]);
}
