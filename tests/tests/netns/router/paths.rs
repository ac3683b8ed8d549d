//! Static routes: they come, go, and spread flows.

use std::{net::IpAddr, time::Duration};

use dvs_tests::netns::{Lab, Ping, Process, until, within};

use super::{DURATION, GRACE, GREEN, dvs, gateways, ping_becomes_lossless, two};

/// Somebody far away, to whom the VMs in green know the way: they are it.
const FAR: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// How long it may take to notice that a station has died: half a minute of silence, three questions.
const DEATH: Duration = Duration::from_mins(1);

fn far() -> [IpAddr; 2] {
    FAR.map(|text| text.parse().unwrap())
}

/// VMs in green that answer for somebody far away.
fn with_far() -> Lab {
    let lab = two();
    for vm in ["p5", "p6"] {
        lab.vm(vm).namespace.ip(&FAR.map(|ip| format!("addr add {ip} dev lo")).join("\n"));
    }
    lab
}

/// Adds routes to somebody far away by these VMs, or changes them.
#[track_caller]
fn route_by(lab: &Lab, verb: &str, numbers: &[u8]) {
    let via =
        |prefix: &str| numbers.iter().map(|number| format!("{prefix}{number}")).collect::<Vec<_>>().join(",");
    dvs(lab, &format!("route {verb} 192.0.2.0/24 --router r --via {}", via("10.0.20.")));
    dvs(lab, &format!("route {verb} 2001:db8::/32 --router r --via {}", via("fd00:20::")));
}

fn received(lab: &Lab, port: &str) -> u64 {
    lab.host.counters(port).in_packets
}

#[test]
fn a_route_leads_running_flows() {
    let lab = with_far();
    for ip in far() {
        assert!(Ping::run(&lab.vm("p2").namespace, ip).is_lost());
    }
    assert!(lab.host.drops("p2", "no-route") >= 6);
    route_by(&lab, "add", &[5]);
    for ip in far() {
        ping_becomes_lossless(&lab, "p2", ip);
    }
    for vm in ["p5", "p6"] {
        // Both are known: what has to be found out costs packets.
        for ip in gateways(GREEN) {
            ping_becomes_lossless(&lab, vm, ip);
        }
    }
    let pings = far().map(|ip| Ping::flood(&lab.vm("p2").namespace, ip, DURATION));
    let before = received(&lab, "p5");
    until("p5 gets pings", || (received(&lab, "p5") > before + 100).then_some(()));
    // The way changes under the flow, and no packet is lost with that.
    route_by(&lab, "set", &[6]);
    let [of5, of6] = ["p5", "p6"].map(|port| received(&lab, port));
    until("p6 gets them", || (received(&lab, "p6") > of6 + 100).then_some(()));
    let late = received(&lab, "p5") - of5;
    assert!(late < 50, "p5 has got {late} more");
    for flood in pings {
        let ping = Ping::read(&flood.succeed(GRACE));
        assert!(ping.sent > 100 && ping.is_lossless(), "{ping:?}");
    }
    dvs(&lab, "route remove 192.0.2.0/24 --router r");
    dvs(&lab, "route remove 2001:db8::/32 --router r");
    for ip in far() {
        assert!(Ping::run(&lab.vm("p2").namespace, ip).is_lost());
    }
}

#[test]
fn routes_say_what_becomes_of_packets() {
    let lab = with_far();
    for (route, reason) in [("blackhole", "blackhole"), ("unreachable", "unreachable")] {
        dvs(&lab, &format!("route add 192.0.2.0/24 --router r --{route}"));
        assert!(Ping::run(&lab.vm("p2").namespace, far()[0]).is_lost());
        assert!(lab.host.drops("p2", reason) >= 3, "{route}");
        dvs(&lab, "route remove 192.0.2.0/24 --router r");
    }
}

/// Starts many flows, each of a ping.
#[track_caller]
fn many_flows(lab: &Lab, ip: IpAddr) -> usize {
    let pings: Vec<_> = (0..16)
        .map(|_| {
            let mut command = lab.vm("p2").namespace.command("ping");
            Process::start(command.args(["-q", "-n", "-c", "1", "-W", "2", &ip.to_string()]))
        })
        .collect();
    let codes = pings.into_iter().map(|ping| ping.finish(GRACE).code);
    codes.filter(|code| *code == Some(0)).count()
}

#[test]
fn flows_are_spread_over_next_hops_that_live() {
    let mut lab = with_far();
    route_by(&lab, "add", &[5, 6]);
    for ip in far() {
        until("both next hops are known", || (many_flows(&lab, ip) == 16).then_some(()));
        let before = ["p5", "p6"].map(|port| received(&lab, port));
        assert_eq!(many_flows(&lab, ip), 16, "{ip}");
        let after = ["p5", "p6"].map(|port| received(&lab, port));
        assert!(
            after[0] > before[0] && after[1] > before[1],
            "all flows to {ip} go one way: {before:?} {after:?}"
        );
    }
    lab.unplug("p6");
    for ip in far() {
        let alive = within(DEATH, || (many_flows(&lab, ip) == 16).then_some(()));
        assert!(alive.is_some(), "flows to {ip} go by the one that is dead");
        ping_becomes_lossless(&lab, "p2", ip);
    }
}
