//! Large frames, and those that are too large for their receiver.

use dvs_tests::netns::frames::{MAC_1, MAC_2, data, data_of};
use dvs_tests::netns::{Iperf, Lab};
use switch_common::verdict::DropReason::MtuExceeded;

const JUMBO: &str = "
- {kind: Network, name: blue, vlan: 10, mtu: 9000}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
";

#[test]
fn jumbo_frames_are_carried_whole() {
    let lab = Lab::new(JUMBO);
    assert!(lab.ping_of(9000, "p1", "p2").is_lossless());
    for octets in lab.stream("p1", "p2", Iperf::Tcp) {
        assert!(octets > 1 << 20, "{octets} octets over TCP");
    }
    for octets in lab.stream("p1", "p2", Iperf::Udp(8900)) {
        assert!(octets > 100_000, "{octets} octets over UDP");
    }
    assert_eq!(lab.host.drops("p2", "mtu-exceeded"), 0);
}

#[test]
fn packets_too_large_for_their_receiver_are_counted() {
    let lab = Lab::new(JUMBO);
    lab.set_mtu("p2", 1500);
    let pings = lab.ping_of(9000, "p1", "p2");
    assert!(pings.is_lost(), "{pings:?}");
    assert_eq!(lab.host.drops("p2", "mtu-exceeded"), pings.sent);
    assert!(lab.ping_of(1500, "p1", "p2").is_lossless());
}

#[test]
fn frames_of_many_segments_are_judged_by_the_segment() {
    let lab = Lab::new(JUMBO);
    lab.set_mtu("p2", 1500);
    for octets in lab.stream("p1", "p2", Iperf::Tcp) {
        assert!(octets > 1 << 20, "{octets} octets over TCP");
    }
    let sent = lab.host.counters("p1");
    assert!(sent.out_bytes / sent.out_packets > 3000, "no frames of several segments were sent: {sent:?}");
    assert_eq!(lab.host.drops("p2", "mtu-exceeded"), 0);
}

#[test]
fn the_limit_is_exact_to_the_octet() {
    let lab = Lab::silent(JUMBO);
    lab.set_mtu("p2", 1500);
    lab.send("p2", &data(MAC_1, MAC_2)).reaches(&[("p1", &data(MAC_1, MAC_2))]);
    let largest = data_of(MAC_2, MAC_1, 1500);
    lab.send("p1", &largest).reaches(&[("p2", &largest)]);
    lab.send("p1", &data_of(MAC_2, MAC_1, 1501)).dropped("p2", MtuExceeded);
}
