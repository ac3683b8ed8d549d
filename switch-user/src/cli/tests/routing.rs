//! Routers, routes and routed networks.

use serde_json::{Value, json};

use super::*;

impl Agent {
    /// With networks blue (VLAN 10, both families) and green (20) in router r1.
    fn with_router() -> Self {
        let agent = Self::new();
        for line in [
            "router add r1",
            "network add blue --vlan 10 --subnet 10.0.10.0/24 --gateway 10.0.10.1 --subnet fd00:10::/64 \
             --gateway fd00:10::1 --router r1 --slaac --dns fd00::53 --dns fd00::54",
            "network add green --vlan 20 --subnet 10.0.20.0/24 --gateway 10.0.20.1 --router r1",
        ] {
            agent.ok(line);
        }
        agent
    }
}

#[track_caller]
fn check(line: &str, error: &str) {
    assert_eq!(Agent::with_router().refused(line), format!("error: {error}"), "{line}");
}

#[test]
fn changes_are_told() {
    let agent = Agent::with_router();
    assert_eq!(agent.ok("router add r2 --reverse-path off"), "Router r2 created\n");
    assert_eq!(
        agent.ok("router set r2 --reverse-path strict --wait"),
        "Router r2 updated: reversePath\ngeneration 5 applied\n"
    );
    assert_eq!(agent.ok("router remove r2"), "Router r2 removed\n");
    assert_eq!(agent.ok("route add 10.0.0.0/8 --router r1 --via 10.0.20.9"), "Route r1/10.0.0.0/8 created\n");
    assert_eq!(
        agent.ok("route set 10.0.0.0/8 --router r1 --unreachable"),
        "Route r1/10.0.0.0/8 updated: unreachable, via\n"
    );
    assert_eq!(
        agent.ok("route set 10.0.0.0/8 --router r1 --blackhole"),
        "Route r1/10.0.0.0/8 updated: blackhole, unreachable\n"
    );
    assert_eq!(
        agent.ok("route set 10.0.0.0/8 --router r1 --via 10.0.10.9,10.0.20.9"),
        "Route r1/10.0.0.0/8 updated: blackhole, via\n"
    );
    assert_eq!(
        agent.ok("route show 10.0.0.0/8 --router r1"),
        "name:  r1/10.0.0.0/8\nvia:   10.0.10.9, 10.0.20.9\n"
    );
    assert_eq!(agent.ok("route remove 10.0.0.0/8 --router r1"), "Route r1/10.0.0.0/8 removed\n");
    assert_eq!(agent.ok("network set green --clear router --slaac=false"), "Network green updated: router\n");
    assert_eq!(
        agent.ok("switch set --flow-capacity 4096 --gateway-mac 02:00:00:00:01:00"),
        "Switch created\n"
    );
}

#[test]
fn the_default_route_has_the_family_of_its_next_hops() {
    let agent = Agent::with_router();
    assert_eq!(agent.ok("route add default --router r1 --via 10.0.10.9"), "Route r1/0.0.0.0/0 created\n");
    assert_eq!(agent.ok("route add default --router r1 --via fd00:10::9"), "Route r1/::/0 created\n");
    assert_eq!(agent.ok("route remove default --router r1"), "Route r1/0.0.0.0/0 removed\n");
    assert_eq!(agent.ok("route remove ::/0 --router r1"), "Route r1/::/0 removed\n");
    assert_eq!(agent.ok("route add default --router r1 --blackhole"), "Route r1/0.0.0.0/0 created\n");
}

#[test]
fn networks_and_routers_are_listed() {
    let agent = Agent::with_router();
    agent.ok("router add r2 --reverse-path off");
    agent.ok("route add default --router r1 --via 10.0.10.9");
    let networks = "NAME   VLAN  VNI  MTU  ROUTER  SUBNETS                    PORTS
blue   10    -    -    r1      10.0.10.0/24,fd00:10::/64  0
green  20    -    -    r1      10.0.20.0/24               0
";
    assert_eq!(agent.ok("network list"), networks);
    let routers = "NAME  REVERSE-PATH  NETWORKS    ROUTES
r1    strict        blue,green  1
r2    off           -           0
";
    assert_eq!(agent.ok("router list"), routers);
    assert_eq!(agent.ok("router show r2"), "name:         r2\nreversePath:  off\n");
    let shown = agent.ok("network show blue");
    for line in ["gateway:  10.0.10.1, fd00:10::1", "dns:      fd00::53, fd00::54", "slaac:    true"] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} in\n{shown}");
    }
}

