//! Wall clocks that are wrong: they are for people and for the validity of certificates, and decide nothing else.

use dvs_tests::netns::{Clock, Cluster, run, until};
use switch_user::api::HostState;

use super::hosts::{OBJECTS, pinging, reaches, start, stop, with_vms};

/// Half an hour, by which one is ahead and the other one behind.
const HALF: i64 = 30 * 60;
/// When no certificate of these tests is valid.
const YEARS: i64 = 20 * 365 * 24 * 3600;

#[test]
fn clocks_may_differ_and_jump() {
    let (mut cluster, one, two) = with_vms(Cluster::over_etcd(3, OBJECTS));
    let pings = pinging(&two, one.ips()[0]);
    let [ahead, behind] = [HALF, -HALF].map(Clock::ahead);
    // The first host follows the first manager, from which it differs by an hour.
    cluster.managers.set_clock(&ahead);
    cluster.managers.kill(1);
    cluster.managers.start(1);
    cluster.host(1).set_clock(&behind);
    cluster.host(1).start_agent();
    for (port, clocks) in [("p3", [HALF, -HALF]), ("p4", [-HALF, HALF])] {
        ahead.set(clocks[0]);
        behind.set(clocks[1]);
        run(&mut cluster.managers.cli(&format!("port set {port} --label at={port} --wait")));
        let vm = start(&mut cluster, port, 1);
        cluster.port_opens(port, 1);
        reaches(&two, &vm);
    }
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
    for number in [1, 2] {
        let log = cluster.managers.log(number);
        assert!(!log.contains("host is dead"), "nobody was taken for dead: {log}");
    }
    cluster.host(1).kill_agent();
    cluster.host_becomes("h1", HostState::Dead);
    let again = start(&mut cluster, "p1", 3);
    cluster.port_opens("p1", 3);
    drop(one);
    reaches(&two, &again);
}

#[test]
fn a_host_whose_clock_is_years_ahead_goes_on_alone_and_says_why() {
    let (mut cluster, one, two) = with_vms(Cluster::new(3, OBJECTS));
    let pings = pinging(&two, one.ips()[0]);
    let clock = Clock::ahead(YEARS);
    cluster.host(1).set_clock(&clock);
    cluster.host(1).start_agent();
    let said = until("the host tells why it follows nobody", || {
        let log = cluster.hosts[0].log();
        log.lines().find(|line| line.contains("the manager at")).map(str::to_owned)
    });
    assert!(said.contains("expired") && said.contains("clock"), "{said}");
    cluster.port_opens("p1", 1);
    clock.set(0);
    cluster.host_becomes("h1", HostState::Alive);
    until("the host follows the manager", || {
        run(&mut cluster.hosts[0].cli("status")).contains(", connected for").then_some(())
    });
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
}
