//! Stations of two networks talk to each other, and to their router.

use dvs_tests::{
    frame::{Frame, Packet},
    netns::{Iperf, Ping, run},
};
use switch_common::wire::eth::{IPV4, IPV6};

use super::{BLUE, DURATION, GRACE, GREEN, gateways, lab, ping, ping_with, two};

#[test]
fn stations_and_gateways_answer() {
    let lab = two();
    for (from, to, subnet) in [("p2", "p4", GREEN), ("p4", "p2", BLUE)] {
        let pings = ping(&lab, from, to, subnet);
        assert!(pings.is_lossless(), "{from} to {to}: {pings:?}");
    }
    for gateway in [gateways(BLUE), gateways(GREEN)].concat() {
        let pings = Ping::run(&lab.vm("p2").namespace, gateway);
        assert!(pings.is_lossless(), "{gateway}: {pings:?}");
    }
    let link_local = "fe80::64:76ff:fe73:1%eth0";
    let mut command = lab.vm("p2").namespace.command("ping");
    run(command.args(["-n", "-c", "1", "-W", "2", link_local]));
    // Two hops away is one too many for a packet that may go one.
    for (gateway, to) in gateways(BLUE).into_iter().zip(lab.vm("p4").ips_in(GREEN)) {
        let first = ping_with(&lab, "p2", "-t 1", to);
        let said = first.output.to_lowercase();
        assert!(said.contains(&gateway.to_string()) && said.contains("exceeded"), "{first:?}");
        let second = ping_with(&lab, "p2", "-t 2", to);
        assert_eq!(second.code, Some(0), "{second:?}");
        assert!(second.output.contains("ttl=63"), "{second:?}");
    }
}

/// True for what stations say to each other, as opposed to what they ask of everybody.
fn is_conversation(frame: &Frame) -> bool {
    let at = if frame.0[12..14] == [0x81, 0] { 16 } else { 12 };
    let kind = u16::from_be_bytes([frame.0[at], frame.0[at + 1]]);
    let packet = Packet(frame.0[at + 2..].to_vec());
    match kind {
        IPV4 => true,
        IPV6 => !packet.destination().is_multicast(),
        _ => false,
    }
}

#[test]
fn streams_stay_on_their_host() {
    let lab = two();
    for (from, to, subnet) in [("p2", "p4", GREEN), ("p4", "p2", BLUE)] {
        for ip in lab.vm(to).ips_in(subnet) {
            let (from, to) = (&lab.vm(from).namespace, &lab.vm(to).namespace);
            let octets = Iperf::Tcp.run(from, to, ip);
            assert!(octets > 1 << 20, "{octets} octets over TCP to {ip}");
            let octets = Iperf::Udp(1200).run(from, to, ip);
            assert!(octets > 100_000, "{octets} octets over UDP to {ip}");
        }
    }
    let strayed: Vec<Frame> = lab.heard("u9").into_iter().filter(is_conversation).collect();
    assert!(strayed.is_empty(), "{} frames have left by the uplink: {:?}", strayed.len(), strayed.first());
    let sent = lab.host.counters("p2");
    assert!(sent.out_bytes / sent.out_packets > 1600, "no frames of several segments were sent: {sent:?}");
    let flows = run(&mut lab.host.cli("flow list --port p2"));
    assert!(flows.contains("10.0.20.4") && flows.contains("fd00:20::4"), "{flows}");
}

#[test]
fn addresses_may_be_those_of_another_router_too() {
    const TWICE: &str = "
- {kind: Router, name: r}
- {kind: Router, name: s}
- {kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Network, name: blue2, vlan: 11, router: s, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green2, vlan: 21, router: s, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02'], ip: [10.0.10.2, 'fd00:10::2']}
- {kind: Port, name: p4, network: green, mac: ['02:00:00:00:00:04'], ip: [10.0.20.4, 'fd00:20::4']}
- {kind: Port, name: x2, network: blue2, mac: ['02:00:00:00:00:02'], ip: [10.0.10.2, 'fd00:10::2']}
- {kind: Port, name: x4, network: green2, mac: ['02:00:00:00:00:04'], ip: [10.0.20.4, 'fd00:20::4']}
";
    let lab = lab(TWICE, &[("p2", BLUE), ("p4", GREEN), ("x2", BLUE), ("x4", GREEN)]);
    let received = || ["p4", "x4"].map(|port| lab.host.counters(port).in_packets);
    for (from, place) in [("p2", 0), ("x2", 1)] {
        let before = received();
        let pings = ping(&lab, from, "p4", GREEN);
        assert!(pings.is_lossless(), "{from}: {pings:?}");
        let after = received();
        assert!(after[place] >= before[place] + pings.sent, "{before:?} {after:?}");
        assert_eq!(after[1 - place], before[1 - place], "{from} was heard on the other side");
    }
}

#[test]
fn a_killed_agent_loses_no_packet_that_is_routed() {
    let mut lab = two();
    let [v4, v6] = lab.vm("p4").ips_in(GREEN);
    let server = Iperf::serve(&lab.vm("p4").namespace);
    let stream = Iperf::background(&lab.vm("p2").namespace, v6, DURATION);
    let pings = [v4, v6].map(|ip| Ping::flood(&lab.vm("p2").namespace, ip, DURATION));
    for _ in 0..5 {
        lab.host.kill_agent();
        lab.host.start_agent();
    }
    for flood in pings {
        let ping = Ping::read(&flood.succeed(GRACE));
        assert!(ping.sent > 100 && ping.is_lossless(), "{ping:?}");
    }
    let seconds = Iperf::intervals(&stream.succeed(GRACE));
    assert!(seconds.len() >= 9 && seconds.iter().all(|octets| *octets > 0), "{seconds:?}");
    server.succeed(GRACE);
    let drops = lab.host.ask(lab.host.client.drops(&None)).unwrap();
    assert!(!drops.iter().any(|row| ["p2", "p4"].contains(&row.port.as_str())), "{drops:?}");
}
