use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Admin, Desired, Document, Firewall, Kind, Object, Port, samples};

/// Every problem of a file as "line:column object field value reason".
fn problems(text: &str) -> Vec<String> {
    let problems = Source::read(text).err().unwrap_or_default();
    let row = |(position, problem): (Option<Position>, crate::model::Problem)| {
        let position = position.map(|at| at.to_string()).unwrap_or_default();
        let value = problem.value.map(|value| value.to_string()).unwrap_or_default();
        format!("{position} {} {} {value} {}", problem.object, problem.field, problem.reason.name())
    };
    problems.into_iter().map(row).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected, "{text}");
}

/// A port with these fields; they start at column 46.
#[track_caller]
fn check_port(fields: &str, expected: &[&str]) {
    check(&format!("- {{apiVersion: dvs/v1, kind: Port, name: p1, {fields}}}"), expected);
}

#[test]
fn wrong_types_are_refused_where_they_are() {
    check_port("network: 10", &["1:55 Port p1 network 10 wrong-type"]);
    check_port("qinq: 1", &["1:52 Port p1 qinq 1 wrong-type"]);
    check_port("learnLimit: many", &["1:58 Port p1 learnLimit \"many\" wrong-type"]);
    check_port("learnLimit: 1.5", &["1:58 Port p1 learnLimit 1.5 wrong-type"]);
    check_port("learnLimit: -1", &["1:58 Port p1 learnLimit -1 out-of-range"]);
    check_port("native: 99999999999", &["1:54 Port p1 native 99999999999 out-of-range"]);
    check_port("admin: sideways", &["1:53 Port p1 admin \"sideways\" wrong-type"]);
    check_port("label: {tier: 1}", &["1:60 Port p1 label.tier 1 wrong-type"]);
    check_port("mac: 02:00:00:00:00:01", &["1:51 Port p1 mac \"02:00:00:00:00:01\" bad-mac"]);
    check_port("mac: [02:00:00:00:00:01, 02:00]", &["1:71 Port p1 mac[1] \"02:00\" bad-mac"]);
    check_port("ip: [10.0.0.1/24]", &["1:51 Port p1 ip[0] \"10.0.0.1/24\" bad-ip"]);
    check_port("trunk: \"10-20,15\"", &["1:53 Port p1 trunk \"10-20,15\" bad-vlan-list"]);
    check_port("trunk: 4095", &["1:53 Port p1 trunk 4095 bad-vlan-list"]);
    check_port("trunk: [10]", &["1:53 Port p1 trunk [10] wrong-type"]);
}

#[test]
fn prefixes_and_addresses_are_refused_where_they_are() {
    let network = |fields: &str, expected: &[&str]| {
        check(&format!("- {{apiVersion: dvs/v1, kind: Network, name: n, vlan: 1, {fields}}}"), expected);
    };
    network("subnet: 10.0.10.0/24", &["1:65 Network n subnet \"10.0.10.0/24\" bad-prefix"]);
    network("subnet: [10.0.0.0/8, 10.0.10.1]", &["1:78 Network n subnet[1] \"10.0.10.1\" bad-prefix"]);
    network("subnet: [10.0.0.0/33]", &["1:66 Network n subnet[0] \"10.0.0.0/33\" bad-prefix"]);
    network("gateway: [10.0.10.1/24]", &["1:67 Network n gateway[0] \"10.0.10.1/24\" bad-ip"]);
    network("dns: [10.0.10.53]", &["1:63 Network n dns[0] \"10.0.10.53\" bad-ipv6"]);
    network("slaac: 1", &["1:64 Network n slaac 1 wrong-type"]);
    check(
        "- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: ten, via: [x]}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: 10.0.0.0/8, blackhole: 1}
- {apiVersion: dvs/v1, kind: Route, router: r1}
- {apiVersion: dvs/v1, kind: Router, name: r1, reversePath: loose}
- {apiVersion: dvs/v1, kind: Switch, gatewayMac: 02:64, flowCapacity: -1}",
        &[
            "1:57 Route r1/ten prefix \"ten\" bad-prefix",
            "1:68 Route r1/ten via[0] \"x\" bad-ip",
            "2:80 Route r1/10.0.0.0/8 blackhole 1 wrong-type",
            "3:3 Route prefix  missing-field",
            "4:61 Router r1 reversePath \"loose\" wrong-type",
            "5:71 Switch flowCapacity -1 out-of-range",
            "5:50 Switch gatewayMac \"02:64\" bad-mac",
        ],
    );
}

