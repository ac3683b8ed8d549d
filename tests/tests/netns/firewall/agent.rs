//! The agent comes, goes and is killed; firewalls stay, and ports open behind theirs only.

use std::{collections::BTreeMap, io::ErrorKind, net::IpAddr, time::Duration};

use dvs_tests::{
    frame::{Frame, Packet},
    netns::{
        Iperf, Lab, Ping, Process, Stack,
        socket::{Connection, listen, try_connect},
    },
};
use switch_common::wire::ipv4::TCP;
use switch_user::report::PortState;

use super::{HTTPS, OTHER, WEB, dropping, dvs, hits, ips, lab};

/// How long traffic flows.
const DURATION: Duration = Duration::from_secs(6);
/// How long it may take to end after its time.
const GRACE: Duration = Duration::from_secs(30);
/// Agents that are killed meanwhile.
const AGENTS: u32 = 8;

/// What all rules have counted, by rule, direction and port.
fn counted(lab: &Lab) -> BTreeMap<String, u64> {
    let rows = lab.host.ask(lab.host.client.rule_hits(&None, &None)).unwrap();
    rows.into_iter()
        .map(|row| (format!("{}/{:?}/{}/{}", row.policy, row.rule, row.direction, row.port), row.packets))
        .collect()
}

#[test]
fn a_killed_agent_loses_no_packet_and_no_count() {
    const IPERF: &str = "- {kind: Rule, policy: web, name: iperf, priority: 10, direction: in, action: allow, proto: tcp, port: '5201'}\n";
    let mut lab = lab(&format!("{WEB}{IPERF}"));
    let [v4, v6] = ips(&lab, "p2");
    let listener = listen(&lab.vm("p2").namespace, HTTPS);
    let connection = Connection::open(&lab.vm("p4").namespace, v4, &listener);
    let server = Iperf::serve(&lab.vm("p2").namespace);
    let stream = Iperf::background(&lab.vm("p3").namespace, v6, DURATION);
    let pings = [("p3", v4), ("p4", v6), ("u9", v4)]
        .map(|(from, ip)| Ping::flood(&lab.vm(from).namespace, ip, DURATION));
    let mut before = counted(&lab);
    for _ in 0..AGENTS {
        lab.host.kill_agent();
        connection.talk();
        // Without an agent, too, nobody gets in who may not.
        let refused = try_connect(&lab.vm("p3").namespace, v4, OTHER);
        assert_eq!(refused.map_err(|error| error.kind()).err(), Some(ErrorKind::TimedOut));
        lab.host.start_agent();
        let after = counted(&lab);
        for (rule, packets) in &before {
            assert!(after.get(rule) >= Some(packets), "{rule} falls: {before:?} {after:?}");
        }
        before = after;
    }
    for flood in pings {
        let ping = Ping::read(&flood.succeed(GRACE));
        assert!(ping.sent > 100 && ping.is_lossless(), "{ping:?}");
    }
    let seconds = Iperf::intervals(&stream.succeed(GRACE));
    assert!(seconds.len() >= 5 && seconds.iter().all(|octets| *octets > 0), "{seconds:?}");
    server.succeed(GRACE);
    connection.talk();
    assert_eq!(lab.host.drops("p3", "no-connection") + lab.host.drops("p2", "no-connection"), 0);
    assert_eq!(lab.host.drops("p2", "policy-out"), 0);
    assert!(hits(&lab, Some("iperf"), "p2") > 1000 && hits(&lab, None, "p2") >= u64::from(AGENTS));
}

/// True for what opens, or is of, a connection to the port that no rule is about.
fn is_forbidden(frame: &Frame) -> bool {
    if frame.0[12..14] != [8, 0] {
        return false;
    }
    let packet = Packet(frame.0[14..].to_vec());
    let (protocol, at) = packet.transport();
    protocol == TCP && packet.0[at + 2..at + 4] == OTHER.to_be_bytes()
}

/// A flood of opened connections from a VM.
fn open_over_and_over(lab: &Lab, from: &str, to: IpAddr) -> Process {
    let mut command = lab.vm(from).namespace.command("hping3");
    command.args(["-q", "-n", "-S", "-i", "u200", "-p", &OTHER.to_string(), &to.to_string()]);
    Process::start(&mut command)
}

