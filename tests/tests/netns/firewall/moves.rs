//! A port leaves its device and comes back, at this one or another one, while its connections are open.

use dvs_tests::netns::{
    Lab, run,
    socket::{Connection, listen},
    until,
};

use super::{BLUE, HTTPS, OTHER, WEB, dvs, ips, lab};

/// Connections of all clients of p2, over both families, to a port.
#[track_caller]
fn connections(lab: &Lab, port: u16) -> Vec<Connection> {
    let listener = listen(&lab.vm("p2").namespace, port);
    let of_client =
        |client| ips(lab, "p2").map(|ip| Connection::open(&lab.vm(client).namespace, ip, &listener));
    ["p3", "p4", "u9"].into_iter().flat_map(of_client).collect()
}

#[test]
fn connections_outlive_the_time_without_a_port() {
    let lab = lab(WEB);
    let connections = connections(&lab, HTTPS);
    connections.iter().for_each(Connection::talk);
    dvs(&lab, "port detach p2");
    for connection in &connections {
        connection.speak(b"late");
    }
    assert!(connections.iter().all(Connection::is_silent), "somebody is heard without a port");
    dvs(&lab, "port attach p2 --device p2");
    for connection in &connections {
        connection.hear(b"late");
        connection.talk();
    }
}

/// Gives a VM another device on the host, as if it had moved there: same addresses, and nothing in the switch
/// that knows its connections.
fn move_to_another_device(lab: &Lab) {
    let vm = lab.vm("p2");
    vm.namespace.ip("link set eth0 down\nlink set eth0 name former\naddr flush dev former");
    lab.host.namespace.ip(&format!(
        "link add other type veth peer name eth0 netns {} address {}\nlink set other up",
        vm.namespace.name(),
        vm.mac()
    ));
    vm.namespace.ip("link set eth0 up");
    vm.join(BLUE);
}

#[test]
fn a_connection_goes_on_where_its_port_has_moved_to_if_rules_allow_it() {
    let lab = lab(WEB);
    dvs(&lab, "port set p2 --firewall off");
    let [allowed, other] = [HTTPS, OTHER].map(|port| connections(&lab, port));
    allowed.iter().chain(&other).for_each(Connection::talk);
    dvs(&lab, "port detach p2");
    move_to_another_device(&lab);
    dvs(&lab, "port set p2 --firewall on");
    dvs(&lab, "port attach p2 --device other");
    allowed.iter().for_each(Connection::talk);
    for connection in &other {
        // Routed ones are known, by a row that was made without a firewall; of bridged ones nothing is.
        let cut =
            || ["no-connection", "policy-out"].map(|reason| lab.host.drops("p2", reason)).iter().sum::<u64>();
        let before = cut();
        connection.speak(b"late");
        until("the server's word is dropped", || (cut() > before).then_some(()));
    }
    // Some time later than what came after them.
    for connection in &allowed {
        connection.stream(1 << 20);
    }
    let flows = run(&mut lab.host.cli("flow list --port p2"));
    assert!(other.iter().all(Connection::is_silent), "{other:?} goes on: {flows}");
}
