//! What is allowed passes with its answers, and nothing else does.

use std::io::ErrorKind;

use dvs_tests::netns::{
    Iperf, Lab, Ping, run,
    socket::{Connection, ask, is_empty, listen, send_datagrams, take_datagrams, try_connect},
};

use super::{DNS, GREEN, HTTPS, OTHER, PAIRS, WEB, dropping, ips, lab, nothing_is_refused};

/// Enough for frames of several segments in both directions.
const STREAM: usize = 4 << 20;

#[test]
fn what_is_allowed_passes_and_is_answered() {
    let lab = lab(WEB);
    for (client, server) in PAIRS {
        let (from, to) = (&lab.vm(client).namespace, &lab.vm(server).namespace);
        let (listener, taker) = (listen(to, HTTPS), take_datagrams(to, DNS));
        for ip in ips(&lab, server) {
            println!("{client} to {ip}");
            let connection = Connection::open(from, ip, &listener);
            connection.talk();
            connection.stream(STREAM);
            let asker = send_datagrams(from, ip, DNS);
            for length in [1, 1000] {
                ask(&asker, &taker, &vec![7; length])
                    .unwrap_or_else(|error| panic!("{client} {ip}: {error}"));
            }
            let ping = Ping::run(from, ip);
            assert!(ping.is_lossless(), "{client} to {ip}: {ping:?}");
        }
    }
    nothing_is_refused(&lab);
    for vm in ["p2", "p3", "p4", "u9"] {
        let sent = lab.host.counters(vm);
        assert!(
            sent.out_bytes / sent.out_packets > 1600,
            "{vm} sent no frames of several segments: {sent:?}"
        );
    }
}

/// Nobody gets through to a port, and the firewall of this port says so.
#[track_caller]
fn is_shut(lab: &Lab, (from, to): (&str, &str), port: u16, drop: (&str, &str)) {
    let (sender, receiver) = (&lab.vm(from).namespace, &lab.vm(to).namespace);
    let (listener, taker) = (listen(receiver, port), take_datagrams(receiver, port));
    for ip in ips(lab, to) {
        let refused = dropping(lab, drop, || try_connect(sender, ip, port));
        let kind = refused.as_ref().err().map(std::io::Error::kind);
        assert_eq!(kind, Some(ErrorKind::TimedOut), "{from} to {ip} at {port}: {refused:?}");
        let asker = send_datagrams(sender, ip, port);
        dropping(lab, drop, || asker.send(b"what?").unwrap());
        assert!(is_empty(&taker), "a datagram of {from} has arrived at {port} of {ip}");
        assert!(is_empty(&asker), "{from} was told something of {port} of {ip}");
    }
    assert!(listener.accept().is_err(), "{from} has a connection to {port} of {to}");
}

#[test]
fn what_is_not_allowed_is_dropped() {
    let lab = lab(WEB);
    for (client, server) in PAIRS {
        is_shut(&lab, (client, server), OTHER, (server, "policy-in"));
        // The ports are those that the server itself is asked at, but now it asks.
        for port in [HTTPS, DNS] {
            is_shut(&lab, (server, client), port, (server, "policy-out"));
        }
        for ip in ips(&lab, client) {
            let ping = dropping(&lab, (server, "policy-out"), || Ping::run(&lab.vm(server).namespace, ip));
            assert!(ping.is_lost(), "{server} to {ip}: {ping:?}");
        }
    }
}

#[test]
fn throughput_is_real() {
    let lab = lab("
- {kind: Rule, policy: web, name: iperf, priority: 10, direction: in, action: allow, proto: tcp, port: '5201'}
- {kind: Rule, policy: web, name: iperf-udp, priority: 10, direction: in, action: allow, proto: udp, port: '5201'}
");
    for client in ["p3", "p4"] {
        for ip in ips(&lab, "p2") {
            let (from, to) = (&lab.vm(client).namespace, &lab.vm("p2").namespace);
            let octets = Iperf::Tcp.run(from, to, ip);
            assert!(octets > 8 << 20, "{octets} octets over TCP from {client} to {ip}");
        }
    }
    let [v4, _] = lab.vm("p5").ips_in(GREEN);
    let octets = Iperf::Udp(1200).run(&lab.vm("p3").namespace, &lab.vm("p5").namespace, v4);
    assert!(octets > 100_000, "{octets} octets over UDP");
    nothing_is_refused(&lab);
    let flows = run(&mut lab.host.cli("flow list --port p4"));
    assert!(flows.contains("10.0.10.2") && flows.contains("fd00:10::2"), "{flows}");
}