#[test]
fn words_of_rules_are_refused_where_they_are() {
    let rule = |fields: &str, expected: &str| {
        let key = "policy: web, name: r, priority: 1, direction: in, action: allow";
        let text = format!("- {{apiVersion: dvs/v1, kind: Rule, {key}, {fields}}}");
        let (position, problem) = Source::read(&text).unwrap_err().remove(0);
        assert_eq!(format!("{} {problem}", position.unwrap().column), expected, "{fields}");
    };
    let ports = "give a list of ports, such as \"80,443,8000-8080\"";
    for (value, text, reason) in [
        ("90-80", "\"90-80\"", "the range 90-80 ends before it starts"),
        ("0", "0", "0 alone is not a port"),
        ("65536", "65536", "65536 is not a port"),
        ("http", "\"http\"", "\"http\" is neither a number nor a range such as 8000-8080"),
        ("\"80,\"", "\"80,\"", "an item of the list is empty"),
    ] {
        rule(
            &format!("port: {value}"),
            &format!("107 Rule web/r, field port, value {text}: {reason}; {ports}"),
        );
        rule(
            &format!("srcPort: {value}"),
            &format!("110 Rule web/r, field srcPort, value {text}: {reason}; {ports}"),
        );
    }
    let wrong = "this has the wrong type or form; give";
    for (field, value, takes) in [
        ("proto", "gre", "tcp, udp, sctp, icmp, icmpv6, or a protocol number from 0 to 255"),
        ("proto", "256", "tcp, udp, sctp, icmp, icmpv6, or a protocol number from 0 to 255"),
        ("peer", "web", "any, an IP address, a prefix such as \"10.0.0.0/8\", or \"group:NAME\""),
        ("ethertype", "lldp", "an ethertype from 0x0600 to 0xffff, such as \"0x88cc\""),
        ("staged", "maybe", "true or false"),
    ] {
        let column = 101 + field.len() + 2;
        let text = if value.parse::<u32>().is_ok() { value.to_owned() } else { format!("{value:?}") };
        let expected = format!("{column} Rule web/r, field {field}, value {text}: {wrong} {takes}");
        rule(&format!("{field}: {value}"), &expected);
    }
    check(
        "- {apiVersion: dvs/v1, kind: Rule, policy: web}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: r, priority: -1, direction: up, action: pass}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: r, priority: 1, direction: in, action: drop, ethertype: 0x10000}
- {apiVersion: dvs/v1, kind: Policy, name: web, default: deny, tier: 4294967296}
- {apiVersion: dvs/v1, kind: Group, name: g, ports: p1, prefixes: [ten]}
- {apiVersion: dvs/v1, kind: Port, name: p1, network: blue, firewall: maybe}",
        &[
            "1:3 Rule name  missing-field",
            "1:3 Rule priority  missing-field",
            "1:3 Rule direction  missing-field",
            "1:3 Rule action  missing-field",
            "2:95 Rule web/r action \"pass\" wrong-type",
            "2:83 Rule web/r direction \"up\" wrong-type",
            "2:68 Rule web/r priority -1 out-of-range",
            "3:111 Rule web/r ethertype 65536 out-of-range",
            "4:58 Policy web default \"deny\" wrong-type",
            "4:70 Policy web tier 4294967296 out-of-range",
            "5:53 Group g ports \"p1\" wrong-type",
            "5:68 Group g prefixes[0] \"ten\" bad-prefix",
            "6:71 Port p1 firewall \"maybe\" wrong-type",
        ],
    );
}

