//! Frames for everybody: each port of the network gets one, in its own form, and the sender none.

use dvs_tests::netns::Lab;
use dvs_tests::netns::frames::{
    ALL_NODES, BRIDGES, BROADCAST, Frame, GROUP, ICMPV6, IP_1, IP_2, IP6_1, IP6_2, MAC_1, MAC_4, STRANGER,
    arp, data, ipv6, solicitation,
};
use switch_common::verdict::DropReason::{NoReceiver, ReservedMulticast};

const MIXED: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Network, name: lonely, vlan: 30}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p3, network: blue}
- {kind: Port, name: p4, trunk: '10,20'}
- {kind: Port, name: p5, trunk: '10,20', native: 10}
- {kind: Port, name: p6, network: green}
- {kind: Port, name: p7, network: lonely}
";

/// Frames that everybody in the network has to get.
fn for_everybody(source: switch_common::addr::Mac) -> [(&'static str, Frame); 5] {
    let ask = solicitation(IP6_2, Some(source));
    [
        ("broadcast", data(BROADCAST, source)),
        ("multicast", data(GROUP, source)),
        ("unknown unicast", data(STRANGER, source)),
        ("ARP", arp(source, source, IP_1, IP_2)),
        ("neighbour discovery", ipv6((ALL_NODES, IP6_2), (source, IP6_1), ICMPV6, &ask)),
    ]
}

#[test]
fn everybody_in_the_network_gets_one_copy() {
    let lab = Lab::silent(MIXED);
    for (name, frame) in for_everybody(MAC_1) {
        println!("{name} from an access port");
        let tagged = frame.tagged(10);
        lab.send("p1", &frame).reaches(&[("p2", &frame), ("p3", &frame), ("p4", &tagged), ("p5", &frame)]);
    }
    for (name, frame) in for_everybody(MAC_4) {
        println!("{name} from a trunk");
        let [blue, green] = [frame.tagged(10), frame.tagged(20)];
        lab.send("p4", &blue).reaches(&[("p1", &frame), ("p2", &frame), ("p3", &frame), ("p5", &frame)]);
        lab.send("p4", &green).reaches(&[("p5", &green), ("p6", &frame)]);
    }
    assert_eq!(lab.host.counters("p1").flooded, 5);
    assert_eq!(lab.host.counters("p4").flooded, 10);
}

#[test]
fn what_bridges_do_not_forward_ends_here() {
    let lab = Lab::silent(MIXED);
    lab.send("p1", &data(BRIDGES, MAC_1)).dropped("p1", ReservedMulticast);
}

#[test]
fn a_network_of_one_port_has_no_receiver() {
    let lab = Lab::silent(MIXED);
    for (name, frame) in for_everybody(MAC_1) {
        println!("{name}");
        lab.send("p7", &frame).dropped("p7", NoReceiver);
    }
}
