//! Rules about everything else that a port may carry: other protocols, frames that are no packets, types of ICMP.

use dvs_tests::{
    frame::{Frame, eth},
    netns::{Lab, Namespace, Process, Raw, finish, run, until},
};
use switch_common::{addr::Mac, wire::ipv4::SCTP};

use super::{PAIRS, WEB, dropping, dvs, ips, lab};

/// Generic routing encapsulation, a protocol without ports.
const GRE: u8 = 47;
/// An encrypted packet, about which there is no rule.
const ESP: u8 = 50;
/// Where servers of Diameter listen.
const DIAMETER: u16 = 3868;
const CLIENT: u16 = 40_000;

const RULES: &str = "
- {kind: Rule, policy: web, name: diameter, priority: 10, direction: in, action: allow, proto: sctp, port: '3868'}
- {kind: Rule, policy: web, name: gre, priority: 10, direction: in, action: allow, proto: 47}
";

/// A chunk of SCTP's behind its common header (RFC 9260, 3): a heartbeat of nothing.
fn sctp(source: u16, destination: u16) -> Vec<u8> {
    let ports = [source, destination].map(u16::to_be_bytes).concat();
    [&ports[..], &[0, 0, 0, 1, 0, 0, 0, 0], &[4, 0, 0, 4]].concat()
}

/// A packet in a tunnel (RFC 2784, 2.1), which begins with what it is.
fn gre(word: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 0], word].concat()
}

#[test]
fn sctp_and_protocols_without_ports_are_connections_too() {
    let lab = lab(RULES);
    for (client, server) in PAIRS {
        let [from, to] = [client, server].map(|vm| &lab.vm(vm).namespace);
        for (own, ip) in ips(&lab, client).into_iter().zip(ips(&lab, server)) {
            println!("{client} to {ip}");
            let ends = |protocol| [Raw::open(from, ip, protocol), Raw::open(to, own, protocol)];
            let refused = |[sender, receiver]: [&Raw; 2], reason: &str, packet: &[u8]| {
                dropping(&lab, (server, reason), || sender.send(packet));
                assert!(receiver.is_empty(), "{client} {ip}: {packet:?} has arrived");
            };
            let passes = |[sender, receiver]: [&Raw; 2], packet: &[u8]| {
                sender.send(packet);
                assert_eq!(receiver.receive(), packet, "{client} {ip}");
            };
            let [asker, taker] = &ends(SCTP);
            refused([asker, taker], "policy-in", &sctp(CLIENT, DIAMETER + 1));
            passes([asker, taker], &sctp(CLIENT, DIAMETER));
            passes([taker, asker], &sctp(DIAMETER, CLIENT));
            // That nobody has asked for, so it is no answer.
            refused([taker, asker], "policy-out", &sctp(DIAMETER, CLIENT + 1));
            let [asker, taker] = &ends(GRE);
            refused([taker, asker], "policy-out", &gre(b"no answer"));
            passes([asker, taker], &gre(b"what?"));
            passes([taker, asker], &gre(b"that!"));
            let [asker, taker] = &ends(ESP);
            refused([asker, taker], "policy-in", b"nothing that anybody knows");
        }
    }
}

/// Ethertypes that IEEE 802 leaves to experiments.
const KINDS: [u16; 2] = [0x88b5, 0x88b7];

#[test]
fn frames_that_are_no_packets_need_a_rule_about_their_ethertype() {
    let lab = lab("");
    let frame = |from: &str, to: Mac, kind: u16| eth(to, lab.vm(from).mac()).payload(kind, &[7; 46]);
    let server = lab.vm("p2").mac();
    let is_kept_out = |from: &str, kind: u16| {
        let sent = frame(from, server, kind);
        dropping(&lab, ("p2", "policy-in"), || lab.vm(from).wire.send(&sent));
        assert!(!lab.heard("p2").contains(&sent), "{from}: {kind:#x} has arrived");
    };
    for (from, kind) in [("p3", KINDS[0]), ("p3", KINDS[1]), ("u9", KINDS[0])] {
        is_kept_out(from, kind);
    }
    dvs(&lab, "rule add web experiment --priority 10 --direction in --action allow --ethertype 0x88b5");
    for from in ["p3", "u9"] {
        let sent = frame(from, server, KINDS[0]);
        lab.vm(from).wire.send(&sent);
        until(&format!("{from} gets through"), || lab.heard("p2").contains(&sent).then_some(()));
        is_kept_out(from, KINDS[1]);
        // There is no connection that a frame back could be of.
        let back: Frame = frame("p2", lab.vm(from).mac(), KINDS[0]);
        dropping(&lab, ("p2", "policy-out"), || lab.vm("p2").wire.send(&back));
    }
}