#[test]
fn a_port_opens_with_its_rules() {
    let mut lab = lab(WEB);
    dvs(&lab, "port detach p5");
    let [v4, _] = ips(&lab, "p5");
    let [allowed, other] = [HTTPS, OTHER].map(|port| listen(&lab.vm("p5").namespace, port));
    let floods = ["p3", "p4"].map(|from| open_over_and_over(&lab, from, v4));
    for round in 0..20 {
        lab.heard("p5");
        dvs(&lab, "port attach p5 --device p5");
        let connection = Connection::open(&lab.vm("p4").namespace, v4, &allowed);
        // The flood has come to the port, and was refused there.
        dropping(&lab, ("p5", "policy-in"), || connection.talk());
        let passed: Vec<Frame> = lab.heard("p5").into_iter().filter(is_forbidden).collect();
        assert!(passed.is_empty(), "round {round}: {passed:?}");
        assert!(other.accept().is_err(), "round {round}: somebody has a connection");
        dvs(&lab, "port detach p5");
    }
    // The same when the device comes by itself.
    drop((allowed, other));
    lab.unplug("p5");
    dvs(&lab, "port attach p5 --device p5 --allow-missing");
    lab.plug("p5", 1500, Stack::Bare);
    lab.vm("p5").join(super::GREEN);
    let [allowed, other] = [HTTPS, OTHER].map(|port| listen(&lab.vm("p5").namespace, port));
    lab.host.port_becomes("p5", |port| port.state == PortState::Up);
    let connection = Connection::open(&lab.vm("p4").namespace, v4, &allowed);
    dropping(&lab, ("p5", "policy-in"), || connection.talk());
    let passed: Vec<Frame> = lab.heard("p5").into_iter().filter(is_forbidden).collect();
    assert!(passed.is_empty() && other.accept().is_err(), "{passed:?}");
    for mut flood in floods {
        assert!(flood.is_running(), "{}{}", flood.output(), flood.errors());
    }
}

#[test]
fn a_firewall_is_there_after_a_restart_of_everything() {
    let mut lab = lab(WEB);
    let [v4, _] = ips(&lab, "p2");
    let [allowed, other] = [HTTPS, OTHER].map(|port| listen(&lab.vm("p2").namespace, port));
    lab.host.stop_agent();
    lab.host.teardown();
    lab.host.start_agent();
    Connection::open(&lab.vm("p3").namespace, v4, &allowed).talk();
    dropping(&lab, ("p2", "policy-in"), || try_connect(&lab.vm("p3").namespace, v4, OTHER)).unwrap_err();
    assert!(other.accept().is_err());
    assert_eq!(lab.host.drops("p2", "policy-out"), 0);
    assert!(hits(&lab, None, "p2") > 0);
}

#[test]
fn tables_of_another_size_keep_connections_and_rules() {
    let lab = lab(WEB);
    let listener = listen(&lab.vm("p2").namespace, HTTPS);
    let connections: Vec<Connection> = [("p3", 0), ("p4", 1), ("u9", 0)]
        .into_iter()
        .map(|(from, family)| Connection::open(&lab.vm(from).namespace, ips(&lab, "p2")[family], &listener))
        .collect();
    connections.iter().for_each(Connection::talk);
    let [v4, v6] = ips(&lab, "p2");
    let pings = [("p3", v4), ("p4", v6), ("u9", v4)]
        .map(|(from, ip)| Ping::flood(&lab.vm(from).namespace, ip, Duration::from_secs(3)));
    let mut before = counted(&lab);
    for capacities in [
        "--rule-capacity 65536",
        "--flow-capacity 131072",
        "--hit-capacity 2048",
        "--rule-capacity 32768 --flow-capacity 65536 --hit-capacity 4096",
    ] {
        dvs(&lab, &format!("switch set {capacities}"));
        let after = counted(&lab);
        for (rule, packets) in &before {
            assert!(after.get(rule) >= Some(packets), "{rule} falls by {capacities}: {before:?} {after:?}");
        }
        before = after;
        connections.iter().for_each(Connection::talk);
        dropping(&lab, ("p2", "policy-in"), || try_connect(&lab.vm("p4").namespace, v4, OTHER)).unwrap_err();
    }
    for flood in pings {
        let ping = Ping::read(&flood.succeed(GRACE));
        assert!(ping.sent > 100 && ping.is_lossless(), "{ping:?}");
    }
    assert_eq!(lab.host.drops("p2", "policy-out"), 0);
    for vm in ["p2", "p3", "p4", "u9"] {
        assert_eq!(lab.host.drops(vm, "no-connection"), 0, "{vm}");
    }
}
