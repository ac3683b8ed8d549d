//! What the command line says of firewalls, and what it refuses.

use dvs_tests::netns::{Lab, finish, run};

/// Each command line, and what its message has to say.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "policy add db --applies-to nobody",
        &["field appliesTo", "\"nobody\"", "there is no such group", "web-vms"],
    ),
    (
        "rule add web 7 --priority 7 --direction in --action allow --peer group:nobody",
        &["field peer", "nobody", "there is no such group", "name one of: all, web-vms"],
    ),
    (
        "rule add nothing 7 --priority 7 --direction in --action allow",
        &["field policy", "\"nothing\"", "there is no such policy", "web"],
    ),
    (
        "rule add web 7 --priority 7 --direction in --action allow --proto tcp --port 90-80",
        &["field port", "90-80", "ends before it starts", "80,443,8000-8080"],
    ),
    (
        "rule add web 7 --priority 7 --direction in --action allow --port 80",
        &["field port", "80", "only tcp, udp and sctp have ports", "set proto"],
    ),
    (
        "rule add web 7 --priority 7 --direction in --action allow --proto tcp --port 70000",
        &["field port", "70000 is not a port", "80,443,8000-8080"],
    ),
    (
        "rule add web 7 --priority 7 --direction in --action allow --peer 10.0.10.5/24",
        &["field peer", "10.0.10.5/24", "write 10.0.10.0/24"],
    ),
    (
        "rule add web 7 --priority 7 --direction in --action allow --proto icmpv6 --peer 10.0.10.0/24",
        &["field peer", "10.0.10.0/24", "IPv6"],
    ),
    (
        "rule add web 7 --priority 7 --direction in --action allow --proto tcp --icmp-type 8",
        &["field icmpType", "8", "only icmp and icmpv6 have types"],
    ),
    (
        "rule add web https --priority 7 --direction in --action allow",
        &["Rule web/https", "choose another name"],
    ),
    ("group add office --prefixes 10.0.10.5/24", &["field prefixes", "10.0.10.5/24", "write 10.0.10.0/24"]),
    ("group add office --ports p9", &["field ports", "p9", "there is no such port"]),
    (
        "group set web-vms --groups all",
        &[
            "field groups",
            "the group would be in itself",
            "web-vms -> all -> web-vms",
            "take one of these groups out",
        ],
    ),
    ("group remove web-vms", &["Group web-vms", "web", "change or remove these first"]),
    ("policy remove web", &["Policy web", "web/https", "remove its rules first"]),
    ("policy add all --tier -1", &["field tier", "-1"]),
];

fn switch() -> Lab {
    let lab = Lab::empty();
    for line in [
        "network add blue --vlan 10",
        "port add p1 --network blue --label role=web",
        "port add p2 --network blue",
        "group add web-vms --selector role=web",
        "group add all --groups web-vms",
        "policy add web --applies-to web-vms --yes",
        "rule add web https --priority 10 --direction in --action allow --proto tcp --port 443,8000-8080 --wait",
    ] {
        run(&mut lab.host.cli(line));
    }
    lab
}

