//! Packets that are too large for the next network.

use dvs_tests::netns::{Iperf, Lab, run};

use super::{BLUE, GREEN, gateways, lab, ping_with};

/// Green carries less than its stations believe.
const NARROW: &str = "
- {kind: Router, name: r}
- {kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green, vlan: 20, mtu: 1400, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02'], ip: [10.0.10.2, 'fd00:10::2']}
- {kind: Port, name: p4, network: green, mac: ['02:00:00:00:00:04'], ip: [10.0.20.4, 'fd00:20::4']}
";

fn narrow() -> Lab {
    let lab = lab(NARROW, &[("p2", BLUE), ("p4", GREEN)]);
    lab.set_mtu("p4", 1500);
    lab
}

#[test]
fn senders_are_told_the_size_that_fits() {
    let lab = narrow();
    for ((ip, gateway), headers) in lab.vm("p4").ips_in(GREEN).into_iter().zip(gateways(BLUE)).zip([28, 48]) {
        let small = ping_with(&lab, "p2", &format!("-M do -s {}", 1400 - headers), ip);
        assert_eq!(small.code, Some(0), "{small:?}");
        let large = ping_with(&lab, "p2", &format!("-M do -s {}", 1401 - headers), ip);
        let said = format!("{}{}", large.output, large.errors).to_lowercase();
        assert!(
            large.code == Some(1) && said.contains(&gateway.to_string()) && said.contains("mtu"),
            "{large:?}"
        );
        assert!(said.contains("1400"), "{large:?}");
        let route = run(lab.vm("p2").namespace.command("ip").args(["route", "get", &ip.to_string()]));
        assert!(route.contains("mtu 1400"), "{route}");
    }
    assert_eq!(lab.host.drops("p2", "packet-too-big"), 2);
}

#[test]
fn streams_find_the_size_that_fits() {
    let lab = narrow();
    for ip in lab.vm("p4").ips_in(GREEN) {
        let octets = Iperf::Tcp.run(&lab.vm("p2").namespace, &lab.vm("p4").namespace, ip);
        assert!(octets > 1 << 20, "{octets} octets to {ip}");
    }
    assert!(lab.host.drops("p2", "packet-too-big") > 0, "nothing was too large");
    assert_eq!(lab.host.drops("p4", "mtu-exceeded"), 0);
}

/// Blue has a station outside.
const OUTSIDE: &str = "
- {kind: Router, name: r}
- {kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green, vlan: 20, mtu: 1400, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Port, name: p4, network: green, mac: ['02:00:00:00:00:04'], ip: [10.0.20.4, 'fd00:20::4']}
- {kind: Uplink, name: u9, vlans: '10', native: 10, xdp: off}
";

/// A sender leaves the checksum of its packets to the device. One that was refused comes back by a device
/// that computes none, so the kernel does, in the middle of the error.
#[test]
fn errors_are_right_where_the_device_computes_no_checksums() {
    let lab = lab(OUTSIDE, &[("u9", BLUE), ("p4", GREEN)]);
    lab.set_mtu("p4", 1500);
    run(lab.host.namespace.command("ethtool").args(["-K", "u9", "tx", "off"]));
    for ip in lab.vm("p4").ips_in(GREEN) {
        let octets = Iperf::Tcp.run(&lab.vm("u9").namespace, &lab.vm("p4").namespace, ip);
        assert!(octets > 1 << 20, "{octets} octets to {ip}");
    }
    assert!(lab.host.drops("u9", "packet-too-big") > 0, "nothing was too large");
}
