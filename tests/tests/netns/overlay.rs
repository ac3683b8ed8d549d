//! Overlay networks between hosts: what goes through the tunnels, and what does not.

use std::collections::BTreeMap;
use std::time::Duration;

use dvs_tests::netns::frames::{BROADCAST, Frame, MAC_1, STRANGER, data};
use dvs_tests::netns::sites::{Site, Sites};
use dvs_tests::netns::{Iperf, Ping, PinnedThread, Stack, Wire};
use switch_common::addr::GATEWAY_MAC;
use switch_user::model::Validated;

/// Two VMs whose stations are known, one that is learned, and one with the same addresses in another network.
const BLUE: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vni: 5000}
- {apiVersion: dvs/v1, kind: Network, name: green, vni: 6000}
- {apiVersion: dvs/v1, kind: Port, name: p1, network: blue, device: p1, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1, 'fd00::1']}
- {apiVersion: dvs/v1, kind: Port, name: p2, network: blue, device: p2, mac: ['02:00:00:00:00:02'], ip: [10.0.0.2, 'fd00::2']}
- {apiVersion: dvs/v1, kind: Port, name: p3, network: blue, device: p3}
- {apiVersion: dvs/v1, kind: Port, name: p4, network: blue, device: p4}
- {apiVersion: dvs/v1, kind: Port, name: p5, network: green, device: p5}
- {apiVersion: dvs/v1, kind: Port, name: p6, network: green, device: p6}
";

