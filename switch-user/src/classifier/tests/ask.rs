//! What decides at both ends.

use super::valid;
use crate::{
    classifier::{
        ask::{Judgement, ask},
        ends::connection,
    },
    model::RuleAction,
};

const RULES: &str = "kind: Policy, name: base, appliesTo: vms, tier: 200, default: reject
kind: Policy, name: web, appliesTo: vms, default: allow
kind: Rule, policy: web, name: s1, priority: 1, direction: in, action: drop, staged: true
kind: Rule, policy: web, name: http, priority: 2, direction: in, action: allow, proto: tcp, port: 80
kind: Rule, policy: web, name: s2, priority: 3, direction: in, action: drop, proto: tcp, staged: true
kind: Rule, policy: web, name: high, priority: 4, direction: in, action: drop, proto: udp, srcPort: 49152-65535
kind: Rule, policy: base, name: s3, priority: 1, direction: in, action: drop, proto: icmp, staged: true
kind: Rule, policy: base, name: ping, priority: 2, direction: in, action: allow, proto: icmp, icmpType: 8
kind: Rule, policy: base, name: out, priority: 3, direction: out, action: allow, peer: 192.0.2.0/24
kind: Rule, policy: base, name: gre, priority: 4, direction: out, action: drop, proto: 47";

fn told(judgement: &Judgement<'_>) -> String {
    let decision = judgement.decision.map_or("nobody".into(), |decision| {
        format!("{}/{}", decision.policy, decision.rule.unwrap_or("default"))
    });
    let staged: Vec<String> =
        judgement.staged.iter().map(|names| format!(" ({})", names.join("/"))).collect();
    let (port, direction) = (judgement.port, judgement.direction.name());
    format!("{port} {direction} {:?} {decision}{}", judgement.action(), staged.concat())
}

#[test]
fn both_ends_are_asked_in_the_order_of_the_packet() {
    let valid = valid(RULES);
    for (from, to, source, expected) in [
        ("192.0.2.7", "p2:80", 1, &["p2 in Allow web/http (web/s1)"][..]),
        ("192.0.2.7", "p2:81", 1, &["p2 in Reject base/default (web/s1) (web/s2)"]),
        ("192.0.2.7", "p2:81/udp", 49_152, &["p2 in Drop web/high (web/s1)"]),
        ("192.0.2.7", "p2:81/udp", 49_151, &["p2 in Reject base/default (web/s1)"]),
        ("192.0.2.7", "p2", 1, &["p2 in Allow base/ping (web/s1) (base/s3)"]),
        ("p1", "192.0.2.7", 1, &["p1 out Allow base/out"]),
        ("p1", "192.0.2.7/47", 1, &["p1 out Allow base/out"]),
        ("p1", "198.51.100.7/47", 1, &["p1 out Drop base/gre"]),
        ("p1", "p2:80", 1, &["p1 out Reject base/default", "p2 in Allow web/http (web/s1)"]),
        ("p4", "p1:80", 1, &["p4 out Allow nobody", "p1 in Allow web/http (web/s1)"]),
    ] {
        let connection = connection(&valid, from, to, source).unwrap();
        let found: Vec<String> = ask(&valid, &connection).iter().map(told).collect();
        assert_eq!(found, expected, "{from} {to} {source}");
    }
}

#[test]
fn without_policies_everything_passes() {
    let valid = valid("");
    let connection = connection(&valid, "p1", "p2:80", 1).unwrap();
    let actions: Vec<RuleAction> = ask(&valid, &connection).iter().map(Judgement::action).collect();
    assert_eq!(actions, [RuleAction::Allow; 2]);
}