#[test]
fn every_wrong_field_of_every_object_is_found() {
    check(
        "- apiVersion: dvs/v1
  kind: Network
  name: 5
  vlan: ten
  lan: 10
- apiVersion: dvs/v1
  kind: Uplink
  name: eth1
  xdp: fast
",
        &[
            "5:8 Network lan 10 unknown-field",
            "3:9 Network name 5 wrong-type",
            "4:9 Network vlan \"ten\" wrong-type",
            "9:8 Uplink eth1 xdp \"fast\" wrong-type",
        ],
    );
}

#[test]
fn an_unknown_field_is_refused_with_the_known_ones() {
    let text = "{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, gre: 5000}";
    check(text, &["1:64 Network blue gre 5000 unknown-field"]);
    let (_, problem) = Source::read(text).unwrap_err().remove(0);
    assert_eq!(
        problem.to_string(),
        "Network blue, field gre, value 5000: Network has no such field; the fields are name, vlan, vni, mtu, \
         subnet, gateway, router, slaac, dns"
    );
}

#[test]
fn an_object_says_what_it_is() {
    check("{name: blue}", &["1:1 object 1 kind  wrong-kind"]);
    check("{apiVersion: dvs/v1, kind: Rooter, name: r}", &["1:28 object 1 kind \"Rooter\" wrong-kind"]);
    check("{kind: Network, name: blue, vlan: 10}", &["1:1 Network blue apiVersion  unknown-version"]);
    check(
        "{apiVersion: dvs/v2, kind: Network, name: blue, vlan: 10}",
        &["1:14 Network blue apiVersion \"dvs/v2\" unknown-version"],
    );
    check("{apiVersion: dvs/v1, kind: Network, vlan: 10}", &["1:1 Network name  missing-field"]);
    check("{apiVersion: dvs/v1, kind: Port}", &["1:1 Port name  missing-field"]);
    check("- 5", &["1:3 object 1  5 not-an-object"]);
}

#[test]
fn files_that_are_no_lists_of_objects_are_refused() {
    check("", &[" the file   empty"]);
    check("# nothing\n---\n", &[" the file   empty"]);
    check("- [", &["2:1 the file   syntax"]);
    check("a: 1\na: 2", &["1:1 the file   syntax"]);
}

#[test]
fn an_object_comes_once() {
    let blue = "- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}\n";
    check(&blue.repeat(2), &["2:3 Network blue   object-twice"]);
}

#[test]
fn the_first_errors_have_a_place() {
    let wrong = "- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: ten}\n".repeat(PLACED + 1);
    let problems = Source::read(&wrong).unwrap_err();
    let placed = |line: usize| problems[line - 1].0.map(|position| position.line);
    assert_eq!((problems.len(), placed(PLACED), placed(PLACED + 1)), (PLACED + 1, Some(PLACED), None));
}

#[test]
fn lists_documents_and_json_are_read_alike() {
    let blue = "{\"apiVersion\": \"dvs/v1\", \"kind\": \"Network\", \"name\": \"blue\", \"vlan\": 10}";
    let red = "{\"apiVersion\": \"dvs/v1\", \"kind\": \"Network\", \"name\": \"red\", \"vlan\": 30}";
    let expected = Source::read(&format!("- {blue}\n- {red}")).unwrap().objects;
    assert_eq!(expected.len(), 2);
    for text in [
        format!("{blue}\n---\n{red}"),
        format!("---\n- {blue}\n---\n---\n- {red}"),
        format!("[{blue}, {red}]"),
        format!("[\n\t{blue},\n\t{red}\n]"),
        format!("{{\"objects\": [{blue}, {red}]}}"),
    ] {
        assert_eq!(Source::read(&text).unwrap().objects, expected, "{text}");
    }
    assert_eq!(Source::read("[]").unwrap().objects, []);
}

#[test]
fn defaults_are_filled_in() {
    let object = object_of(Kind::Port, &json!({"name": "p1", "trunk": 10})).unwrap();
    let Object::Port(port) = object else { unreachable!("a port was read") };
    assert_eq!((port.admin, port.learn_limit, port.qinq), (Admin::Up, 1024, false));
}

