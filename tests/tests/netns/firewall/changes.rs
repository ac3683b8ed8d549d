//! Rules change while connections are under way.

use std::{
    net::{IpAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use dvs_tests::netns::{
    Lab, Ping,
    socket::{Connection, ask, is_empty, listen, send_datagrams, take_datagrams},
    until,
};

use super::{DNS, HTTPS, OTHER, PAIRS, SSH, WEB, dropping, dvs, ips, lab};

/// Taking the rule away, and putting it back.
const REMOVE: &str = "rule remove web https";
const ADD: &str = "rule add web https --priority 10 --direction in --action allow --proto tcp --port 443";

/// Connections of all pairs to a port.
#[track_caller]
pub(super) fn connections(lab: &Lab, port: u16) -> Vec<(&'static str, Connection)> {
    let listeners = ["p2", "p5"].map(|server| (server, listen(&lab.vm(server).namespace, port)));
    let of_pair = |(client, server): (&'static str, &'static str)| {
        let (_, listener) = listeners.iter().find(|(name, _)| *name == server).unwrap();
        ips(lab, server).map(|ip| (server, Connection::open(&lab.vm(client).namespace, ip, listener)))
    };
    PAIRS.into_iter().flat_map(of_pair).collect()
}

#[test]
fn a_change_cuts_a_connection_and_lets_it_go_on() {
    let lab = lab(WEB);
    let (cut, other) = (connections(&lab, HTTPS), connections(&lab, SSH));
    for (_, connection) in cut.iter().chain(&other) {
        connection.talk();
    }
    dvs(&lab, REMOVE);
    for (server, connection) in &cut {
        dropping(&lab, (server, "policy-out"), || {
            dropping(&lab, (server, "policy-in"), || connection.speak(b"late"));
        });
    }
    for (_, connection) in &other {
        connection.talk();
    }
    for (server, connection) in &cut {
        assert!(connection.is_silent(), "{server}: {connection:?} goes on");
    }
    dvs(&lab, ADD);
    for (_, connection) in &cut {
        // What was said meanwhile is sent again until it arrives.
        connection.hear(b"late");
        connection.talk();
    }
}

/// Rules of which one or the other allows what is going on.
fn turns(turn: usize) -> String {
    let ports = if turn.is_multiple_of(2) { ["53,5201", "9"] } else { ["9", "53,5201"] };
    let rule = |name: &str, proto: &str, port: &str| {
        format!(
            "- {{kind: Rule, policy: web, name: {name}-{proto}, priority: 10, direction: in, action: allow, proto: {proto}, port: '{port}'}}\n"
        )
    };
    let both = |name, port| rule(name, "udp", port) + &rule(name, "tcp", port);
    both("one", ports[0]) + &both("two", ports[1])
}

/// Asks over and over, now and then from another port, until the end; counts the answers. With each question
/// goes one that no version of the rules allows.
fn talk_on(lab: &Lab, client: &str, to: IpAddr, taker: &UdpSocket, end: &AtomicBool) -> u64 {
    let mut answers = 0;
    while !end.load(Ordering::Relaxed) {
        let [asker, intruder] = [DNS, OTHER].map(|port| send_datagrams(&lab.vm(client).namespace, to, port));
        asker.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        taker.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        for _ in 0..20 {
            intruder.send(b"let me in").unwrap();
            ask(&asker, taker, b"what?").unwrap_or_else(|error| panic!("{client} to {to}: {error}"));
            answers += 1;
        }
    }
    answers
}

#[test]
fn no_packet_falls_between_two_versions_of_a_policy() {
    let changes = 200;
    let lab = lab(&turns(0));
    let [v4, v6] = ips(&lab, "p2");
    let far = ips(&lab, "p5")[0];
    let end = AtomicBool::new(false);
    let stream = dvs_tests::netns::Iperf::serve(&lab.vm("p2").namespace);
    let long = Duration::from_mins(1);
    let client = dvs_tests::netns::Iperf::background(&lab.vm("p4").namespace, v4, long);
    let takers = [("p3", "p2", v6), ("p3", "p5", far)];
    let shut = ["p2", "p5"].map(|server| take_datagrams(&lab.vm(server).namespace, OTHER));
    let answers = thread::scope(|scope| {
        let flows = takers.map(|(from, to, ip)| {
            let (lab, end) = (&lab, &end);
            scope.spawn(move || talk_on(lab, from, ip, &take_datagrams(&lab.vm(to).namespace, DNS), end))
        });
        for turn in 1..=changes {
            lab.host.apply(&turns(turn));
        }
        end.store(true, Ordering::Relaxed);
        flows.map(|flow| flow.join().unwrap())
    });
    println!("{answers:?} answers during {changes} changes");
    assert!(answers.iter().all(|answers| *answers > 1000), "{answers:?} answers");
    drop((client, stream));
    // What is never allowed was refused each time, and nothing else was.
    for ((server, intruded), answers) in ["p2", "p5"].into_iter().zip(&shut).zip(answers) {
        let refused = || lab.host.drops(server, "policy-in");
        until("the last one is refused", || (refused() >= answers).then_some(()));
        assert_eq!((refused(), lab.host.drops(server, "policy-out")), (answers, 0), "{server}");
        assert!(is_empty(intruded), "somebody got in at {server}");
    }
    for vm in ["p2", "p3", "p4", "p5"] {
        assert_eq!(lab.host.drops(vm, "no-connection"), 0, "{vm}");
    }
}

#[test]
fn a_firewall_that_comes_asks_for_what_runs() {
    let lab = lab(WEB);
    dvs(&lab, "port set p2 --firewall off");
    let [v4, _] = ips(&lab, "p2");
    let (from, to) = (&lab.vm("p3").namespace, &lab.vm("p2").namespace);
    let taker = take_datagrams(to, 7000);
    let asker = send_datagrams(from, v4, 7000);
    ask(&asker, &taker, b"before").unwrap();
    dvs(&lab, "port set p2 --firewall on");
    dropping(&lab, ("p2", "policy-in"), || asker.send(b"after").unwrap());
    let ping = Ping::run(from, v4);
    assert!(ping.is_lossless(), "{ping:?}");
    until("the datagram is not there", || is_empty(&taker).then_some(()));
}

#[test]
fn a_connection_that_was_there_before_the_firewall_goes_on() {
    let lab = lab(WEB);
    for server in ["p2", "p5"] {
        dvs(&lab, &format!("port set {server} --firewall off"));
    }
    let (allowed, other) = (connections(&lab, HTTPS), connections(&lab, OTHER));
    for (_, connection) in allowed.iter().chain(&other) {
        connection.talk();
    }
    for server in ["p2", "p5"] {
        dvs(&lab, &format!("port set {server} --firewall on"));
    }
    for (_, connection) in &allowed {
        connection.talk();
        connection.stream(1 << 20);
    }
    for (_, connection) in &other {
        connection.speak(b"late");
    }
    // Some time later than what came after them.
    for (_, connection) in &allowed {
        connection.talk();
    }
    for (server, connection) in &other {
        assert!(connection.is_silent(), "{server}: {connection:?} goes on");
    }
}