#[test]
fn routes_are_listed_with_those_of_the_subnets() {
    let agent = Agent::with_router();
    for line in [
        "router add r2",
        "route add 10.0.0.0/8 --router r1 --via 10.0.20.9,10.0.10.9,10.0.10.8",
        "route add 9.0.0.0/8 --router r1 --blackhole",
        "route add default --router r2 --unreachable",
    ] {
        agent.ok(line);
    }
    let r1 = "PREFIX        ROUTER  TYPE       VIA                            NETWORK
9.0.0.0/8     r1      blackhole  -                              -
10.0.0.0/8    r1      static     10.0.20.9,10.0.10.9,10.0.10.8  blue,green
10.0.10.0/24  r1      connected  -                              blue
10.0.20.0/24  r1      connected  -                              green
fd00:10::/64  r1      connected  -                              blue
";
    assert_eq!(agent.ok("route list --router r1"), r1);
    let all = agent.ok("route list");
    assert_eq!(all.lines().count(), 7);
    let words: Vec<&str> = all.lines().last().unwrap_or_default().split_whitespace().collect();
    assert_eq!(words, ["0.0.0.0/0", "r2", "unreachable", "-", "-"]);
    let listed: Value = serde_json::from_str(&agent.ok("route list --router r2 -o json")).unwrap();
    let route = json!({"apiVersion": "dvs/v1", "kind": "Route", "router": "r2", "prefix": "0.0.0.0/0",
        "unreachable": true});
    assert_eq!(listed, json!([route]));
}

#[test]
fn what_is_exported_is_applied_again() {
    let agent = Agent::with_router();
    agent.ok("route add default --router r1 --via 10.0.10.9");
    let file = agent.file(&agent.ok("export -o yaml"));
    assert_eq!(agent.ok(&format!("apply --prune -f {}", file.display())), "no change\n");
    assert_eq!(agent.ok(&format!("diff -f {}", file.display())), "");
}

#[test]
fn bad_input_is_refused_with_its_remedy() {
    check(
        "network add red --vlan 30 --subnet 10.0.10.128/25 --gateway 10.0.10.129 --router r1",
        "Network red, field subnet, value \"10.0.10.128/25\": Network blue has 10.0.10.0/24 already, which \
         overlaps; choose another prefix, or put the network into another router",
    );
    check(
        "network add red --vlan 30 --subnet 10.0.30",
        "Network red, field subnet[0], value \"10.0.30\": this is not a prefix; write an address and a prefix \
         length, such as 10.0.0.0/8 or fd00::/64",
    );
    check(
        "network set blue --router r9",
        "Network blue, field router, value \"r9\": there is no such router; create it, or name one of: r1",
    );
    check(
        "route add 10.99.0.0/16 --router r1 --via 10.0.30.9",
        "Route r1/10.99.0.0/16, field via, value \"10.0.30.9\": no network of router r1 has a subnet, with a \
         gateway, that this address is in; give the address of a station in one of the router's networks",
    );
    check(
        "route add 10.99.0.0/16 --router r1",
        "Route r1/10.99.0.0/16, field via: the route leads nowhere; give one of via, blackhole and unreachable",
    );
    check(
        "route add ten --router r1 --blackhole",
        "Route r1/ten, field prefix, value \"ten\": this is not a prefix; write an address and a prefix length, \
         such as 10.0.0.0/8 or fd00::/64",
    );
    check(
        "switch set --gateway-mac ff:ff:ff:ff:ff:ff",
        "Switch, field gatewayMac, value \"ff:ff:ff:ff:ff:ff\": no station can have this address; give a \
         unicast MAC address: not all zeros, the second digit even",
    );
    check("route set 10.0.0.0/8 --router r1", "nothing to set: give at least one field, see --help");
    check(
        "router remove r1",
        "Router r1: Network blue, Network green still use it; remove its routes first, and take its networks out",
    );
    let missing = "there is no Route r1/10.0.0.0/8; see which there are (dvs router|network|host|port|uplink|route|group|policy|rule list)";
    for line in ["route show 10.0.0.0/8", "route remove 10.0.0.0/8", "route set 10.0.0.0/8 --blackhole"] {
        check(&format!("{line} --router r1"), missing);
    }
    check(
        "route list --router r9",
        "there is no Router r9; see which there are (dvs router|network|host|port|uplink|route|group|policy|rule list)",
    );
}
