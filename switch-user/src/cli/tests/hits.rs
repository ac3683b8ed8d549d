//! What is told of policies and their rules besides their fields.

use serde_json::{Value, json};

use super::*;

/// With policies web and ssh for port p1, of which ssh is asked first, and web for p2.
fn agent() -> Agent {
    let agent = Agent::with_objects();
    for line in [
        "group add one --ports p1",
        "group add both --ports p1,p2",
        "policy add web --applies-to both --default reject --yes",
        "policy add ssh --applies-to one --tier 1 --default allow --log",
        "rule add web https --priority 10 --direction in --action allow --proto tcp --port 443",
        "rule add ssh all --priority 10 --direction in --action allow --proto tcp --port 22 --log",
    ] {
        agent.ok(line);
    }
    agent
}

#[test]
fn rules_and_defaults_are_listed_with_what_they_decided_about() {
    let agent = agent();
    let all = "POLICY  PRIORITY  NAME     DIRECTION  ACTION  PROTO  PEER  PORT  SRC-PORT  NOTES  PACKETS  BYTES  LAST
ssh     10        all      in         allow   tcp    any   22    -         log    7        700    2s
web     10        https    in         allow   tcp    any   443   -         -      5        500    2s
ssh     -         default  in         allow   -      -     -     -         log    0        0      -
ssh     -         default  out        allow   -      -     -     -         log    0        0      -
web     -         default  in         reject  -      -     -     -         -      1        100    2s
web     -         default  out        reject  -      -     -     -         -      0        0      -
";
    assert_eq!(agent.ok("rule list --stats"), all);
    let of_web = agent.ok("rule list web --stats");
    assert_eq!(of_web.lines().skip(1).map(|line| &line[..3]).collect::<Vec<_>>(), ["web"; 3]);
    let hits: Value = serde_json::from_str(&agent.ok("rule list web --stats -o json")).unwrap();
    let rule = json!({"apiVersion": "dvs/v1", "kind": "Rule", "policy": "web", "name": "https", "priority": 10,
        "direction": "in", "action": "allow", "proto": "tcp", "port": "443",
        "hits": {"packets": 5, "bytes": 500, "last": 2}});
    let default = json!({"policy": "web", "default": true, "direction": "out", "action": "reject", "log": false,
        "hits": {"packets": 0, "bytes": 0, "last": null}});
    assert_eq!((&hits[0], &hits[2]), (&rule, &default));
}

#[test]
fn of_a_port_the_rules_that_it_asks_are_listed() {
    let agent = agent();
    let names = |line: &str| {
        let text = agent.ok(line);
        let words = text.lines().skip(1).map(|line| line.split_whitespace().step_by(2).take(2).collect());
        words.map(|words: Vec<&str>| words.join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(names("rule list --port p1"), ["ssh all", "web https"]);
    assert_eq!(names("rule list --port p2"), ["web https"]);
    assert_eq!(names("rule list web --stats --port p1"), ["web https", "web default", "web default"]);
    // What was decided about at other ports is not counted.
    let of_p2 = agent.ok("rule list --stats --port p2");
    assert!(of_p2.lines().skip(1).all(|line| line.ends_with("  0        0      -")), "{of_p2}");
    agent.ok("port set p2 --firewall off");
    assert_eq!(agent.say("rule list --port p2").errors, "there are no rules\n");
    assert!(agent.refused("rule list --port p9").starts_with("error: there is no Port p9; "));
    assert!(agent.refused("rule list db --stats").starts_with("error: there is no Policy db; "));
}

#[test]
fn policies_and_ports_name_each_other() {
    let agent = agent();
    let shown =
        "name:       web\nappliesTo:  both\ndefault:    reject\ntier:       100\nports:      p1, p2\n";
    assert_eq!(agent.ok("policy show web"), shown);
    assert!(agent.ok("port show p1").contains("policies:    ssh, web\n"));
    assert!(agent.ok("port show p2").contains("policies:    web\n"));
    agent.ok("port set p1 --firewall off");
    assert!(!agent.ok("port show p1").contains("policies"));
    let said = agent.say("policy show ssh");
    assert!(said.output.ends_with("ports:      -\n"), "{said:?}");
    assert_eq!(
        said.errors,
        "warning: policy ssh applies to no port: name a group of ports with dvs policy set --applies-to, or put ports \
         into it\n"
    );
    assert_eq!(agent.say("policy show ssh -o json").errors, "");
    assert!(agent.refused("policy show db").starts_with("error: there is no Policy db; "));
}

#[test]
fn flows_have_rules_where_there_is_a_firewall() {
    let agent = Agent::with_objects();
    assert!(!agent.ok("flow list").contains("RULES"));
    agent.host.flows.lock().unwrap()[0].rules = vec!["ssh/default".into(), "web/https".into()];
    let flows = agent.ok("flow list");
    let ends: Vec<&str> = flows.lines().map(|line| line.rsplit("  ").next().unwrap_or_default()).collect();
    assert_eq!(ends, ["RULES", "ssh/default,web/https", "-", "-"]);
}