/// True if hping3 gets an answer to a message of this type and code.
fn is_answered(lab: &Lab, from: &str, kind: &str, code: &str) -> bool {
    let mut command = lab.vm(from).namespace.command("hping3");
    let to = ips(lab, "p2")[0].to_string();
    let said = finish(command.args(["-1", "-n", "-c", "1", "-C", kind, "-K", code, &to]));
    let answered = said.errors.contains("1 packets received");
    assert!(answered || said.errors.contains("0 packets received"), "{said:?}");
    answered
}

#[test]
fn icmp_has_a_type_and_a_code() {
    let lab = lab(WEB);
    dvs(&lab, "rule set web ping --icmp-code 0");
    for client in ["p3", "p4", "u9"] {
        assert!(is_answered(&lab, client, "8", "0"), "{client}");
        for (kind, code) in [("8", "1"), ("13", "0")] {
            let answered = dropping(&lab, ("p2", "policy-in"), || is_answered(&lab, client, kind, code));
            assert!(!answered, "{client} {kind}/{code}");
        }
    }
    let time = "--priority 10 --action allow --proto icmp --icmp-type";
    dvs(&lab, &format!("rule add web time {time} 13 --direction in"));
    // Only echoes are connections, so a reply of another kind needs a rule.
    let answered = dropping(&lab, ("p2", "policy-out"), || is_answered(&lab, "p3", "13", "0"));
    assert!(!answered, "a reply passes without a rule");
    dvs(&lab, &format!("rule add web reply {time} 14 --direction out"));
    for client in ["p3", "p4", "u9"] {
        assert!(is_answered(&lab, client, "13", "0"), "{client}");
    }
}

/// The ports of a VM at which netcat is told that nobody listens: those that the firewall lets it ask.
#[track_caller]
fn open_ports(from: &Namespace, to: &str, options: &str, ports: &str) -> Vec<u16> {
    let options = options.split_whitespace();
    let said = finish(
        from.command("nc.openbsd").args(["-z", "-v", "-n", "-w", "1"]).args(options).args([to, ports]),
    );
    let refused = said.errors.lines().filter(|line| line.ends_with("Connection refused"));
    let port = |line: &str| line.split_once(" port ")?.1.split(' ').next()?.parse().ok();
    refused.map(|line| port(line).unwrap_or_else(|| panic!("no port: {line}"))).collect()
}

#[test]
fn a_range_of_ports_has_both_its_ends() {
    let lab = lab("
- {kind: Rule, policy: web, name: some, priority: 10, direction: in, action: allow, proto: tcp, port: '8001-8003,8005'}
- {kind: Rule, policy: web, name: from, priority: 10, direction: in, action: allow, proto: tcp, port: '9000', srcPort: '500-501'}
");
    for client in ["p3", "p4"] {
        let from = &lab.vm(client).namespace;
        for ip in ips(&lab, "p2").map(|ip| ip.to_string()) {
            assert_eq!(open_ports(from, &ip, "", "8000-8006"), [8001, 8002, 8003, 8005], "{client} {ip}");
            for (source, allowed) in [(499, false), (500, true), (501, true), (502, false)] {
                let open = open_ports(from, &ip, &format!("-p {source}"), "9000");
                assert_eq!(open, if allowed { vec![9000] } else { vec![] }, "{client} {ip} from {source}");
            }
        }
    }
}

/// Netcat at a place, which says a word to whoever it speaks with and ends.
fn netcat(at: &Namespace, word: &str, arguments: &str) -> Process {
    let mut shell = at.command("sh");
    Process::start(shell.args(["-c", &format!("echo {word} | exec nc.openbsd -N -n {arguments}")]))
}

#[test]
fn netcat_is_served() {
    let lab = lab(WEB);
    let server = &lab.vm("p2").namespace;
    for client in ["p3", "p4", "u9"] {
        for ip in ips(&lab, "p2") {
            let family = if ip.is_ipv4() { "-4" } else { "-6" };
            let taker = netcat(server, "there", &format!("{family} -l 443"));
            until("netcat listens", || {
                let shown = run(server.command("ss").args(["-H", "-l", "-t", "-n", family]));
                shown.contains(":443").then_some(())
            });
            let asker = netcat(&lab.vm(client).namespace, "here", &format!("-w 5 {ip} 443"));
            let limit = dvs_tests::netns::LIMIT;
            assert_eq!([asker.succeed(limit), taker.succeed(limit)], ["there\n", "here\n"], "{client} {ip}");
        }
    }
}