#[test]
fn what_is_no_rule_is_refused() {
    let lab = switch();
    let before = run(&mut lab.host.cli("export"));
    let mut wrong = Vec::new();
    for (line, words) in REFUSED {
        let said = finish(&mut lab.host.cli(line));
        let refused = said.code == Some(1) && said.output.is_empty();
        if !refused || !words.iter().all(|word| said.errors.contains(word)) {
            wrong.push(format!("{line}: {words:?} instead of {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(run(&mut lab.host.cli("export")), before, "something has changed");
}

/// So many rules about networks of their own.
fn many_rules(count: usize) -> String {
    let rule = |number: usize| {
        let [.., high, low, _] = (number * 256).to_be_bytes();
        format!(
            "- {{apiVersion: dvs/v1, kind: Rule, policy: web, name: r{number}, priority: 20, direction: in, action: drop, \
             peer: 10.{high}.{low}.0/24}}\n"
        )
    };
    (0..count).map(rule).collect()
}

#[test]
fn rules_without_room_are_refused_with_numbers() {
    let lab = switch();
    run(&mut lab.host.cli("switch set --rule-capacity 1024 --wait"));
    let before = run(&mut lab.host.cli("export"));
    let path = lab.host.state().join("many.yaml");
    for (count, words) in [
        (
            5_000,
            [
                "field ruleCapacity, value 1024",
                "rows",
                "the largest one is web",
                "dvs switch set --rule-capacity",
            ],
        ),
        (30_721, ["Policy web", "30722 rules", "30720 a direction", "make two policies of it"]),
    ] {
        std::fs::write(&path, many_rules(count)).unwrap();
        let said = finish(lab.host.cli("apply --wait -f").arg(&path));
        assert_eq!((said.code, said.output.as_str()), (Some(1), ""), "{said:?}");
        for word in words {
            assert!(said.errors.contains(word), "{word}: {said:?}");
        }
        assert_eq!(run(&mut lab.host.cli("export")), before, "something has changed");
    }
    // What the message says helps.
    std::fs::write(&path, many_rules(5_000)).unwrap();
    let said = finish(lab.host.cli("apply --wait -f").arg(&path));
    let (_, remedy) = said.errors.split_once("; dvs ").unwrap();
    run(&mut lab.host.cli(&format!("{} --wait", remedy.lines().next().unwrap())));
    run(lab.host.cli("apply --wait -f").arg(&path));
}

#[test]
fn rules_that_contradict_each_other_are_warned_about() {
    let lab = switch();
    let line = "rule add web twin --priority 10 --direction in --action drop --proto tcp --port 8080";
    let said = finish(&mut lab.host.cli(line));
    assert_eq!((said.code, said.output.as_str()), (Some(0), "Rule web/twin created\n"), "{said:?}");
    for word in ["warning: ", "Rule web/https and Rule web/twin", "the same priority 10", "https, decides"] {
        assert!(said.errors.contains(word), "{word}: {said:?}");
    }
    let said = finish(&mut lab.host.cli("rule set web twin --priority 11"));
    assert_eq!((said.code, said.errors.as_str()), (Some(0), ""), "{said:?}");
}

#[test]
fn whoever_would_shut_off_everything_is_asked() {
    let lab = switch();
    let line = "policy add none --applies-to everybody";
    run(&mut lab.host.cli("group add everybody --ports p1,p2"));
    let said = finish(&mut lab.host.cli(line));
    assert_eq!((said.code, said.output.as_str()), (Some(1), ""), "{said:?}");
    for word in ["none", "no rules", "2 ports", "--yes"] {
        assert!(said.errors.contains(word), "{word}: {said:?}");
    }
    run(&mut lab.host.cli(&format!("{line} --yes --wait")));
}

#[test]
fn what_is_written_can_be_read_back() {
    let lab = switch();
    let rules = run(&mut lab.host.cli("rule list web"));
    assert!(rules.contains("https") && rules.contains("443,8000-8080"), "{rules}");
    let policies = run(&mut lab.host.cli("policy list"));
    assert!(policies.contains("web-vms") && policies.contains("drop"), "{policies}");
    let groups = run(&mut lab.host.cli("group list"));
    assert!(groups.contains("role=web") && groups.contains("p1"), "{groups}");
    let export = run(&mut lab.host.cli("export"));
    let path = lab.host.state().join("objects.yaml");
    std::fs::write(&path, &export).unwrap();
    run(lab.host.cli("apply --wait -f").arg(&path));
    assert_eq!(run(&mut lab.host.cli("export")), export);
    for line in [
        "rule remove web https --yes",
        "policy remove web",
        "group remove all",
        "group remove web-vms --wait",
    ] {
        run(&mut lab.host.cli(line));
    }
}
