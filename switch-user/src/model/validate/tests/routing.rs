//! Subnets, routers and routes.

use ipnet::IpNet;
use switch_common::addr::GATEWAY_MAC;

use super::*;
use crate::model::{NextHop, Route, Router, Subnet, ValidRoute};

/// A network with VLAN 30 and these fields.
#[track_caller]
fn check_network(fields: &str, expected: &[&str]) {
    check(&format!("kind: Router, name: r1\nkind: Network, name: red, vlan: 30, {fields}"), expected);
}

/// Two routers; blue and green, of both families, are in r1, red is in r2 and has green's addresses.
const ROUTED: &str = "kind: Router, name: r1
kind: Router, name: r2, reversePath: off
kind: Network, name: blue, vlan: 10, router: r1, subnet: [10.0.10.0/24, \"fd00:10::/64\"], gateway: [10.0.10.1, \"fd00:10::1\"]
kind: Network, name: green, vlan: 20, router: r1, subnet: [10.0.20.0/24, \"fd00:20::/64\", 10.0.21.0/24], gateway: [10.0.20.1, \"fd00:20::1\"]
kind: Network, name: red, vlan: 30, router: r2, subnet: [10.0.20.0/24], gateway: [10.0.20.1]";

#[track_caller]
fn check_routed(objects: &str, expected: &[&str]) {
    assert_eq!(problems(&lines(&format!("{ROUTED}\n{objects}"))), expected, "{objects}");
}

/// A route of r1 to 10.99.0.0/16.
#[track_caller]
fn check_route(fields: &str, expected: &[&str]) {
    check_routed(&format!("kind: Route, router: r1, prefix: 10.99.0.0/16, {fields}"), expected);
}

#[test]
fn a_subnet_has_no_host_bits() {
    check_network("subnet: [10.0.30.7/24]", &["Network red subnet \"10.0.30.7/24\" host-bits"]);
    check_network("subnet: [\"fd00::1/64\"]", &["Network red subnet \"fd00::1/64\" host-bits"]);
}

#[test]
fn reserved_subnets_are_refused() {
    for subnet in [
        "0.0.0.0/0",
        "0.1.0.0/16",
        "127.0.1.0/24",
        "169.254.0.0/16",
        "224.0.0.0/24",
        "240.0.0.0/8",
        "::/0",
        "::1/128",
        "::ffff:10.0.0.0/104",
        "fe80::/64",
        "ff02::/64",
    ] {
        let expected = format!("Network red subnet {subnet:?} reserved-subnet");
        check_network(&format!("subnet: [{subnet:?}]"), &[&expected]);
    }
    check_network("subnet: [10.0.0.0/8, \"fd00::/8\", 223.255.255.0/24, \"2001:db8::/64\"]", &[]);
}

#[test]
fn a_gateway_is_a_host_of_its_subnet() {
    for (gateway, reason) in [
        ("10.0.31.1", "gateway-outside"),
        ("fd00::1", "gateway-outside"),
        ("10.0.30.0", "not-a-host"),
        ("10.0.30.255", "not-a-host"),
    ] {
        let expected = format!("Network red gateway {gateway:?} {reason}");
        check_network(&format!("subnet: [10.0.30.0/24], gateway: [{gateway:?}]"), &[&expected]);
    }
    let anycast = "Network red gateway \"fd00:30::\" not-a-host";
    check_network("subnet: [\"fd00:30::/64\"], gateway: [\"fd00:30::\"]", &[anycast]);
    check_network("subnet: [\"fd00:30::/64\"], gateway: [\"fd00:30::ffff:ffff:ffff:ffff\"]", &[]);
}

#[test]
fn the_smallest_subnets_have_two_hosts() {
    check_network("subnet: [10.0.30.0/31], gateway: [10.0.30.0]", &[]);
    check_network("subnet: [\"fd00:30::/127\"], gateway: [\"fd00:30::\"]", &[]);
    check_network("subnet: [10.0.30.1/32]", &[]);
    let small = "Network red gateway \"10.0.30.1\" subnet-too-small";
    check_network("subnet: [10.0.30.1/32], gateway: [10.0.30.1]", &[small]);
}

#[test]
fn a_subnet_has_one_gateway_or_none() {
    let twice = "Network red gateway \"10.0.30.2\" gateway-twice";
    check_network("subnet: [10.0.30.0/24], gateway: [10.0.30.1, 10.0.30.2]", &[twice]);
    check_network("subnet: [10.0.30.0/24, 10.0.31.0/24], gateway: [10.0.31.1], router: r1", &[]);
}

#[test]
fn a_network_in_a_router_has_a_gateway() {
    check_network("subnet: [10.0.30.0/24], router: r1", &["Network red router \"r1\" no-gateway"]);
    check_network("router: r1", &["Network red router \"r1\" no-gateway"]);
    let unknown = "Network red router \"r9\" unknown-router";
    check_network("subnet: [10.0.30.0/24], gateway: [10.0.30.1], router: r9", &[unknown]);
}

#[test]
fn ipv6_needs_its_mtu() {
    check_network("subnet: [\"fd00:30::/64\"], mtu: 1279", &["Network red mtu 1279 mtu-below-ipv6"]);
    check_network("subnet: [\"fd00:30::/64\"], mtu: 67", &["Network red mtu 67 out-of-range"]);
    check_network("subnet: [\"fd00:30::/64\"], mtu: 1280", &[]);
    check_network("subnet: [10.0.30.0/24], mtu: 576", &[]);
}

#[test]
fn advertisements_have_something_to_say() {
    let nothing = "Network red slaac true nothing-to-advertise";
    let network = |subnet: &str, gateway: &str, more: &str| {
        format!("subnet: [{subnet:?}], gateway: [{gateway:?}], slaac: true{more}")
    };
    check_network(&network("fd00:30::/64", "fd00:30::1", ", router: r1"), &[]);
    check_network(&network("fd00:30::/64", "fd00:30::1", ""), &[nothing]);
    check_network(&network("fd00:30::/80", "fd00:30::1", ", router: r1"), &[nothing]);
    check_network(&network("10.0.30.0/24", "10.0.30.1", ", router: r1"), &[nothing]);
    let with_dns = |dns: &str| network("fd00:30::/64", "fd00:30::1", &format!(", router: r1, dns: [{dns}]"));
    check_network(&with_dns("\"fd00::53\", \"2001:db8::53\""), &[]);
    check_network(&with_dns("\"ff02::53\""), &["Network red dns \"ff02::53\" not-unicast"]);
    let nine: Vec<String> = (1..10).map(|host| format!("\"fd00::{host}\"")).collect();
    check_network(&with_dns(&nine.join(",")), &["Network red dns 9 too-many"]);
    check_network("dns: [\"fd00::53\"]", &["Network red dns \"fd00::53\" dns-without-slaac"]);
}

#[test]
fn the_gateways_have_a_unicast_mac() {
    for mac in ["01:00:00:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"] {
        let expected = format!("Switch gatewayMac {mac:?} not-a-station");
        check(&format!("kind: Switch, gatewayMac: {mac:?}"), &[&expected]);
    }
}

#[test]
fn the_subnets_of_a_router_do_not_overlap() {
    let pink = |router: &str, subnet: &str, gateway: &str| {
        format!("kind: Network, name: pink, vlan: 40, {router}subnet: [{subnet}], gateway: [{gateway}]")
    };
    let overlap = "Network pink subnet \"10.0.20.128/25\" subnets-overlap";
    check_routed(&pink("router: r1, ", "10.0.20.128/25", "10.0.20.129"), &[overlap]);
    check_routed(&pink("router: r2, ", "10.0.10.0/25", "10.0.10.1"), &[]);
    check_routed(&pink("", "10.0.20.128/25", "10.0.20.129"), &[]);
    let same = [
        "Network pink subnet \"10.0.10.0/24\" subnets-overlap",
        "Network pink gateway \"10.0.10.1\" gateway-taken",
    ];
    check_routed(&pink("router: r1, ", "10.0.10.0/24", "10.0.10.1"), &same);
    let own = "Network pink subnet \"10.0.40.0/25\" subnets-overlap";
    check_routed(&pink("", "10.0.40.0/24, 10.0.40.0/25", "10.0.40.1"), &[own]);
}

#[test]
fn a_port_does_not_have_the_address_of_its_gateway() {
    for ip in ["10.0.10.1", "fd00:10::1", "fe80::64:76ff:fe73:1"] {
        let expected = format!("Port p1 ip {ip:?} ip-is-gateway");
        check_routed(&format!("kind: Port, name: p1, network: blue, ip: [{ip:?}]"), &[&expected]);
        check_routed(&format!("kind: Port, name: p1, trunk: \"5-15\", ip: [{ip:?}]"), &[&expected]);
    }
    check_routed("kind: Port, name: p1, network: green, ip: [10.0.10.1]", &[]);
    check_routed("kind: Port, name: p1, network: red, ip: [\"fe80::64:76ff:fe73:1\"]", &[]);
    let mac = "Port p1 mac \"02:64:76:73:00:01\" mac-is-gateway";
    check_routed("kind: Port, name: p1, network: red, mac: [\"02:64:76:73:00:01\"]", &[mac]);
}

#[test]
fn a_route_leads_to_one_place() {
    check_route("blackhole: true", &[]);
    check_route("unreachable: true", &[]);
    check_route("via: [10.0.10.2, 10.0.20.2]", &[]);
    check_route("blackhole: false", &["Route r1/10.99.0.0/16 via  no-target"]);
    let several = |field: &str| format!("Route r1/10.99.0.0/16 {field} true several-targets");
    check_route("blackhole: true, unreachable: true", &[&several("unreachable")]);
    check_route("via: [10.0.10.2], blackhole: true", &[&several("blackhole")]);
    check_route("via: [10.0.10.2], unreachable: true", &[&several("unreachable")]);
}

#[test]
fn a_next_hop_is_a_station_in_a_network_of_the_router() {
    for (hop, reason) in [
        ("10.0.30.2", "not-on-link"),
        // A subnet without a gateway: the router has no address to ask from.
        ("10.0.21.2", "not-on-link"),
        ("10.0.10.0", "not-a-host"),
        ("10.0.10.255", "not-a-host"),
        ("10.0.20.1", "next-hop-is-gateway"),
        ("fd00:10::2", "other-family"),
    ] {
        let expected = format!("Route r1/10.99.0.0/16 via {hop:?} {reason}");
        check_route(&format!("via: [10.0.10.2, {hop:?}]"), &[&expected]);
    }
    check_route("via: [10.0.10.2, 10.0.10.2]", &["Route r1/10.99.0.0/16 via \"10.0.10.2\" next-hop-twice"]);
    let v6 = |hop| format!("kind: Route, router: r1, prefix: \"::/0\", via: [{hop:?}]");
    check_routed(&v6("fd00:20::2"), &[]);
    check_routed(&v6("10.0.10.2"), &["Route r1/::/0 via \"10.0.10.2\" other-family"]);
    check_routed(
        "kind: Route, router: r2, prefix: 0.0.0.0/0, via: [10.0.10.2]",
        &["Route r2/0.0.0.0/0 via \"10.0.10.2\" not-on-link"],
    );
}

#[test]
fn a_route_has_sixteen_next_hops_at_most() {
    let hops = |number: u8| {
        let hops: Vec<String> = (2..2 + number).map(|host| format!("10.0.10.{host}")).collect();
        format!("via: [{}]", hops.join(", "))
    };
    check_route(&hops(16), &[]);
    check_route(&hops(17), &["Route r1/10.99.0.0/16 via 17 too-many"]);
}

#[test]
fn a_route_is_to_a_prefix_that_its_router_does_not_have() {
    let route = |prefix: &str| format!("kind: Route, router: r1, prefix: {prefix}, blackhole: true");
    for prefix in ["10.0.10.0/24", "10.0.10.1/32", "10.0.21.0/24"] {
        let expected = format!("Route r1/{prefix} prefix {prefix:?} prefix-taken");
        check_routed(&route(prefix), &[&expected]);
    }
    for prefix in ["10.0.10.0/25", "10.0.10.0/23", "10.0.10.2/32", "0.0.0.0/0", "\"::/0\""] {
        check_routed(&route(prefix), &[]);
    }
    let bits = "Route r1/10.99.0.1/16 prefix \"10.99.0.1/16\" host-bits";
    check_routed(&route("10.99.0.1/16"), &[bits]);
    check_routed(
        "kind: Route, router: r9, prefix: 10.99.0.0/16, blackhole: true",
        &["Route r9/10.99.0.0/16 router \"r9\" unknown-router"],
    );
}

#[test]
fn routers_have_names_and_slots() {
    check("kind: Router, name: \"a/b\"", &["Router a/b name \"a/b\" bad-name"]);
    let mut desired = lines(NETWORKS);
    for number in 1..=MAX_PORTS {
        let name = format!("r{number}");
        desired.put(Object::Router(Router { name, reverse_path: crate::model::ReversePath::Strict }));
    }
    assert_eq!(problems(&desired), ["the switch   too-many-ports"]);
}

/// The objects that are blamed after these were put into the routed networks.
#[track_caller]
fn blamed(before: &str, put: &str) -> Vec<String> {
    let old = lines(&format!("{ROUTED}\n{before}"));
    let mut new = old.clone();
    lines(put).objects().for_each(|object| new.put(object));
    let problems = validate_changes(&new, &changes(&old, &new)).unwrap_err();
    let text = |problem: &Problem| format!("{} {} {}", problem.object, problem.field, problem.reason.name());
    problems.iter().map(text).collect()
}

#[test]
fn the_network_that_changed_is_to_blame() {
    let aqua = "kind: Network, name: aqua, vlan: 40, router: r1, subnet: [10.0.0.0/16], gateway: [10.0.0.1]";
    assert_eq!(blamed("", aqua), ["Network aqua subnet subnets-overlap"; 1]);
    let red = "kind: Network, name: red, vlan: 30, router: r2, subnet: [10.0.30.0/24], gateway: [10.0.30.1]";
    let route = "kind: Route, router: r2, prefix: 10.0.30.0/24, via: [10.0.20.2]";
    assert_eq!(
        blamed(route, red),
        ["Network red subnet prefix-taken", "Route r2/10.0.30.0/24 via not-on-link"]
    );
    let port = "kind: Port, name: p1, network: red, ip: [10.0.30.1]";
    assert_eq!(blamed(port, red), ["Network red gateway gateway-taken"]);
    assert_eq!(blamed("", &format!("{red}\n{port}")), ["Port p1 ip ip-is-gateway"]);
}

#[test]
fn what_is_refused_names_its_remedy() {
    let text =
        |objects: &str| validate(&lines(&format!("{ROUTED}\n{objects}"))).unwrap_err().remove(0).to_string();
    assert_eq!(
        text("kind: Route, router: r1, prefix: 10.99.0.0/16, via: [10.0.10.1]"),
        "Route r1/10.99.0.0/16, field via, value \"10.0.10.1\": this is the router's own address in \
         Network blue, which makes a loop; give the address of another router in that network"
    );
    assert_eq!(
        text("kind: Route, router: r3, prefix: 10.99.0.0/16, blackhole: true"),
        "Route r3/10.99.0.0/16, field router, value \"r3\": there is no such router; create it, or name one \
         of: r1, r2"
    );
    assert_eq!(
        text("kind: Network, name: pink, vlan: 40, subnet: [10.0.40.1/24]"),
        "Network pink, field subnet, value \"10.0.40.1/24\": the address has bits past the prefix length; \
         write 10.0.40.0/24"
    );
}

#[test]
fn the_valid_form_has_subnets_and_next_hops_resolved() {
    let valid = validate(&lines(&format!(
        "{ROUTED}
        kind: Route, router: r1, prefix: 0.0.0.0/0, via: [10.0.20.9, 10.0.10.9]
        kind: Route, router: r1, prefix: 10.99.0.0/16, unreachable: true
        kind: Route, router: r2, prefix: 10.99.0.0/16, blackhole: true"
    )))
    .unwrap();
    let prefix = |text: &str| -> IpNet { text.parse().unwrap() };
    assert_eq!(valid.networks["blue"].router.as_deref(), Some("r1"));
    let subnet = |text: &str, gateway: Option<&str>| Subnet {
        prefix: prefix(text),
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
    };
    assert_eq!(
        valid.networks["green"].subnets,
        [
            subnet("10.0.20.0/24", Some("10.0.20.1")),
            subnet("fd00:20::/64", Some("fd00:20::1")),
            subnet("10.0.21.0/24", None),
        ]
    );
    let hop =
        |address: &str, network: &str| NextHop { address: address.parse().unwrap(), network: network.into() };
    let r1 = &valid.routers["r1"];
    assert_eq!(
        r1.routes[&prefix("0.0.0.0/0")],
        ValidRoute::Via(vec![hop("10.0.20.9", "green"), hop("10.0.10.9", "blue")])
    );
    assert_eq!((r1.reverse_path, &r1.routes[&prefix("10.99.0.0/16")]), (true, &ValidRoute::Unreachable));
    let r2 = &valid.routers["r2"];
    assert_eq!((r2.reverse_path, &r2.routes[&prefix("10.99.0.0/16")]), (false, &ValidRoute::Blackhole));
    assert_eq!((valid.flow_capacity, valid.gateway_mac), (262_144, GATEWAY_MAC));
}

/// So many routes of two next hops each.
fn many_routes(number: u32) -> Desired {
    let mut desired = lines(ROUTED);
    let via: Vec<_> = (2..4).map(|host| [10, 0, 10, host].into()).collect();
    for number in 0..number {
        let prefix = IpNet::new_assert((0x1400_0000 + (number << 4)).to_be_bytes().into(), 28);
        let router = "r1".to_owned();
        let route = Route { router, prefix, via: via.clone(), blackhole: false, unreachable: false };
        desired.put(Object::Route(route));
    }
    desired
}

#[test]
fn many_routes_are_proven_with_little_effort() {
    let effort = |number| {
        let desired = many_routes(number);
        effort::of(|| assert!(validate(&desired).is_ok()))
    };
    let (small, large) = (effort(2_000), effort(20_000));
    // Ten times the routes are about ten times the effort; to put down each with each would be a hundred times.
    assert!(large < 15 * small, "{large} against {small}");
}
