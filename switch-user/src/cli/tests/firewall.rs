//! Groups, policies and rules.

use serde_json::{Value, json};

use super::*;

impl Agent {
    /// With ports p1 and p2 (tier web), p3 (tier db, without addresses) and a group for each tier.
    fn with_groups() -> Self {
        let agent = Self::new();
        for line in [
            "network add blue --vlan 10",
            "port add p1 --network blue --label tier=web --ip 10.0.10.1 --ip fd00::1",
            "port add p2 --network blue --label tier=web --ip 10.0.10.2",
            "port add p3 --network blue --label tier=db --label zone=a",
            "group add web-vms --selector tier=web",
            "group add db-vms --selector tier=db,zone=a",
            "group add office --prefixes 192.0.2.0/24,2001:db8::/64",
        ] {
            agent.ok(line);
        }
        agent
    }

    /// With a policy for the web, and three rules.
    fn with_rules() -> Self {
        let agent = Self::with_groups();
        for line in [
            "policy add web --applies-to web-vms",
            "rule add web --priority 100 --direction in --action allow --proto tcp --port 443,80",
            "rule add web ssh --priority 50 --direction in --action allow --proto tcp --port 22 --peer group:office --log",
            "rule add web ping --priority 100 --direction in --action allow --proto icmp --icmp-type 8 --icmp-code 0",
        ] {
            agent.ok(line);
        }
        agent
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn check(line: &str, error: &str) {
    assert_eq!(Agent::with_rules().refused(line), format!("error: {error}"), "{line}");
}

#[test]
fn changes_are_told() {
    let agent = Agent::with_rules();
    for (line, told) in [
        ("group add g --ports p1,p2 --groups office", "Group g created\n"),
        (
            "group set g --ports p3 --clear groups --prefixes 10.0.0.0/8",
            "Group g updated: groups, ports, prefixes\n",
        ),
        ("group remove g", "Group g removed\n"),
        (
            "policy add db --applies-to db-vms --tier 50 --default reject --stateless --log",
            "Policy db created\n",
        ),
        ("policy set db --stateless=false --clear applies-to", "Policy db updated: appliesTo, stateless\n"),
        ("policy remove db", "Policy db removed\n"),
        (
            "rule add web lldp --priority 7 --direction out --action drop --ethertype 0x88cc --staged",
            "Rule web/lldp created\n",
        ),
        (
            "rule set web lldp --clear ethertype --proto 47 --staged=false",
            "Rule web/lldp updated: ethertype, proto, staged\n",
        ),
        ("rule remove web lldp", "Rule web/lldp removed\n"),
        ("rule set web 100 --port 80-90 --src-port 1024-65535", "Rule web/100 updated: port, srcPort\n"),
        ("rule set web 100 --clear src-port", "Rule web/100 updated: srcPort\n"),
        ("port set p1 --firewall off", "Port p1 updated: firewall\n"),
        ("switch set --rule-capacity 2048 --wait", "Switch created\ngeneration 24 applied\n"),
        ("switch set --hit-capacity 2048", "Switch updated: hitCapacity\n"),
    ] {
        assert_eq!(agent.ok(line), told, "{line}");
    }
}

#[test]
fn a_selector_replaces_the_one_before() {
    let agent = Agent::with_groups();
    agent.ok("group set db-vms --selector tier=web");
    assert_eq!(json(&agent.ok("group show db-vms -o json"))["selector"], json!({"tier": "web"}));
    agent.ok("group set db-vms --clear selector");
    assert_eq!(json(&agent.ok("group show db-vms -o json")).get("selector"), None);
}

#[test]
fn groups_policies_and_rules_are_listed() {
    let agent = Agent::with_rules();
    agent.ok("group add all --groups web-vms,db-vms,office --ports p1");
    agent.ok("policy add first --tier 1 --default allow --log --stateless");
    agent.ok("rule add first lldp --priority 9 --direction out --action drop --ethertype 0x88cc --staged");
    let groups = "NAME     SELECTOR        GROUPS                 PREFIXES                    PORTS
all      -               web-vms,db-vms,office  192.0.2.0/24,2001:db8::/64  p1,p2,p3
db-vms   tier=db,zone=a  -                      -                           p3
office   -               -                      192.0.2.0/24,2001:db8::/64  -
web-vms  tier=web        -                      -                           p1,p2
";
    assert_eq!(agent.ok("group list"), groups);
    let policies = "NAME   TIER  DEFAULT  APPLIES-TO  PORTS  RULES  NOTES
first  1     allow    -           0      1      stateless,log
web    100   drop     web-vms     2      3      -
";
    assert_eq!(agent.ok("policy list"), policies);
    let web = "web     50        ssh   in         allow   tcp       group:office  22      -         log
web     100       100   in         allow   tcp       any           80,443  -         -
web     100       ping  in         allow   icmp 8/0  any           -       -         -
";
    let head = "POLICY  PRIORITY  NAME  DIRECTION  ACTION  PROTO     PEER          PORT    SRC-PORT  NOTES\n";
    assert_eq!(agent.ok("rule list web"), format!("{head}{web}"));
    let first =
        "first   9         lldp  out        drop    0x88cc    any           -       -         staged\n";
    assert_eq!(agent.ok("rule list"), format!("{head}{first}{web}"));
    let names: Vec<Value> = json(&agent.ok("rule list web -o json"))
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["name"].clone())
        .collect();
    assert_eq!(names, ["ssh", "100", "ping"]);
    agent.ok("port set p2 --firewall off");
    assert!(agent.ok("policy list").contains("web-vms     1 "));
    assert!(agent.ok("port show p2").contains("firewall:    off\n"));
    assert!(!agent.ok("port show p1").contains("firewall"));
    let shown = "name:       web/ssh\naction:     allow\ndirection:  in\nlog:        true\npeer:       group:office\nport:       22\npriority:   50\nproto:      tcp\n";
    assert_eq!(agent.ok("rule show web ssh"), shown);
}

#[test]
fn a_long_list_of_members_is_cut() {
    let agent = Agent::with_groups();
    for number in 4..10 {
        agent.ok(&format!("port add p{number} --network blue --label tier=web"));
    }
    assert!(agent.ok("group list").contains(" p1,p2,p4,p5,p6 and 3 others\n"));
}

#[test]
fn what_is_exported_is_applied_again() {
    let agent = Agent::with_rules();
    let file = agent.file(&agent.ok("export -o yaml"));
    assert_eq!(agent.ok(&format!("apply --prune -f {}", file.display())), "no change\n");
    assert_eq!(agent.ok(&format!("diff -f {}", file.display())), "");
}

#[test]
fn bad_input_is_refused_with_its_remedy() {
    check(
        "rule add web --priority 1 --direction in --action allow --port 80",
        "Rule web/1, field port, value \"80\": only tcp, udp and sctp have ports; set proto to tcp, udp or sctp, or \
         leave the ports out",
    );
    check(
        "rule add web --priority -1 --direction in --action allow",
        "Rule web/-1, field priority, value -1: the number is out of range; give a number from 0 to 4294967295, the \
         lowest comes first",
    );
    check(
        "rule set web ssh --port 90-80",
        "Rule web/ssh, field port, value \"90-80\": the range 90-80 ends before it starts; give a list of ports, such \
         as \"80,443,8000-8080\"",
    );
    check(
        "rule add db --priority 1 --direction in --action allow",
        "Rule db/1, field policy, value \"db\": there is no such policy; create it, or name one of: web",
    );
    check(
        "policy set web --applies-to nobody",
        "Policy web, field appliesTo, value \"nobody\": there is no such group; create it, or name one of: db-vms, \
         office, web-vms",
    );
    check(
        "rule list db",
        "there is no Policy db; see which there are (dvs router|network|host|port|uplink|route|group|policy|rule list)",
    );
}

#[test]
fn what_is_in_use_stays() {
    check("group remove web-vms", "Group web-vms: Policy web still names it; change or remove these first");
    check("group remove office", "Group office: Rule web/ssh still names it; change or remove these first");
    check(
        "policy remove web",
        "Policy web: Rule web/100, Rule web/ping, Rule web/ssh still belong to it; remove its rules first",
    );
    let agent = Agent::with_groups();
    agent.ok("group add g --ports p1 --groups office");
    assert_eq!(
        agent.refused("port remove p1"),
        "error: Port p1: Group g still names it; take it out of these groups first"
    );
    assert_eq!(
        agent.refused("group remove office"),
        "error: Group office: Group g still names it; change or remove these first"
    );
}

#[test]
fn warnings_are_told_on_the_standard_error() {
    let agent = Agent::with_rules();
    let said = agent.say("rule add web db --priority 60 --direction in --action allow --peer group:db-vms");
    let warning = "warning: Group db-vms: port p3 has no ip, so rules do not know it\n";
    assert_eq!(
        (said.code.as_str(), said.output.as_str(), said.errors.as_str()),
        ("0", "Rule web/db created\n", warning)
    );
    let said = agent.say("rule set web db --log -o json");
    assert_eq!(said.errors, warning);
    assert_eq!(
        json(&said.output)["warnings"],
        json!(["Group db-vms: port p3 has no ip, so rules do not know it"])
    );
    let rule = "- {apiVersion: dvs/v1, kind: Rule, policy: web, name: db, priority: 60, direction: in, action: drop, peer: \"group:db-vms\"}";
    for verb in ["apply --dry-run", "diff"] {
        assert_eq!(agent.feed(&format!("{verb} -f -"), rule).errors, warning, "{verb}");
    }
}

/// What is refused unless it is meant.
const LOCKOUT: &str = "policy add all --applies-to everyone";
const QUESTION: &str = "policy all has no rules and drops everything on 3 ports";

#[test]
fn a_policy_that_shuts_off_every_port_is_confirmed() {
    let mut agent = Agent::with_groups();
    agent.ok("group add everyone --groups web-vms,db-vms");
    let error = format!(
        "error: {QUESTION}; write rules that allow something first, or say that it is meant (--yes, yes=true)"
    );
    assert_eq!(agent.refused(LOCKOUT), error);
    let file = "- {apiVersion: dvs/v1, kind: Policy, name: all, appliesTo: everyone}";
    let said = agent.feed("apply -f - --dry-run", file);
    assert_eq!(said.errors, format!("warning: {QUESTION}\n"));
    let told = "dry run, nothing is changed; it would be:\nPolicy all created\nwould cut 1 connection:\n";
    assert!(said.output.starts_with(told), "{said:?}");
    let said = agent.feed("apply -f -", file);
    assert_eq!((said.code.as_str(), said.errors.trim_end()), ("1", error.as_str()));
    assert_eq!(agent.ok(&format!("{LOCKOUT} --yes")), "Policy all created\n");
    // It is so already.
    agent.ok("policy set all --log");
    agent.ok("port add p4 --network blue --label tier=web");
    agent.ok("rule add all --priority 1 --direction in --action allow");
    let said = agent.say("rule remove all 1");
    assert_eq!(said.errors, error.replace("3 ports", "4 ports") + "\n");
    let said = agent.say("rule set all 1 --staged");
    assert!(
        said.errors.starts_with("error: policy all has only staged rules and drops everything on 4 ports; ")
    );
    agent.ok("rule remove all 1 --yes");
    agent.interactive = true;
    assert_eq!(agent.ok("policy set all --default allow"), "Policy all updated: default\n");
}

#[test]
fn whoever_sits_at_a_terminal_is_asked() {
    let mut agent = Agent::with_groups();
    agent.interactive = true;
    agent.ok("group add everyone --groups web-vms,db-vms");
    for answer in ["", "n\n", "no\n", "\n", "yesterday\n"] {
        let said = agent.feed(LOCKOUT, answer);
        assert_eq!(said.code, "1", "{answer:?}");
        assert!(
            said.errors.starts_with(&format!("{QUESTION}. Go on? [y/N] error: {QUESTION}; ")),
            "{answer:?}"
        );
    }
    let said = agent.feed(LOCKOUT, "y\nnot read");
    assert_eq!((said.code.as_str(), said.output.as_str()), ("0", "Policy all created\n"));
    assert_eq!(said.errors, format!("{QUESTION}. Go on? [y/N] "));
}
