use super::*;
use crate::model::{changes, samples::from_text, validate};

const PORTS: &str = "kind: Network, name: blue, vlan: 10
kind: Port, name: p1, network: blue, ip: [10.0.10.1]
kind: Group, name: web, ports: [p1]
kind: Group, name: outer, groups: [web]
kind: Policy, name: web";

/// One object a line, without the version; one that comes again replaces the one before.
fn lines(text: &str) -> Desired {
    let one = |line: &str| from_text(&format!("{{apiVersion: dvs/v1, {}}}", line.trim()));
    text.lines().flat_map(|line| one(line).objects().collect::<Vec<_>>()).collect()
}

/// What is said when these objects come to those before, which come to the ports.
#[track_caller]
fn check(before: &str, put: &str, expected: &[&str]) {
    let old = lines(format!("{PORTS}\n{before}").trim());
    let mut new = old.clone();
    lines(put).objects().for_each(|object| new.put(object));
    let valid = validate(&new).unwrap();
    assert_eq!(warnings(&new, &valid, &changes(&old, &new)), expected, "{before}\n{put}");
}

fn rule(name: &str, action: &str, fields: &str) -> String {
    format!("kind: Rule, policy: web, name: {name}, priority: 5, direction: in, action: {action}{fields}")
}

#[test]
fn rules_that_only_their_names_tell_apart() {
    let says = "Rule web/a and Rule web/b have the same priority 5 and match the same packets: the one whose name \
                sorts first, a, decides";
    for (a, b, overlap) in [
        ("", "", true),
        (", proto: tcp", ", proto: tcp, port: 80", true),
        (", proto: tcp", ", proto: udp, port: 80", false),
        (", proto: tcp, port: 80-90", ", proto: tcp, port: \"1,90\"", true),
        (", proto: tcp, port: 80-90", ", proto: tcp, port: \"1,91\"", false),
        (", proto: tcp, port: 80, srcPort: 1", ", proto: tcp, port: 80, srcPort: 2", false),
        (", proto: icmp, icmpType: 8", ", proto: icmp, icmpType: 8, icmpCode: 0", true),
        (", proto: icmp, icmpType: 8", ", proto: icmp, icmpType: 0", false),
        (", proto: icmp, icmpType: 3, icmpCode: 1", ", proto: icmp, icmpType: 3, icmpCode: 0", false),
        (", proto: icmp", ", proto: icmp, icmpType: 0", true),
        (", peer: 10.0.0.0/8", ", peer: \"group:web\"", true),
        (", peer: 10.0.11.0/24", ", peer: \"group:web\"", false),
        (", ethertype: 0x88cc", ", ethertype: 0x88cc", true),
        (", ethertype: 0x88cc", "", false),
        (", staged: true", "", false),
    ] {
        let expected: &[&str] = if overlap { &[says] } else { &[] };
        check(&rule("a", "allow", a), &rule("b", "drop", b), expected);
        check(&rule("b", "allow", a), &rule("a", "drop", b), expected);
        check(&rule("a", "allow", a), &rule("b", "allow", b), &[]);
    }
    let out = rule("b", "drop", "").replace("direction: in", "direction: out");
    check(&rule("a", "allow", ""), &out, &[]);
    check(&rule("a", "allow", ""), &rule("b", "drop", "").replace("priority: 5", "priority: 6"), &[]);
}

#[test]
fn only_what_changed_is_warned_about() {
    let rules = format!("{}\n{}", rule("a", "allow", ", peer: \"group:outer\""), rule("b", "drop", ""));
    check(&rules, "kind: Network, name: red, vlan: 30", &[]);
    let says = "Rule web/a and Rule web/b have the same priority 5 and match the same packets: the one whose name \
                sorts first, a, decides";
    check(&rules, "kind: Group, name: web, prefixes: [10.0.0.0/8]", &[says]);
    check(&rules, "kind: Port, name: p1, network: blue, ip: [10.0.10.7]", &[says]);
    check(&rules, "kind: Port, name: p2, network: blue, ip: [10.0.10.7]", &[]);
}

#[test]
fn many_pairs_are_one_mistake() {
    let rules: Vec<String> = (10..30).map(|number| rule(&format!("r{number}"), "allow", "")).collect();
    let old = lines(&format!("{PORTS}\n{}\n{}", rules.join("\n"), rule("z", "drop", "")));
    let found = warnings(&old, &validate(&old).unwrap(), &changes(&Desired::default(), &old));
    assert_eq!(found.len(), 11);
    assert_eq!(found[10], "there are more rules with the same priority that match the same packets");
}

#[test]
fn ports_without_ip_are_not_known_to_rules() {
    let peer = rule("a", "allow", ", peer: \"group:outer\"");
    let port = |number: u8| format!("kind: Port, name: p{number}, network: blue");
    let group = |ports: &str| format!("kind: Group, name: web, ports: [{ports}]");
    check("", &peer, &[]);
    let one = "Group outer: port p2 has no ip, so rules do not know it";
    check(&format!("{}\n{}", port(2), group("p1, p2")), &peer, &[one]);
    check(&format!("{}\n{peer}", port(2)), &group("p1, p2"), &[one]);
    let two = format!("{}\n{}", port(2), port(3));
    let says = "Group outer: ports p2, p3 have no ip, so rules do not know them";
    check(&format!("{two}\n{peer}"), &group("p3, p2"), &[says]);
    let many: Vec<String> = (2..9).map(port).collect();
    let says = "Group outer: ports p2, p3, p4, p5, p6 and 2 others have no ip, so rules do not know them";
    check(&format!("{}\n{peer}", many.join("\n")), &group("p2, p3, p4, p5, p6, p7, p8"), &[says]);
    // Nobody asks for the addresses of such a group.
    check(&port(2), &group("p1, p2"), &[]);
}

#[test]
fn a_lockout_is_a_policy_without_rules_for_every_port() {
    let with = |policy: &str, rest: &str| {
        let text = format!("{PORTS}\nkind: Policy, name: web, appliesTo: web{policy}\n{rest}");
        let found = lockouts(&validate(&lines(text.trim())).unwrap());
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(with("", ""), ["policy web has no rules and drops everything on 1 port"]);
    assert_eq!(with(", default: reject", ""), ["policy web has no rules and rejects everything on 1 port"]);
    assert_eq!(with(", default: allow", ""), [""; 0]);
    assert_eq!(
        with("", &rule("a", "allow", ", staged: true")),
        ["policy web has only staged rules and drops everything on 1 port"]
    );
    assert_eq!(with("", &rule("a", "drop", "")), [""; 0]);
    let second = "kind: Port, name: p2, network: blue";
    assert_eq!(with("", second), [""; 0]);
    let both = format!("{second}\nkind: Group, name: web, ports: [p1, p2]");
    assert_eq!(with("", &both), ["policy web has no rules and drops everything on 2 ports"]);
    assert_eq!(with("", &format!("{both}\n{second}, firewall: off")), [""; 0]);
}
