//! Ports that are down, or removed.

use dvs_tests::netns::frames::{BROADCAST, MAC_1, MAC_2, data};
use dvs_tests::netns::{Lab, Wire, run};
use switch_common::verdict::DropReason::{NoReceiver, PortDown, ReceiverDown};
use switch_user::model::Kind;
use switch_user::report::PortState;

const PAIR: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01']}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02']}
";

fn set_admin(lab: &Lab, port: &str, admin: &str) {
    let fields = serde_json::json!({ "admin": admin });
    let set = lab.host.ask(lab.host.client.patch(Kind::Port, port, &fields, false)).unwrap();
    lab.host.settle(set.generation);
}

#[test]
fn a_port_that_is_down_neither_sends_nor_receives() {
    let lab = Lab::silent(PAIR);
    let (there, back) = (data(MAC_2, MAC_1), data(MAC_1, MAC_2));
    lab.send("p1", &there).reaches(&[("p2", &there)]);
    set_admin(&lab, "p2", "down");
    assert_eq!(lab.host.port("p2").state, PortState::Down);
    lab.send("p2", &back).dropped("p2", PortDown);
    lab.send("p1", &there).dropped("p2", ReceiverDown);
    lab.send("p1", &data(BROADCAST, MAC_1)).dropped("p1", NoReceiver);
    set_admin(&lab, "p2", "up");
    lab.send("p2", &back).reaches(&[("p1", &back)]);
    lab.send("p1", &there).reaches(&[("p2", &there)]);
}

#[test]
fn a_removed_port_belongs_to_the_host_again() {
    let lab = Lab::silent(PAIR);
    let set = lab.host.ask(lab.host.client.remove(Kind::Port, "p2")).unwrap();
    lab.host.settle(set.generation);
    lab.send("p1", &data(MAC_2, MAC_1)).dropped("p1", NoReceiver);
    let left_to_host = Wire::behind_tc(&lab.host.namespace, "p2");
    let frame = data(MAC_1, MAC_2);
    lab.vm("p2").wire.send(&frame);
    assert_eq!(left_to_host.receive(), frame);
}

#[test]
fn a_detached_port_gets_its_device_back() {
    let lab = Lab::silent(PAIR);
    let there = data(MAC_2, MAC_1);
    run(&mut lab.host.cli("port detach p2 --wait"));
    assert_eq!(lab.host.port("p2").state, PortState::Detached);
    lab.send("p1", &there).dropped("p1", NoReceiver);
    run(&mut lab.host.cli("port attach p2 --device p2 --wait"));
    lab.send("p1", &there).reaches(&[("p2", &there)]);
}
