mod effort;
mod firewall;
mod overlay;
mod routing;

use std::time::Duration;

use proptest::prelude::*;
use switch_common::addr::Mac;

use super::*;
use crate::model::{
    Attachment, Object, Port, Uplink, VlanSet, XdpChoice, changes,
    samples::{self, from_text},
};

/// One object a line, without the version.
fn lines(text: &str) -> Desired {
    let lines = text.lines().map(|line| format!("- {{apiVersion: dvs/v1, {}}}\n", line.trim()));
    from_text(&lines.collect::<String>())
}

/// Every problem as "object field value reason".
fn problems(desired: &Desired) -> Vec<String> {
    let problems = validate(desired).err().unwrap_or_default();
    let text = |problem: Problem| {
        let value = problem.value.map(|value| value.to_string()).unwrap_or_default();
        format!("{} {} {value} {}", problem.object, problem.field, problem.reason.name())
    };
    problems.into_iter().map(text).collect()
}

const NETWORKS: &str = "kind: Network, name: blue, vlan: 10
kind: Network, name: green, vlan: 20";

/// Adds the objects to two networks, blue with VLAN 10 and green with 20, and checks what is wrong then.
#[track_caller]
fn check(objects: &str, expected: &[&str]) {
    assert_eq!(problems(&lines(&format!("{NETWORKS}\n{objects}"))), expected, "{objects}");
}

#[test]
fn numbers_have_their_limits() {
    check("kind: Network, name: red, vlan: 0", &["Network red vlan 0 out-of-range"]);
    check("kind: Network, name: red, vlan: 4095", &["Network red vlan 4095 out-of-range"]);
    check("kind: Network, name: red, vlan: 70000", &["Network red vlan 70000 out-of-range"]);
    check("kind: Network, name: red, vlan: 30, mtu: 67", &["Network red mtu 67 out-of-range"]);
    check("kind: Network, name: red, vlan: 30, mtu: 65536", &["Network red mtu 65536 out-of-range"]);
    check("kind: Switch, ageing: 9", &["Switch ageing 9 out-of-range"]);
    check("kind: Switch, ageing: 1000001", &["Switch ageing 1000001 out-of-range"]);
    check("kind: Switch, fdbCapacity: 1023", &["Switch fdbCapacity 1023 out-of-range"]);
    check("kind: Switch, fdbCapacity: 4194305", &["Switch fdbCapacity 4194305 out-of-range"]);
    check("kind: Switch, flowCapacity: 1023", &["Switch flowCapacity 1023 out-of-range"]);
    check("kind: Switch, flowCapacity: 4194305", &["Switch flowCapacity 4194305 out-of-range"]);
    check(
        "kind: Port, name: p1, network: blue, learnLimit: 1000001",
        &["Port p1 learnLimit 1000001 out-of-range"],
    );
    check("kind: Port, name: p1, trunk: 10, native: 4095", &["Port p1 native 4095 out-of-range"]);
    check("kind: Uplink, name: eth1, native: 0", &["Uplink eth1 native 0 out-of-range"]);
}

#[test]
fn numbers_at_their_limits_are_legal() {
    check("kind: Network, name: red, vlan: 1, mtu: 68", &[]);
    check("kind: Network, name: red, vlan: 4094, mtu: 65535", &[]);
    check("kind: Switch, ageing: 0, fdbCapacity: 1024", &[]);
    check("kind: Switch, ageing: 10, fdbCapacity: 4194304, flowCapacity: 4194304", &[]);
    check("kind: Switch, flowCapacity: 1024", &[]);
    check("kind: Switch, ageing: 1000000", &[]);
    check("kind: Port, name: p1, network: blue, learnLimit: 0", &[]);
    check("kind: Port, name: p1, network: blue, learnLimit: 1000000", &[]);
}

