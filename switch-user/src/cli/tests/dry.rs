//! Changes that are only tried, and questions about policies.

use serde_json::{Value, json};

use super::*;

/// With ports p1 and p2, and a policy that allows p1 the web, which it uses.
fn agent() -> Agent {
    let agent = Agent::new();
    for line in [
        "network add blue --vlan 10",
        "port add p1 --network blue --ip 10.0.10.11",
        "port add p2 --network blue --ip 10.0.10.12",
        "group add vms --ports p1",
        "policy add web --applies-to vms --default reject",
        "rule add web http --priority 9 --direction out --action allow --proto tcp --port 80",
        "rule add web udp --priority 8 --direction out --action drop --proto udp --staged",
    ] {
        agent.ok(line);
    }
    agent
}

#[track_caller]
fn check(line: &str, told: &str) {
    let agent = agent();
    let before = agent.store.get().unwrap();
    let expected = format!("dry run, nothing is changed; it would be:\n{told}");
    assert_eq!(agent.ok(&format!("{line} --dry-run")), expected, "{line}");
    assert_eq!(agent.store.get().unwrap(), before, "{line}");
}

/// The connections that would be cut, with this rule.
fn cut(rule: &str) -> String {
    format!(
        "would cut 1 connection:
FROM  TO  PROTO  SOURCE            DESTINATION    REFUSED-AT  RULE
p1    p3  tcp    10.0.10.11:40000  10.0.20.11:80  p1          {rule}
"
    )
}

#[test]
fn changes_are_tried() {
    let default = cut("web/default");
    check("rule set web http --port 443", &format!("Rule web/http updated: port\n{default}"));
    check("rule remove web http", &format!("Rule web/http removed\n{default}"));
    let rule = "rule add web no --priority 1 --direction out --action drop";
    check(rule, &format!("Rule web/no created\n{}", cut("web/no")));
    check(&format!("{rule} --staged"), "Rule web/no created\n");
    check("policy set web --default drop", "Policy web updated: default\n");
    check("policy add all --applies-to vms --tier 1", "Policy all created\n");
    check("group set vms --ports p2", "Group vms updated: ports\n");
    check("group add db", "Group db created\n");
    check("port set p1 --firewall off", "Port p1 updated: firewall\n");
    check("switch set --ageing 50", "Switch created\n");
}

#[test]
fn a_file_is_tried() {
    let agent = agent();
    let file = agent.ok("export -o yaml").replace("'80'", "'443'");
    let said = agent.feed("apply -f - --dry-run", &file);
    let told = format!(
        "dry run, nothing is changed; it would be:\nRule web/http updated: port\n{}",
        cut("web/default")
    );
    assert_eq!((said.output, said.errors), (told, String::new()));
    let said = agent.feed("apply -f - --dry-run -o json", &file);
    let set: Value = serde_json::from_str(&said.output).unwrap();
    assert_eq!((&set["cutsTotal"], &set["cuts"][0]["from"]), (&json!(1), &json!("p1")));
}

#[test]
fn many_connections_are_not_all_listed() {
    let agent = agent();
    let flow = agent.host.flows.lock().unwrap()[0].clone();
    *agent.host.flows.lock().unwrap() = vec![flow; 102];
    let told = agent.ok("rule remove web http --dry-run");
    assert_eq!(told.lines().nth(2), Some("would cut 102 connections, 100 of which are:"));
    assert_eq!(told.lines().count(), 104);
}

#[test]
fn a_try_is_not_waited_for() {
    let said = agent().say("rule remove web http --dry-run --wait");
    assert_eq!(said.code, "2");
}

#[test]
fn policies_are_tested() {
    let agent = agent();
    let told = "from:     10.0.10.11 (p1)
to:       10.0.10.12 (p2)
packet:   tcp from port 49152 to port 80
verdict:  allow

PORT  DIRECTION  POLICY  RULE  ACTION  STAGED
p1    out        web     http  allow   -
p2    in         -       -     allow   -
";
    assert_eq!(agent.ok("policy test --from p1 --to 10.0.10.12:80"), told);
    let told = "from:     10.0.10.11 (p1)
to:       192.0.2.1
packet:   udp from port 5 to port 53
verdict:  reject

PORT  DIRECTION  POLICY  RULE     ACTION  STAGED
p1    out        web     default  reject  web/udp
";
    assert_eq!(agent.ok("policy test --from p1 --to 192.0.2.1:53/udp --src-port 5"), told);
    assert!(agent.ok("policy test --from p2 --to p1").contains("packet:   icmp echo request\n"));
    assert!(agent.ok("policy test --from p2 --to p1/47").contains("packet:   protocol 47\n"));
    let test: Value = serde_json::from_str(&agent.ok("policy test --from p1 --to p2 -o json")).unwrap();
    assert_eq!((&test["action"], &test["verdicts"][0]["rule"]), (&json!("reject"), &Value::Null));
}

#[test]
fn questions_without_sense_are_refused() {
    let agent = agent();
    agent.ok("port add p3 --network blue");
    for (ends, error) in [
        (
            "--from p3 --to p1",
            "port p3 has no IPv4 address (--ip); give the port one with dvs port set NAME --ip, or write an address \
             instead of its name",
        ),
        ("--from p1 --to p2/tcp", "packets of tcp go to a port; write it behind a colon, such as p2:53/udp"),
        (
            "--from p9 --to p1",
            "there is no port named \"p9\"; see which there are (dvs router|network|host|port|uplink|route|group|policy|rule list)",
        ),
    ] {
        assert_eq!(agent.refused(&format!("policy test {ends}")), format!("error: {error}"));
    }
    let help = agent.ok("policy test --help");
    assert!(help.contains("[default: 49152]"), "{help}");
}