#[test]
fn a_place_of_a_known_kind_takes_no_other() {
    let network = json!({"apiVersion": "dvs/v1", "kind": "Network", "name": "blue", "vlan": 10});
    assert!(object_of(Kind::Network, &network).is_ok());
    let problems = object_of(Kind::Switch, &network).unwrap_err();
    let reasons: Vec<&str> = problems.iter().map(|problem| problem.reason.name()).collect();
    assert_eq!(reasons, ["wrong-kind", "unknown-field", "unknown-field"]);
}

#[test]
fn positions_of_objects_are_kept_for_later_errors() {
    let text = "objects:\n- apiVersion: dvs/v1\n  kind: Port\n  name: p1\n  network: red\n";
    let source = Source::read(text).unwrap();
    assert_eq!(source.position("Port p1", "network"), Some(Position { line: 5, column: 12 }));
    assert_eq!(source.position("Port p1", "trunk"), Some(Position { line: 2, column: 3 }));
    assert_eq!(source.position("Port p2", ""), None);
}

#[test]
fn the_table_of_fields_is_the_truth() {
    let full = Port {
        name: "p1".into(),
        network: Some("blue".into()),
        trunk: "10".parse().ok(),
        native: Some(10),
        device: Some("v1".into()),
        mac: vec!["02:00:00:00:00:01".parse().unwrap()],
        ip: vec!["10.0.0.1".parse().unwrap()],
        label: std::collections::BTreeMap::from([("tier".to_owned(), "web".to_owned())]).into(),
        admin: Admin::Down,
        learn_limit: 1,
        qinq: true,
        firewall: Firewall::Off,
    };
    let texts = "- {apiVersion: dvs/v1, kind: Switch}
- {apiVersion: dvs/v1, kind: Router, name: r1}
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, vni: 5, mtu: 1500, subnet: [10.0.10.0/24], gateway: [10.0.10.1],
   router: r1, slaac: true, dns: [\"fd00::53\"]}
- {apiVersion: dvs/v1, kind: Host, name: h1, haGroup: rack1, underlay: 192.0.2.1, label: {zone: a}}
- {apiVersion: dvs/v1, kind: Uplink, name: eth1, vlans: 10, native: 10, hosts: [h1]}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: 10.0.0.0/8, via: [10.0.10.2], blackhole: true, unreachable: true}
- {apiVersion: dvs/v1, kind: Group, name: g, selector: {a: b}, ports: [p1], prefixes: [10.0.0.0/8], groups: [h]}
- {apiVersion: dvs/v1, kind: Policy, name: web, appliesTo: g, tier: 1, default: reject, stateless: true, log: true}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: \"1\", priority: 1, direction: in, action: allow, proto: 6,
   peer: 10.0.0.1, port: 80, srcPort: \"1-2\", icmpType: 1, icmpCode: 1, ethertype: 0x88cc, log: true, staged: true}";
    let mut objects = Source::read(texts).unwrap().objects;
    objects.push(Object::Port(full));
    for object in objects {
        let kind = object.id().kind;
        let document = object.document().to_value();
        let written = document.as_object().unwrap().keys().map(String::as_str);
        let mut written: Vec<&str> = written.filter(|name| !["apiVersion", "kind"].contains(name)).collect();
        let mut table: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
        written.sort_unstable();
        table.sort_unstable();
        assert_eq!(written, table, "{kind}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(desired in samples::desired()) {
        let documents: Vec<Document> = desired.objects().map(Object::document).collect();
        let yaml = serde_yaml_ng::to_string(&documents).unwrap();
        prop_assert_eq!(&samples::from_text(&yaml), &desired);
        let json: Vec<serde_json::Value> = documents.iter().map(Document::to_value).collect();
        prop_assert_eq!(&Desired::from_documents(&json).unwrap(), &desired);
        prop_assert_eq!(&samples::from_text(&serde_json::to_string(&json).unwrap()), &desired);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-\\[\\]{}:, a-z0-9\n\"]{0,60}") {
        if let Err(problems) = Source::read(&text) {
            prop_assert!(!problems.is_empty());
        }
    }
}
