//! Devices that come, go and change under the agent, without any command.

use dvs_tests::netns::{Host, Lab, Stack, dvs, run, until};
use switch_user::client::ApplyOptions;
use switch_user::report::PortState;

const PAIR: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
";

/// Waits for a state, and says how long it took; a slow machine is no failure.
#[track_caller]
fn becomes(host: &Host, port: &str, state: PortState) {
    let took = host.port_becomes(port, |status| status.state == state);
    println!("{port} was {state:?} after {} ms", took.as_millis());
}

#[test]
fn a_device_that_appears_is_attached() {
    let mut lab = Lab::new(PAIR);
    let wanted = serde_json::json!(
        {"apiVersion": "dvs/v1", "kind": "Port", "name": "p3", "network": "blue", "device": "p3"}
    );
    let missing = ApplyOptions { allow_missing: true, ..ApplyOptions::default() };
    let client = lab.host.client.clone();
    let set = lab.host.ask(client.apply(vec![serde_json::from_value(wanted).unwrap()], missing)).unwrap();
    lab.host.settle(set.generation);
    assert_eq!(lab.host.port("p3").state, PortState::NoDevice);
    lab.plug("p3", 1500, Stack::Speaking);
    becomes(&lab.host, "p3", PortState::Up);
    assert!(lab.ping("p3", "p1").is_lossless());
}

#[test]
fn a_device_that_vanishes_is_cleaned_up_and_may_come_back() {
    let mut lab = Lab::new(PAIR);
    let before = lab.host.port("p2").ifindex;
    lab.unplug("p2");
    becomes(&lab.host, "p2", PortState::NoDevice);
    let rows =
        |name: &str| lab.host.status().tables.into_iter().find(|table| table.name == name).unwrap().entries;
    assert_eq!(rows("ports"), Some(1));
    lab.plug("p2", 1500, Stack::Speaking);
    becomes(&lab.host, "p2", PortState::Up);
    assert_ne!(lab.host.port("p2").ifindex, before);
    assert!(lab.ping("p1", "p2").is_lossless());
}

#[test]
fn a_device_that_is_replaced_at_once_is_noticed() {
    let mut lab = Lab::new(PAIR);
    let before = lab.host.port("p2").ifindex;
    lab.unplug("p2");
    lab.plug("p2", 1500, Stack::Speaking);
    let took = lab.host.port_becomes("p2", |port| port.state == PortState::Up && port.ifindex != before);
    println!("the new p2 was up after {} ms", took.as_millis());
    assert!(lab.ping("p1", "p2").is_lossless());
}

#[test]
fn a_port_follows_the_name_of_its_device() {
    let lab = Lab::new(PAIR);
    let rename = |from: &str, to: &str| {
        lab.host.namespace.ip(&format!("link set {from} down\nlink set {from} name {to}\nlink set {to} up"));
    };
    rename("p2", "other");
    becomes(&lab.host, "p2", PortState::NoDevice);
    assert!(lab.ping("p1", "p2").is_lost());
    rename("other", "p2");
    becomes(&lab.host, "p2", PortState::Up);
    // Until then its queue takes no frames.
    until("the link is back", || {
        let ends = [lab.vm("p2").namespace.link("eth0"), lab.host.namespace.link("p2")];
        ends.iter().all(|end| end["operstate"] == "UP").then_some(())
    });
    // p1 may still be busy with giving up on p2.
    assert!(lab.ping("p2", "p1").is_lossless());
}

#[test]
fn a_device_may_be_named_as_soon_as_it_is_made() {
    let host = Host::start();
    run(&mut host.cli("network add blue --vlan 10"));
    for number in 0..20 {
        let add = format!(
            "ip link add v{number} type veth peer name w{number} && {} port add v{number} --network blue --device \
             v{number} --wait",
            dvs().display()
        );
        let mut add_both = host.namespace.command("sh");
        run(add_both.args(["-c", &add]).env("DVS_SOCKET", host.socket()));
        let state = host.port(&format!("v{number}")).state;
        assert_ne!(state, PortState::NoDevice, "v{number}");
    }
}