#[test]
fn names_are_words() {
    let long = "x".repeat(64);
    for name in ["-a", ".a", "a b", "a/b", "", "ä", long.as_str()] {
        let expected = format!("Network {name} name {name:?} bad-name").replace("Network  ", "Network ");
        check(&format!("kind: Network, name: {name:?}, vlan: 30"), &[&expected]);
    }
    check(&format!("kind: Network, name: \"0._-{}\", vlan: 30", "x".repeat(59)), &[]);
    check("kind: Port, name: \"p 1\", network: blue", &["Port p 1 name \"p 1\" bad-name"]);
    check("kind: Uplink, name: \"eth 1\"", &["Uplink eth 1 name \"eth 1\" bad-device"]);
}

#[test]
fn devices_are_names_that_the_kernel_takes() {
    for device in ["a234567890123456", "a/b", "a b", "a:1", "..", ""] {
        let expected = format!("Port p1 device {device:?} bad-device");
        check(&format!("kind: Port, name: p1, network: blue, device: {device:?}"), &[&expected]);
    }
    check("kind: Port, name: p1, network: blue, device: a23456789012345", &[]);
}

#[test]
fn labels_can_be_named_by_selectors() {
    check("kind: Port, name: p1, network: blue, label: {app/tier: web-1.0_x, empty: \"\"}", &[]);
    check(
        "kind: Port, name: p1, network: blue, label: {tier: \"a,b\"}",
        &["Port p1 label.tier \"a,b\" bad-label"],
    );
    check("kind: Port, name: p1, network: blue, label: {a=b: c}", &["Port p1 label.a=b \"c\" bad-label"]);
}

#[test]
fn a_vlan_has_one_network() {
    check("kind: Network, name: red, vlan: 10", &["Network red vlan 10 vlan-taken"]);
}

#[test]
fn a_port_is_in_one_network_or_a_trunk() {
    check("kind: Port, name: p1, network: red", &["Port p1 network \"red\" unknown-network"]);
    check("kind: Port, name: p1", &["Port p1 network  neither-network-nor-trunk"]);
    check("kind: Port, name: p1, network: blue, trunk: \"10\"", &["Port p1 trunk \"10\" network-and-trunk"]);
    check("kind: Port, name: p1, network: blue, native: 10", &["Port p1 native 10 native-without-trunk"]);
    check("kind: Port, name: p1, trunk: 10, qinq: true", &["Port p1 qinq true qinq-on-trunk"]);
}

#[test]
fn access_ports_of_a_network_agree_on_qinq() {
    let ports = |second| {
        format!(
            "kind: Port, name: p1, network: blue, qinq: true
            kind: Port, name: p2, network: {second}
            kind: Port, name: p3, trunk: 10"
        )
    };
    check(&ports("blue"), &["Port p2 qinq false qinq-disagrees"]);
    check(&ports("green"), &[]);
}

#[test]
fn stations_have_unicast_addresses() {
    for mac in ["01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"] {
        let expected = format!("Port p1 mac {mac:?} not-a-station");
        check(&format!("kind: Port, name: p1, network: blue, mac: [{mac:?}]"), &[&expected]);
    }
    for ip in [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "ff02::1",
        "::ffff:10.0.0.1",
    ] {
        let expected = format!("Port p1 ip {ip:?} not-unicast");
        check(&format!("kind: Port, name: p1, network: blue, ip: [{ip:?}]"), &[&expected]);
    }
    check("kind: Port, name: p1, network: blue, ip: [10.0.10.1, 169.254.1.1, \"fe80::1\", \"fd00::1\"]", &[]);
}

/// Two ports with the same MAC and IP; `clash` says whether they meet in a broadcast domain.
#[track_caller]
fn check_twins(first: &str, second: &str, clash: bool) {
    let addresses = "mac: [\"02:00:00:00:00:01\"], ip: [10.0.0.1]";
    let objects =
        format!("kind: Port, name: p1, {first}, {addresses}\nkind: Port, name: p2, {second}, {addresses}");
    let both = ["Port p2 mac \"02:00:00:00:00:01\" mac-taken", "Port p2 ip \"10.0.0.1\" ip-taken"];
    check(&objects, if clash { &both } else { &[] });
}

