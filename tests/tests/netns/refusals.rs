//! Bad input is refused with the field, the value and the remedy, and changes nothing.

use std::fs;

use dvs_tests::netns::{Lab, Stack, finish, run};

/// Each command line, and what its message has to say.
const COMMANDS: &[(&str, &[&str])] = &[
    ("network add red --vlan 0", &["field vlan", "value 0", "1 to 4094"]),
    ("network add red --vlan 4095", &["field vlan", "value 4095", "1 to 4094"]),
    ("network add red --vlan -1", &["field vlan", "-1", "1 to 4094"]),
    ("network add red --vlan ten", &["field vlan", "ten", "1 to 4094"]),
    ("network add red --vlan 10", &["field vlan", "value 10", "choose another VLAN"]),
    ("network add blue --vlan 30", &["Network blue", "choose another name"]),
    ("network remove blue", &["Network blue", "p1", "remove its ports first"]),
    (
        "port add p3 --network blue --mac 02:00:00:00:00:01",
        &["field mac", "02:00:00:00:00:01", "p1", "remove it there"],
    ),
    ("port add p3 --network blue --mac 01:00:00:00:00:01", &["field mac", "01:00:00:00:00:01", "unicast"]),
    ("port add p3 --network blue --mac 02:00", &["field mac", "02:00", "six octets"]),
    ("port add p3 --network blue --ip 10.0.10.1", &["field ip", "10.0.10.1", "p1", "remove it there"]),
    (
        "port add p3 --network blue --ip 10.0.10.0/24",
        &["field ip", "10.0.10.0/24", "without a prefix length"],
    ),
    ("port add p3 --network blue --ip 224.0.0.1", &["field ip", "224.0.0.1", "give an address"]),
    ("port add p3 --network blue --device v9", &["field device", "v9", "ip link", "--allow-missing"]),
    ("port add p3 --network blue --device v1", &["field device", "v1", "p1", "another device"]),
    ("port set p1 --device v9", &["field device", "v9", "--allow-missing"]),
    ("port attach p1 --device v9", &["field device", "v9", "--allow-missing"]),
    ("port add p3 --network red", &["field network", "red", "blue"]),
    ("port add p3", &["field network", "network", "trunk"]),
    ("port add p3 --network blue --trunk 10", &["field trunk", "either network or trunk"]),
    ("port add p3 --trunk 10-20,15", &["field trunk", "10-20,15", "each VLAN once"]),
    ("port add p3 --trunk 20-10", &["field trunk", "20-10", "1 to 4094"]),
    ("port add p3 --trunk 10 --qinq", &["field qinq", "leave qinq out"]),
    ("port add p3 --network blue --native 10", &["field native", "10", "trunk"]),
    ("port add p3 --network blue --learn-limit 1000001", &["field learnLimit", "1000001"]),
    ("port set p9 --admin up", &["Port p9"]),
    ("uplink add u9 --vlans 10", &["u9", "ip link", "--allow-missing"]),
    ("uplink add v1 --vlans 10", &["v1", "p1"]),
    ("switch set --ageing 5", &["field ageing", "value 5"]),
    ("switch set --fdb-capacity 1", &["field fdbCapacity", "value 1"]),
];

/// Each file, and what the message about it has to say. All begin with an object that is right.
const FILES: &[(&str, &[&str])] = &[
    (
        "- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 30, colour: red}",
        &["colour", "name, vlan, vni, mtu"],
    ),
    (
        "- {apiVersion: dvs/v1, kind: Network, name: red, vlan: thirty}",
        &["field vlan", "thirty", "1 to 4094"],
    ),
    (
        "- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 10}",
        &["field vlan", "10", "choose another VLAN"],
    ),
    ("- {apiVersion: dvs/v1, kind: Network, vlan: 30}", &["name"]),
    ("- {apiVersion: dvs/v2, kind: Network, name: red, vlan: 30}", &["apiVersion", "dvs/v2", "dvs/v1"]),
    ("- {apiVersion: dvs/v1, kind: Bridge, name: red}", &["kind", "Bridge", "Network"]),
    (
        "- {apiVersion: dvs/v1, kind: Port, name: p3, network: blue, device: v9}",
        &["field device", "v9", "--allow-missing"],
    ),
    ("- {apiVersion: dvs/v1, kind: Port, name: p3, network: blue, mac: 7}", &["field mac", "7"]),
    ("- {apiVersion: dvs/v1", &["objects.yaml"]),
];

const GOOD: &str = "- {apiVersion: dvs/v1, kind: Network, name: good, vlan: 40}\n";

/// A switch with a network and a port.
fn switch() -> Lab {
    let mut lab = Lab::empty();
    lab.plug("v1", 1500, Stack::Silent);
    run(&mut lab.host.cli("network add blue --vlan 10"));
    run(&mut lab
        .host
        .cli("port add p1 --network blue --device v1 --mac 02:00:00:00:00:01 --ip 10.0.10.1 --wait"));
    lab
}

/// Runs a command that must be refused with these words and without an effect.
#[track_caller]
fn refused(lab: &Lab, what: &str, mut command: std::process::Command, words: &[&str]) {
    let before = run(&mut lab.host.cli("export"));
    let said = finish(&mut command);
    assert_eq!((said.code, said.output.as_str()), (Some(1), ""), "{what}: {}", said.errors);
    for word in words {
        assert!(said.errors.contains(word), "{what}: {word:?} is not in: {}", said.errors);
    }
    assert_eq!(run(&mut lab.host.cli("export")), before, "{what} has changed something");
}

#[test]
fn commands() {
    let lab = switch();
    for (line, words) in COMMANDS {
        refused(&lab, line, lab.host.cli(line), words);
    }
}

#[test]
fn files() {
    let lab = switch();
    let path = lab.host.state().join("objects.yaml");
    for (object, words) in FILES {
        fs::write(&path, format!("{GOOD}{object}\n")).unwrap();
        let mut command = lab.host.cli("apply -f");
        command.arg(&path);
        refused(&lab, object, command, words);
    }
}

#[test]
fn commands_that_make_no_sense_are_usage_errors() {
    let lab = Lab::empty();
    for line in ["network add blue", "port frob", "network add blue --vlan 10 --vni 5", "apply"] {
        let said = finish(&mut lab.host.cli(line));
        assert_eq!((said.code, said.output.as_str()), (Some(2), ""), "{line}: {}", said.errors);
        assert!(said.errors.contains("Usage: dvs"), "{line}: {}", said.errors);
    }
}
