//! Policies that take so much of the table of rules that there is no room for others beside them.

use dvs_tests::netns::{
    Lab,
    socket::{Connection, listen, try_connect},
};
use switch_user::{client::ApplyOptions, model::Document};

use super::{HTTPS, OTHER, SSH, dropping, dvs, ips, lab};

/// So many ports that none is beside another one: each takes two cuts.
fn ports(first: u16) -> String {
    let ports: Vec<String> = (0..1700).map(|number| (first + 2 * number).to_string()).collect();
    ports.join(",")
}

/// Two policies of some 230 rows each, of a table of 1024: one lets https in, the other one ssh.
fn policies() -> String {
    let policy = |name: &str, port: u16| {
        format!(
            "
- {{kind: Policy, name: {name}, appliesTo: servers}}
- {{kind: Rule, policy: {name}, name: many, priority: 20, direction: in, action: drop, proto: tcp, port: '{}'}}
- {{kind: Rule, policy: {name}, name: few, priority: 10, direction: in, action: allow, proto: tcp, port: '{port}'}}
",
            ports(10_001)
        )
    };
    format!("- {{kind: Switch, ruleCapacity: 1024}}\n{}{}", policy("left-a", HTTPS), policy("left-b", SSH))
}

/// Gives all policies other names, in one step.
fn rename(lab: &Lab, from: &str, to: &str) {
    let all = lab.host.ask(lab.host.client.export()).unwrap();
    let text = serde_json::to_string(&all.objects).unwrap().replace(from, to);
    let documents: Vec<Document> = serde_json::from_str(&text).unwrap();
    let options = ApplyOptions { prune: true, ..ApplyOptions::default() };
    let set = lab.host.ask(lab.host.client.apply(documents, options)).unwrap();
    lab.host.settle(set.generation);
}

#[test]
fn policies_that_take_half_of_the_table_can_get_other_names() {
    let lab = lab(&policies());
    let rows = || lab.host.status().tables.into_iter().find(|table| table.name == "rules").unwrap().entries;
    let before = rows();
    // Four of them, and a gap, are more than there is.
    assert!(before > Some(1024 * 2 / 5 + 20), "{before:?}");
    let [v4, v6] = ips(&lab, "p2");
    let server = &lab.vm("p2").namespace;
    let [https, ssh] = [HTTPS, SSH].map(|port| listen(server, port));
    let connections = [("p3", v4, &https), ("p4", v6, &ssh), ("u9", v4, &ssh)]
        .map(|(from, ip, listener)| Connection::open(&lab.vm(from).namespace, ip, listener));
    for (from, to) in [("left", "right"), ("right", "left")] {
        rename(&lab, from, to);
        assert_eq!(rows(), before);
        connections.iter().for_each(Connection::talk);
        dropping(&lab, ("p2", "policy-in"), || try_connect(&lab.vm("p4").namespace, v4, OTHER)).unwrap_err();
    }
    // One that is too large is refused with numbers, and nothing happens.
    dvs(&lab, "policy add third");
    let line = "rule add third many --priority 1 --direction in --action drop --proto tcp --port";
    let refused = lab.host.cli(&format!("{line} {}", ports(20_001))).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("room for two of that size must stay free"), "{told}");
    assert!(told.contains("dvs switch set --rule-capacity 2048"), "{told}");
    connections.iter().for_each(Connection::talk);
}