#[test]
fn addresses_come_once_in_a_broadcast_domain() {
    check_twins("network: blue", "network: blue", true);
    check_twins("network: blue", "network: green", false);
    check_twins("network: blue", "trunk: \"5-15\"", true);
    check_twins("trunk: \"11-19\"", "network: blue", false);
    check_twins("trunk: \"11-19,30\"", "trunk: \"1-9,30-40\"", true);
    check_twins("trunk: \"11-19\"", "trunk: \"20-29\"", false);
    check_twins("network: blue", "trunk: 20, native: 10", true);
}

#[test]
fn a_port_has_each_address_once() {
    check(
        "kind: Port, name: p1, network: blue, mac: [\"02:00:00:00:00:01\", 02-00-00-00-00-01]",
        &["Port p1 mac \"02:00:00:00:00:01\" mac-taken"],
    );
}

#[test]
fn a_device_has_one_user() {
    check(
        "kind: Port, name: p1, network: blue, device: v1
        kind: Port, name: p2, network: blue, device: v1",
        &["Port p2 device \"v1\" device-taken"],
    );
    check(
        "kind: Port, name: p1, network: blue, device: eth1
        kind: Uplink, name: eth1",
        &["Port p1 device \"eth1\" device-taken"],
    );
}

#[test]
fn a_port_and_an_uplink_have_different_names() {
    check(
        "kind: Port, name: eth1, network: blue
        kind: Uplink, name: eth1",
        &["Port eth1 name \"eth1\" name-taken"],
    );
}

#[test]
fn a_vlan_has_one_uplink() {
    let uplinks =
        |first, second| format!("kind: Uplink, name: eth1{first}\nkind: Uplink, name: eth2{second}");
    check(&uplinks(", vlans: \"1-10\"", ", vlans: \"10,20\""), &["Uplink eth2 vlans 10 uplinks-overlap"]);
    check(&uplinks(", vlans: 30", ", vlans: 20, native: 30"), &["Uplink eth2 native 30 uplinks-overlap"]);
    check(&uplinks("", ", vlans: 20"), &["Uplink eth2 vlans 20 uplinks-overlap"]);
    check(&uplinks(", vlans: \"1-9\"", ", vlans: \"10,20\""), &[]);
    let hosts = "kind: Host, name: h1\nkind: Host, name: h2";
    for (second, expected) in
        [(", hosts: [h2]", &[][..]), (", hosts: [h2, h1]", &["Uplink eth2 vlans 10 uplinks-overlap"])]
    {
        let uplinks = uplinks(", hosts: [h1]", second);
        check(&format!("{hosts}\n{uplinks}"), expected);
    }
}

#[test]
fn hosts_and_uplinks_name_what_can_be() {
    check("kind: Host, name: h/1", &["Host h/1 name \"h/1\" bad-name"]);
    check("kind: Host, name: h1, haGroup: a b", &["Host h1 haGroup \"a b\" bad-name"]);
    check("kind: Host, name: h1, label: {\"a b\": c}", &["Host h1 label.a b \"c\" bad-label"]);
    check("kind: Uplink, name: eth1, hosts: [h1]", &["Uplink eth1 hosts \"h1\" unknown-host"]);
}

#[test]
fn what_one_host_cannot_have_many_can() {
    let mut desired = lines(&format!("{NETWORKS}\nkind: Port, name: p0, network: blue, device: v1"));
    let port = desired.ports["p0"].clone();
    for number in 1..=MAX_PORTS {
        let port = Port { name: format!("p{number}"), ..Port::clone(&port) };
        desired.put(Object::Port(port.into()));
    }
    let wrong = |scope| validate_as(&desired, &[], scope).err().map_or(0, |problems| problems.len());
    let twins = MAX_PORTS as usize;
    assert_eq!(
        [wrong(Scope::Host), wrong(Scope::View { ports: 5 }), wrong(Scope::Cluster)],
        [twins + 1, twins, 0]
    );
}

#[test]
fn ports_and_uplinks_fit_the_tables() {
    let mut desired = lines(NETWORKS);
    let Some(Object::Port(port)) = lines("kind: Port, name: p, network: blue").objects().next() else {
        unreachable!("the line is a port")
    };
    for number in 1..MAX_PORTS {
        let port = Port { name: format!("p{number}"), ..Port::clone(&port) };
        desired.put(Object::Port(port.into()));
    }
    assert_eq!(problems(&desired), [""; 0]);
    let (name, hosts) = ("eth1".into(), Vec::new());
    let uplink = Uplink { name, vlans: None, native: None, hosts, xdp: XdpChoice::Auto };
    desired.put(Object::Uplink(uplink));
    assert_eq!(problems(&desired), ["the switch   too-many-ports"]);
}

