//! Who has which address, and who is told.

use dvs_tests::{
    frame::Frame,
    netns::{LIMIT, Lab, run, until, within},
};
use switch_common::wire::eth::ARP;

use super::{BLUE, GREEN, gateways, lab, ping, ping_becomes_lossless};

/// Ports of which nothing is known.
const UNGUARDED: &str = "
- {kind: Router, name: r}
- {kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p4, network: green}
- {kind: Uplink, name: u9, vlans: '10'}
";

#[test]
fn stations_that_nobody_configured_are_asked_for() {
    let lab = lab(UNGUARDED, &[("p2", BLUE), ("p4", GREEN)]);
    for ip in lab.vm("p4").ips_in(GREEN) {
        ping_becomes_lossless(&lab, "p2", ip);
    }
    let known = run(&mut lab.host.cli("neigh list"));
    for ip in lab.vm("p4").ips_in(GREEN) {
        assert!(known.contains(&ip.to_string()), "{ip} is not in\n{known}");
    }
}

#[test]
fn a_station_that_is_not_there_is_told_of() {
    let lab = lab(UNGUARDED, &[("p2", BLUE), ("p4", GREEN)]);
    for ip in ["10.0.20.77", "fd00:20::77"] {
        let mut command = lab.vm("p2").namespace.command("ping");
        command.args(["-n", "-c", "30", "-i", "0.2", ip]);
        let said = dvs_tests::netns::finish(&mut command).output;
        let [v4, v6] = gateways(BLUE);
        let router = if ip.contains('.') { v4 } else { v6 };
        assert!(said.contains("nreachable") && said.contains(&router.to_string()), "{said}");
    }
    assert!(lab.host.drops("p2", "neighbour-dead") > 0);
}

/// A frame that asks for a station.
fn is_request(frame: &Frame) -> bool {
    let arp = frame.0[12..14] == ARP.to_be_bytes();
    let solicitation = frame.0[12..14] == [0x86, 0xdd] && frame.0[20] == 58 && frame.0.get(54) == Some(&135);
    arp || solicitation
}

#[test]
fn requests_for_known_stations_go_nowhere() {
    const BLUE_ONLY: &str = "
- {kind: Network, name: blue, vlan: 10, subnet: [10.0.10.0/24, 'fd00:10::/64']}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02'], ip: [10.0.10.2, 'fd00:10::2']}
- {kind: Port, name: p3, network: blue, mac: ['02:00:00:00:00:03'], ip: [10.0.10.3, 'fd00:10::3']}
- {kind: Port, name: p4, network: blue}
";
    let lab = Lab::bare(BLUE_ONLY);
    for vm in ["p2", "p3", "p4"] {
        let [v4, v6] = lab.vm(vm).ips_in(BLUE);
        lab.vm(vm).namespace.ip(&format!("addr add {v4}/24 dev eth0\naddr add {v6}/64 dev eth0"));
    }
    // Whatever they have said of themselves when they came.
    lab.heard("p4");
    let pings = ping(&lab, "p2", "p3", BLUE);
    assert!(pings.is_lossless(), "{pings:?}");
    let heard: Vec<Frame> = lab.heard("p4").into_iter().filter(is_request).collect();
    assert!(heard.is_empty(), "{heard:?}");
    // One that is not known is asked for, so the ear above is no deaf one.
    ping(&lab, "p2", "p4", BLUE);
    assert!(lab.heard("p4").iter().any(is_request));
}

#[test]
fn a_station_makes_its_own_address() {
    const SLAAC: &str = "
- {kind: Router, name: r}
- {kind: Network, name: blue, vlan: 10, router: r, slaac: true, subnet: ['fd00:10::/64'], gateway: ['fd00:10::1']}
- {kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p4, network: green, mac: ['02:00:00:00:00:04'], ip: [10.0.20.4, 'fd00:20::4']}
";
    let lab = lab(SLAAC, &[("p4", GREEN)]);
    let address = "fd00:10::ff:fe00:2";
    let has = |what: &str, word: &str| {
        let mut command = lab.vm("p2").namespace.command("ip");
        run(command.args(what.split(' '))).contains(word)
    };
    until("the VM has an address", || has("-6 addr show dev eth0", address).then_some(()));
    assert!(has("-6 route show default", "via fe80::64:76ff:fe73:1"));
    let [_, v6] = lab.vm("p4").ips_in(GREEN);
    ping_becomes_lossless(&lab, "p2", v6);
    ping_becomes_lossless(&lab, "p4", address.parse().unwrap());
    let counted = within(LIMIT, || (lab.host.counters("p2").out_packets > 0).then_some(()));
    assert!(counted.is_some());
}
