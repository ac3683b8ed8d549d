//! Two VLANs, of which each has its own traffic.

use dvs_tests::netns::{Iperf, Lab};

const TWO_VLANS: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p3, network: green}
- {kind: Port, name: p4, network: green}
";

const WITHIN: [(&str, &str); 2] = [("p1", "p2"), ("p4", "p3")];

#[test]
fn vlans_are_isolated_from_each_other() {
    let lab = Lab::new(TWO_VLANS);
    for (from, to) in WITHIN {
        assert!(lab.ping(from, to).is_lossless(), "{from} does not reach {to}");
    }
    for (from, to) in [("p1", "p3"), ("p3", "p2")] {
        assert!(lab.ping(from, to).is_lost(), "{from} reaches {to}");
    }
}

#[test]
fn streams_flow_within_each_vlan() {
    let lab = Lab::new(TWO_VLANS);
    for (from, to) in WITHIN {
        for octets in lab.stream(from, to, Iperf::Tcp) {
            assert!(octets > 1 << 20, "{octets} octets over TCP from {from} to {to}");
        }
        for octets in lab.stream(from, to, Iperf::Udp(1400)) {
            assert!(octets > 100_000, "{octets} octets over UDP from {from} to {to}");
        }
    }
}
