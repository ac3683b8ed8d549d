//! apply, diff and export.

use super::*;

const FILE: &str = "- apiVersion: dvs/v1
  kind: Network
  name: blue
  vlan: 11
- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 30}
";

#[test]
fn what_is_exported_is_no_change() {
    let agent = Agent::with_objects();
    for format in ["", " -o json", " -o yaml"] {
        let file = agent.file(&agent.ok(&format!("export{format}")));
        assert_eq!(agent.ok(&format!("apply -f {} --dry-run --prune", file.display())), "no change\n");
        assert_eq!(
            agent.ok(&format!("apply -f {} --wait", file.display())),
            "no change\ngeneration 5 applied\n"
        );
        assert_eq!(agent.ok(&format!("diff -f {}", file.display())), "");
    }
    let empty = Agent::new();
    let export = empty.ok("export");
    assert_eq!(empty.feed("apply -f - --prune", &export).output, "no change\n");
}

#[test]
fn a_file_is_applied() {
    let agent = Agent::with_objects();
    let line = |verb: &str| format!("{verb} -f {}", agent.file(FILE).display());
    let dry = agent.ok(&line("apply --dry-run"));
    let told = "Network blue updated: vlan\nNetwork red created\n";
    assert_eq!(dry, format!("dry run, nothing is changed; it would be:\n{told}"));
    let diff = agent.say(&line("diff"));
    let shown = "~ Network blue\n-   vlan: 10\n+   vlan: 11\n+ Network red\n+   vlan: 30\n";
    assert_eq!((diff.code.as_str(), diff.output.as_str()), ("1", shown));
    assert_eq!(agent.ok(&line("apply --wait")), format!("{told}generation 6 applied\n"));
    assert_eq!(agent.ok(&line("diff")), "");
}

#[test]
fn pruning_removes_what_is_not_listed() {
    let agent = Agent::with_objects();
    let said = agent.feed("apply -f - --prune", FILE);
    let removed = "Network green removed\nUplink eth1 removed\nPort p1 removed\nPort p2 removed\n";
    assert!(said.output.starts_with("Network blue updated: vlan\n"), "{said:?}");
    for line in removed.lines() {
        assert!(said.output.contains(line), "{line} in {said:?}");
    }
}

/// A file that must be refused, by this error after its name.
#[track_caller]
fn check(text: &str, errors: &[&str]) {
    let agent = Agent::with_objects();
    let path = agent.file(text);
    let expected: Vec<String> =
        errors.iter().map(|error| format!("error: {}:{error}", path.display())).collect();
    assert_eq!(agent.refused(&format!("apply -f {}", path.display())), expected.join("\n"));
    let diff = agent.say(&format!("diff -f {}", path.display()));
    assert_eq!((diff.code.as_str(), diff.errors.trim_end()), ("2", expected.join("\n").as_str()));
}

#[test]
fn a_bad_file_is_refused_with_place_field_value_and_remedy() {
    check(
        "- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 30}
- apiVersion: dvs/v1
  kind: Port
  name: p3
  trunk: 10-20,15
  vni: 5000
",
        &[
            "6:8: Port p3, field vni, value 5000: Port has no such field; the fields are name, network, trunk, \
             native, device, mac, ip, label, admin, learnLimit, qinq, firewall",
            "5:10: Port p3, field trunk, value \"10-20,15\": 15 repeats VLAN 15; give a list of VLANs from 1 to 4094, \
             such as \"10,20-29\", each VLAN once",
        ],
    );
    check(
        "- [",
        &[
            "2:1: the file: cannot be read: did not find expected node content at line 2 column 1, while parsing a flow node; write a list of objects in YAML or JSON",
        ],
    );
    check("", &[" the file: there is no object in it; write at least one object, or [] to mean none"]);
}

#[test]
fn what_the_agent_refuses_has_its_place_too() {
    check(
        "- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 4095}
- apiVersion: dvs/v1
  kind: Port
  name: p3
  network: red
  device: v9
",
        &[
            "1:56: Network red, field vlan, value 4095: the number is out of range; give a number from 1 to 4094",
            "6:11: Port p3, field device, value \"v9\": this host has no such device; check the name with `ip link`, \
             or allow it to be missing (--allow-missing)",
        ],
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Agent::new().refused("apply -f /nowhere/f.yaml");
    assert_eq!(error, "error: cannot read /nowhere/f.yaml: No such file or directory (os error 2)");
}

#[test]
fn the_examples_are_applied() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let names = fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let objects: Vec<String> = names.filter(|name| !name.ends_with(".topology.yaml")).collect();
    assert!(objects.len() >= 2, "{objects:?}");
    for file in objects {
        let said = Agent::new().ok(&format!("apply -f {file} --wait"));
        assert!(said.ends_with("generation 1 applied\n"), "{file}: {said}");
    }
}
