//! A flood of connections that nobody means.

use std::{
    io::ErrorKind,
    net::IpAddr,
    time::{Duration, Instant},
};

use dvs_tests::netns::{
    Lab, Process, run,
    socket::{Connection, listen, try_connect},
    until,
};

use switch_user::report::AlarmKind;

use super::{HTTPS, SSH, WEB, dvs, ips, lab};

/// How long the flood lasts.
const FLOOD: Duration = Duration::from_secs(2);

/// Floods a server from any address, until it is dropped, and waits until its port or uplink has its fill.
#[track_caller]
fn flood(lab: &Lab, from: &str, to: IpAddr) -> Process {
    let mut command = lab.vm(from).namespace.command("hping3");
    command.args(["-q", "-n", "-S", "--flood", "--rand-source", "-p", "443", &to.to_string()]);
    let flood = Process::start(&mut command);
    until("the flood has begun", || (lab.host.drops(from, "connections-full") > 1000).then_some(()));
    flood
}

#[test]
fn connections_live_through_a_flood() {
    let lab = lab(WEB);
    // Whoever floods sends from any address.
    dvs(&lab, "port set p3 --clear ip");
    let [v4, v6] = ips(&lab, "p2");
    let server = &lab.vm("p2").namespace;
    let [flooded, other] = [HTTPS, SSH].map(|port| listen(server, port));
    let established = [("p4", v4), ("u9", v4), ("p4", v6)]
        .map(|(from, ip)| Connection::open(&lab.vm(from).namespace, ip, &flooded));
    let flood = flood(&lab, "p3", v4);
    let end = Instant::now() + FLOOD;
    let mut rounds = 0_u32;
    while Instant::now() < end || rounds < 10 {
        for connection in &established {
            connection.talk();
        }
        for client in ["p4", "u9"] {
            Connection::open(&lab.vm(client).namespace, v4, &other).talk();
        }
        rounds += 1;
    }
    let alarm = |of: &str| lab.host.status().alarms.into_iter().find(|alarm| alarm.of == of);
    let told = until("there is an alarm", || alarm("p3"));
    assert_eq!(told.kind, AlarmKind::FlowsWithoutEntry);
    assert_eq!(alarm("p4"), None);
    drop(flood);
    let full = lab.host.drops("p3", "connections-full");
    println!("{rounds} rounds, {full} connections too many\n{}", run(&mut lab.host.cli("stats")));
    for connection in &established {
        connection.talk();
    }
    let drops = run(&mut lab.host.cli("drops"));
    assert_eq!(lab.host.drops("p4", "no-connection") + lab.host.drops("u9", "no-connection"), 0, "{drops}");
    assert_eq!(lab.host.drops("p4", "connections-full"), 0, "{drops}");
}

/// Whoever comes in by an uplink shares its quota with all others who do: the switch cannot tell who is who.
#[test]
fn a_flood_from_outside_keeps_out_who_comes_from_there() {
    let lab = lab(WEB);
    let [v4, v6] = ips(&lab, "p2");
    let server = &lab.vm("p2").namespace;
    let listener = listen(server, HTTPS);
    let outside = &lab.vm("u9").namespace;
    let established = [("u9", v4), ("u9", v6), ("p4", v4)]
        .map(|(from, ip)| Connection::open(&lab.vm(from).namespace, ip, &listener));
    let flood = flood(&lab, "u9", v4);
    let end = Instant::now() + FLOOD;
    let mut rounds = 0_u32;
    while Instant::now() < end || rounds < 5 {
        established.iter().for_each(Connection::talk);
        // Who does not come by the uplink has a quota of its own.
        for client in ["p3", "p4"] {
            Connection::open(&lab.vm(client).namespace, v4, &listener).talk();
        }
        rounds += 1;
    }
    let refused = try_connect(outside, v4, HTTPS).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::TimedOut), "{}", run(&mut lab.host.cli("drops")));
    drop(flood);
    println!("{rounds} rounds\n{}", run(&mut lab.host.cli("drops")));
    // Each half-open connection ends by itself, and then the uplink is open again.
    until("somebody gets in", || try_connect(outside, v4, HTTPS).ok());
    established.iter().for_each(Connection::talk);
    for client in ["p2", "p3", "p4"] {
        assert_eq!(lab.host.drops(client, "connections-full"), 0, "{client}");
    }
    assert_eq!(lab.host.drops("u9", "no-connection") + lab.host.drops("p2", "no-connection"), 0);
}
