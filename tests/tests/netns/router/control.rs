//! What the command line says of routers, and what it refuses.

use dvs_tests::netns::{Lab, finish, run};

/// Each command line, and what its message has to say.
const REFUSED: &[(&str, &[&str])] = &[
    ("network add red --vlan 30 --router x", &["field router", "\"x\"", "there is no such router"]),
    ("network add red --vlan 30 --router r", &["field router", "give a subnet and its gateway"]),
    (
        "network add red --vlan 30 --subnet 10.0.10.128/25 --gateway 10.0.10.129 --router r",
        &["field subnet", "10.0.10.128/25", "blue"],
    ),
    ("network add red --vlan 30 --subnet 10.0.30.0/24 --gateway 10.0.31.1", &["field gateway", "10.0.31.1"]),
    ("network add red --vlan 30 --subnet 10.0.30.0/24 --gateway 10.0.30.0", &["field gateway", "10.0.30.0"]),
    (
        "network add red --vlan 30 --subnet 10.0.30.0/24 --gateway 10.0.30.255",
        &["field gateway", "10.0.30.255"],
    ),
    (
        "network add red --vlan 30 --subnet 10.0.30.5/24",
        &["field subnet", "10.0.30.5/24", "write 10.0.30.0/24"],
    ),
    ("network add red --vlan 30 --subnet 224.0.0.0/8", &["field subnet", "224.0.0.0/8"]),
    ("network add red --vlan 30 --subnet 10.0.30.1/32 --gateway 10.0.30.1", &["10.0.30.1"]),
    ("network add red --vlan 30 --mtu 1000 --subnet fd00:30::/64", &["field mtu", "1280"]),
    ("network add red --vlan 30 --slaac", &["field slaac"]),
    ("port add p3 --network blue --ip 10.0.10.1", &["field ip", "10.0.10.1", "gateway"]),
    ("router add r", &["Router r", "choose another name"]),
    ("router remove r", &["Router r", "blue"]),
    ("network remove blue", &["blue"]),
    ("route add 192.0.3.0/24 --router x --via 10.0.10.5", &["field router", "\"x\""]),
    ("route add 192.0.3.0/24 --router r --via 10.9.9.9", &["field via", "10.9.9.9"]),
    ("route add 192.0.3.0/24 --router r --via 10.0.10.1", &["field via", "10.0.10.1", "loop"]),
    ("route add 192.0.3.0/24 --router r --via fd00:10::5", &["field via", "fd00:10::5", "family"]),
    ("route add 192.0.3.0/24 --router r --via 10.0.10.5,10.0.10.5", &["field via", "10.0.10.5"]),
    ("route add 10.0.10.0/24 --router r --via 10.0.10.5", &["10.0.10.0/24", "blue"]),
    ("route add 192.0.3.1/24 --router r --via 10.0.10.5", &["192.0.3.1/24", "192.0.3.0/24"]),
    ("switch set --gateway-mac 01:00:00:00:00:01", &["field gatewayMac", "01:00:00:00:00:01"]),
    ("switch set --flow-capacity 1", &["field flowCapacity", "value 1"]),
];

fn switch() -> Lab {
    let lab = Lab::empty();
    for line in [
        "router add r",
        "network add blue --vlan 10 --subnet 10.0.10.0/24 --gateway 10.0.10.1 --subnet fd00:10::/64 --gateway fd00:10::1 --router r",
        "route add 192.0.2.0/24 --router r --via 10.0.10.5,10.0.10.6 --wait",
    ] {
        run(&mut lab.host.cli(line));
    }
    lab
}

#[test]
fn what_cannot_be_routed_is_refused() {
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

#[test]
fn what_is_routed_can_be_read_back() {
    let lab = switch();
    let shown = run(&mut lab.host.cli("route show 192.0.2.0/24 --router r"));
    assert!(shown.contains("10.0.10.5") && shown.contains("10.0.10.6"), "{shown}");
    let list = run(&mut lab.host.cli("route list --router r"));
    assert!(
        list.contains("192.0.2.0/24") && list.contains("10.0.10.0/24") && list.contains("blue"),
        "{list}"
    );
    let routers = run(&mut lab.host.cli("router list"));
    assert!(routers.contains("strict"), "{routers}");
    run(&mut lab.host.cli("router set r --reverse-path off --wait"));
    assert!(run(&mut lab.host.cli("router show r")).contains("off"));
    // The whole of it is taken as it was given.
    let export = run(&mut lab.host.cli("export"));
    let path = lab.host.state().join("objects.yaml");
    std::fs::write(&path, &export).unwrap();
    let mut command = lab.host.cli("apply --wait -f");
    run(command.arg(&path));
    assert_eq!(run(&mut lab.host.cli("export")), export);
    for line in ["route remove 192.0.2.0/24 --router r", "network remove blue", "router remove r --wait"] {
        run(&mut lab.host.cli(line));
    }
}
