//! Rules, each alone.

use super::*;

/// What is wrong with the rule `web/r` with these fields.
#[track_caller]
fn check_rule(fields: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|problem| format!("Rule web/r{problem}")).collect();
    let problems = validate(&with(&rule(fields))).err().unwrap_or_default();
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts, expected, "{fields}");
}

#[test]
fn rules_have_names_within_their_policy() {
    let text = "kind: Rule, policy: web, name: \"a/b\", priority: 1, direction: in, action: allow";
    says(
        text,
        "Rule web/a/b, field name, value \"a/b\": this is not a name; give a name: 1 to 63 of A-Z a-z 0-9 . _ -, the first a letter or digit",
    );
}

#[test]
fn ports_belong_to_protocols_that_have_some() {
    for proto in ["tcp", "udp", "sctp", "6"] {
        check_rule(&format!("proto: {proto}, port: \"80,443\", srcPort: 1-65535"), &[]);
    }
    let problem = |field: &str, value: &str| {
        format!(
            ", field {field}, value \"{value}\": only tcp, udp and sctp have ports; set proto to tcp, udp or sctp, or \
             leave the ports out"
        )
    };
    check_rule("port: 80", &[&problem("port", "80")]);
    check_rule("proto: icmp, port: 80, srcPort: 1-2", &[&problem("port", "80"), &problem("srcPort", "1,2")]);
    check_rule("proto: 47, srcPort: 9", &[&problem("srcPort", "9")]);
}

#[test]
fn types_belong_to_icmp() {
    check_rule("proto: icmp, icmpType: 8, icmpCode: 0", &[]);
    check_rule("proto: icmpv6, icmpType: 255", &[]);
    check_rule(
        "proto: tcp, icmpType: 8",
        &[
            ", field icmpType, value 8: only icmp and icmpv6 have types; set proto to icmp or icmpv6, or leave icmpType \
           and icmpCode out",
        ],
    );
    check_rule(
        "proto: icmp, icmpCode: 1",
        &[
            ", field icmpCode, value 1: a code means something together with its type only; set icmpType, or leave \
           icmpCode out",
        ],
    );
    check_rule(
        "proto: icmp, icmpType: 256, icmpCode: 300",
        &[
            ", field icmpType, value 256: the number is out of range; give a number from 0 to 255",
            ", field icmpCode, value 300: the number is out of range; give a number from 0 to 255",
        ],
    );
}

#[test]
fn peers_are_of_the_family_of_the_protocol() {
    check_rule("peer: 10.0.0.0/8, proto: icmp", &[]);
    check_rule("peer: \"fd00::1\", proto: icmpv6", &[]);
    check_rule("peer: group:office, proto: icmp", &[]);
    check_rule(
        "peer: \"fd00::/16\", proto: icmp",
        &[
            ", field peer, value \"fd00::/16\": icmp is of IPv4, and this address is not; give a peer of IPv4, any or a \
           group, or choose another proto",
        ],
    );
    check_rule(
        "peer: 10.0.0.1, proto: 58",
        &[
            ", field peer, value \"10.0.0.1\": icmpv6 is of IPv6, and this address is not; give a peer of IPv6, any or a \
           group, or choose another proto",
        ],
    );
    check_rule(
        "peer: 10.0.0.1/8",
        &[
            ", field peer, value \"10.0.0.1/8\": the address has bits past the prefix length; write 10.0.0.0/8",
        ],
    );
    check_rule(
        "peer: group:offices",
        &[
            ", field peer, value \"group:offices\": there is no such group; create it, or name one of: a, office, web",
        ],
    );
}

#[test]
fn an_ethertype_stands_alone() {
    check_rule("ethertype: 0x88cc", &[]);
    check_rule("ethertype: \"0x0600\", peer: any", &[]);
    let reserved = |value: &str, what: &str| {
        format!(
            ", field ethertype, value \"{value}\": this is the ethertype of {what}; leave ethertype out for IP \
             packets, or choose another one"
        )
    };
    check_rule("ethertype: 0x0800", &[&reserved("0x0800", "IPv4")]);
    check_rule("ethertype: 0x86dd", &[&reserved("0x86dd", "IPv6")]);
    check_rule("ethertype: 0x0806", &[&reserved("0x0806", "ARP, which the switch guards by itself")]);
    check_rule("ethertype: 0x8100", &[&reserved("0x8100", "a VLAN tag")]);
    check_rule("ethertype: 0x88a8", &[&reserved("0x88a8", "a VLAN tag")]);
    check_rule(
        "ethertype: 0x05ff",
        &[
            ", field ethertype, value 1535: the number is out of range; give an ethertype from 0x0600 to 0xffff, such as \
           \"0x88cc\"",
        ],
    );
    let fields = "proto: icmp, peer: 10.0.0.1, port: 80, srcPort: 81, icmpType: 8, icmpCode: 0";
    let values = [
        ("proto", "\"icmp\""),
        ("peer", "\"10.0.0.1\""),
        ("port", "\"80\""),
        ("srcPort", "\"81\""),
        ("icmpType", "8"),
        ("icmpCode", "0"),
    ];
    let expected = values.map(|(field, value)| {
        format!(
            ", field {field}, value {value}: a frame with an ethertype of the rule is no IP packet, so it has no \
             {field}; leave out either ethertype or {field}"
        )
    });
    check_rule(&format!("ethertype: 0x88cc, {fields}"), &expected.each_ref().map(String::as_str));
}