/// A VM in each of two networks behind a router.
const ROUTED: &str = "
- {apiVersion: dvs/v1, kind: Router, name: r}
- {apiVersion: dvs/v1, kind: Network, name: blue, vni: 5000, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {apiVersion: dvs/v1, kind: Network, name: green, vni: 6000, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {apiVersion: dvs/v1, kind: Port, name: p7, network: blue, device: p7, mac: ['02:00:00:00:00:07'], ip: [10.0.10.7, 'fd00:10::7']}
- {apiVersion: dvs/v1, kind: Port, name: p8, network: green, device: p8, mac: ['02:00:00:00:00:08'], ip: [10.0.20.8, 'fd00:20::8']}
- {apiVersion: dvs/v1, kind: Port, name: p9, network: green, device: p9}
";

const PORTS: [&[&str]; 3] = [&["p1", "p4", "p5"], &["p2"], &["p3", "p6"]];

/// Payload of TCP that must go through in a second: far less than any machine does.
const SOME: u64 = 20_000_000;

fn everybody_talks(ipv6: bool) {
    let sites = Sites::new(ipv6, BLUE, &PORTS, Stack::Speaking);
    for (from, to) in [("p1", "p2"), ("p2", "p3"), ("p3", "p1"), ("p5", "p6")] {
        assert!(sites.ping(from, to).is_lossless(), "{from} to {to}");
    }
    assert!(sites.ping("p5", "p2").is_lost(), "networks are apart");
    let [from, to] = ["p1", "p3"].map(|name| &sites.vm(name).namespace);
    for ip in sites.vm("p3").ips() {
        // Its device carries more than the tunnel, so it has to be told.
        let octets = Iperf::Tcp.run(from, to, ip);
        assert!(octets > SOME, "{octets} octets to {ip}");
    }
}

#[test]
fn over_ipv4() {
    everybody_talks(false);
}

#[test]
fn over_ipv6() {
    everybody_talks(true);
}

#[test]
fn who_sends_too_much_is_told() {
    let sites = Sites::new(false, BLUE, &PORTS, Stack::Speaking);
    let from = &sites.vm("p1").namespace;
    for ip in sites.vm("p2").ips() {
        assert!(Ping::of_packet(1450, from, ip).is_lossless(), "{ip}");
        assert!(Ping::of_packet(1451, from, ip).is_lost(), "{ip}");
        // The sender knows, and says so by itself.
        let said = from.command("ip").args(["route", "get", &ip.to_string()]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains("mtu 1450"), "{said}");
    }
}

#[test]
fn packets_are_routed_where_they_begin() {
    let sites = Sites::new(false, ROUTED, &[&["p7"], &["p8"], &["p9"]], Stack::Bare);
    let captured = ["h1", "h2", "h3"].map(|host| sites.capture(host));
    for (vm, subnet) in [("p7", 10), ("p8", 20), ("p9", 20)] {
        sites.vm(vm).join(subnet);
    }
    for to in ["p8", "p9"] {
        for ip in sites.vm(to).ips_in(20) {
            // The first packet to a station that is not known asks for it.
            Ping::run(&sites.vm("p7").namespace, ip);
            assert!(Ping::run(&sites.vm("p7").namespace, ip).is_lossless(), "{ip}");
        }
    }
    for wire in &captured {
        let inner = tunnelled(wire);
        assert!(!inner.is_empty());
        for (vni, frame) in inner {
            assert!(matches!(vni, 5000 | 6000), "{vni}");
            assert_ne!(frame.0[6..12], GATEWAY_MAC.octets(), "{frame:?}");
        }
    }
}

#[test]
fn every_host_that_needs_one_gets_one_copy() {
    let sites = Sites::new(false, BLUE, &PORTS, Stack::Silent);
    let _pinned = PinnedThread::new();
    let captured = ["h1", "h2", "h3"].map(|host| sites.capture(host));
    let [all, unknown, end] = [
        data(BROADCAST, MAC_1),
        data(STRANGER, MAC_1),
        dvs_tests::netns::frames::data_of(BROADCAST, MAC_1, 99),
    ];
    for frame in [&all, &unknown, &end] {
        sites.vm("p1").wire.send(frame);
    }
    for vm in ["p2", "p3", "p4"] {
        assert_eq!(sites.vm(vm).wire.receive_until(&end), [all.clone(), unknown.clone()], "{vm}");
    }
    for vm in ["p1", "p5", "p6"] {
        assert_eq!(sites.vm(vm).wire.receive_within(Duration::from_millis(50)), None, "{vm}");
    }
    let sent = captured.each_ref().map(|wire| tunnelled(wire).len());
    assert_eq!(sent, [6, 0, 0], "a copy for each of the two others, and none from them");
}

#[test]
fn the_device_for_tunnels_comes_and_goes_and_that_of_others_stays() {
    let mut sites = Sites::new(false, BLUE, &[&["p1"]], Stack::Silent);
    let host = sites.host(1);
    let kind = |host: &Site| host.namespace.link("dvs-vxlan")["linkinfo"]["info_kind"].clone();
    assert_eq!(kind(host), "vxlan");
    let with = host.desired.clone();
    let without = Validated { networks: BTreeMap::new(), ports: BTreeMap::new(), ..with.clone() };
    assert!(host.reconcile("h1", &without).is_empty());
    // Only where there is none can somebody else make one.
    host.namespace.ip("link add dvs-vxlan type veth peer name other");
    let errors = host.reconcile("h1", &with);
    assert!(errors[0].contains("dvs-vxlan that this switch has not made"), "{errors:?}");
    assert!(host.reconcile("h1", &without).is_empty());
    assert_eq!(kind(host), "veth");
    host.namespace.ip("link del dvs-vxlan");
    assert!(host.reconcile("h1", &with).is_empty());
    assert_eq!(kind(host), "vxlan");
}

/// The frames in VXLAN packets over IPv4 that a wire has, with their VNIs.
fn tunnelled(wire: &Wire) -> Vec<(u32, Frame)> {
    const UDP: usize = 14 + 20;
    const INNER: usize = UDP + 8 + 8;
    let frames = std::iter::from_fn(|| wire.receive_within(Duration::from_millis(20)));
    let inner = frames.filter_map(|Frame(octets)| {
        let is_tunnel =
            octets.get(12..14)? == [8, 0] && octets.get(UDP + 2..UDP + 4)? == 4789_u16.to_be_bytes();
        let [_, a, b, c] = *octets.get(UDP + 11..)?.first_chunk()?;
        is_tunnel.then(|| (u32::from_be_bytes([0, a, b, c]), Frame(octets[INNER..].to_vec())))
    });
    inner.collect()
}