#[test]
fn everything_wrong_is_found_in_one_run() {
    check(
        "kind: Switch, ageing: 1
        kind: Network, name: red, vlan: 0
        kind: Port, name: p1, network: red, mac: [\"01:00:00:00:00:00\"], device: v1
        kind: Port, name: p2, network: pink, device: v1",
        &[
            "Switch ageing 1 out-of-range",
            "Network red vlan 0 out-of-range",
            "Port p1 mac \"01:00:00:00:00:00\" not-a-station",
            "Port p2 network \"pink\" unknown-network",
            "Port p2 device \"v1\" device-taken",
        ],
    );
}

#[test]
fn the_object_that_changed_is_to_blame() {
    let old = lines(NETWORKS);
    let base = "kind: Port, name: p2, network: blue, device: v1, mac: [\"02:00:00:00:00:01\"]
kind: Uplink, name: eth2, vlans: 20";
    let old = Desired { uplinks: lines(base).uplinks, ports: lines(base).ports, ..old };
    let mut new = old.clone();
    for object in lines(
        "kind: Network, name: aqua, vlan: 10
kind: Port, name: p1, network: blue, device: v1, qinq: true, mac: [\"02:00:00:00:00:01\"]
kind: Uplink, name: eth1, vlans: 20",
    )
    .objects()
    {
        new.put(object);
    }
    let problems = validate_changes(&new, &changes(&old, &new)).unwrap_err();
    let blamed: Vec<String> =
        problems.iter().map(|problem| format!("{} {}", problem.object, problem.reason.name())).collect();
    assert_eq!(
        blamed,
        [
            "Network aqua vlan-taken",
            "Port p1 device-taken",
            "Port p1 qinq-disagrees",
            "Uplink eth1 uplinks-overlap",
            "Port p1 mac-taken",
        ]
    );
}

#[test]
fn a_problem_reads_as_a_sentence() {
    let desired = lines(&format!("{NETWORKS}\nkind: Port, name: p1, network: red"));
    let problem = validate(&desired).unwrap_err().remove(0);
    assert_eq!(
        problem.to_string(),
        "Port p1, field network, value \"red\": there is no such network; create it, or name one of: blue, green"
    );
}

#[test]
fn the_valid_form_has_everything_resolved() {
    let valid = validate(&lines(&format!(
        "{NETWORKS}
        kind: Uplink, name: eth1
        kind: Port, name: p1, network: blue, device: v1, mac: [\"02:00:00:00:00:01\"], admin: down, qinq: true
        kind: Port, name: p2, trunk: \"10,30-31\", native: 20"
    )))
    .unwrap();
    let set = |vids: &[u16]| -> VlanSet { vids.iter().filter_map(|vid| VlanId::new(*vid)).collect() };
    assert_eq!((valid.ageing, valid.fdb_capacity), (Some(Duration::from_mins(5)), 262_144));
    assert_eq!(valid.uplinks["eth1"].vlans, set(&[10, 20]));
    let p1 = &valid.ports["p1"];
    assert_eq!(p1.attachment, Attachment::Access { vlan: VlanId::new(10).unwrap(), qinq: true });
    assert_eq!((p1.up, p1.macs.as_slice()), (false, &[Mac::new([2, 0, 0, 0, 0, 1])][..]));
    let native = VlanId::new(20);
    assert_eq!(valid.ports["p2"].attachment, Attachment::Trunk { vlans: set(&[10, 20, 30, 31]), native });
    assert_eq!(validate(&lines("kind: Switch, ageing: 0")).unwrap().ageing, None);
}

proptest! {
    #[test]
    fn sampled_configurations_are_valid(desired in samples::desired()) {
        prop_assert_eq!(problems(&desired), [""; 0]);
    }
}
