//! What is asked before anything changes: which rule would decide, and what a change would cut.

use std::net::{IpAddr, SocketAddr};

use dvs_tests::netns::{
    Lab, Ping, run,
    socket::{ask, listen, send_datagrams, take_datagrams, try_connect},
};
use serde_json::Value;
use switch_user::api::{ChangeSet, Cut};

use super::{DNS, HTTPS, OTHER, PAIRS, SSH, WEB, changes::connections, dropping, dvs, ips, lab};

/// The connections that a command would cut, all of them at the servers and by the default.
#[track_caller]
fn would_cut(lab: &Lab, line: &str) -> Vec<Cut> {
    let answer = run(&mut lab.host.cli(&format!("{line} --dry-run -o json")));
    let set: ChangeSet = serde_json::from_str(&answer).unwrap();
    assert_eq!(set.cuts_total.unwrap_or_default(), set.cuts.len(), "{answer}");
    assert!(set.cuts.iter().all(|cut| (cut.policy.as_str(), &cut.rule) == ("web", &None)), "{answer}");
    set.cuts
}

/// Where connections are refused, and the ports that they have come from.
fn ends(cuts: &[Cut]) -> Vec<(&str, u16)> {
    let mut ends: Vec<_> =
        cuts.iter().map(|cut| (cut.port.as_str(), cut.source_port.unwrap_or_default())).collect();
    ends.sort_unstable();
    ends
}

#[test]
fn a_preview_names_what_a_change_cuts() {
    let lab = lab(WEB);
    let (cut, other) = (connections(&lab, HTTPS), connections(&lab, SSH));
    cut.iter().chain(&other).for_each(|(_, connection)| connection.talk());
    let before = run(&mut lab.host.cli("export"));
    let named = would_cut(&lab, "rule remove web https");
    let mut wanted: Vec<_> = cut.iter().map(|(server, one)| (*server, one.client_port())).collect();
    wanted.sort_unstable();
    assert_eq!(ends(&named), wanted, "{named:?}");
    assert!(named.iter().all(|cut| (cut.protocol.as_str(), cut.destination_port) == ("tcp", Some(HTTPS))));
    assert!(would_cut(&lab, "rule set web ssh --port 22,2222").is_empty());
    assert_eq!(run(&mut lab.host.cli("export")), before, "something has changed");
    for (_, connection) in &cut {
        connection.talk();
    }
    dvs(&lab, "rule remove web https");
    for (server, connection) in &cut {
        dropping(&lab, (server, "policy-out"), || {
            dropping(&lab, (server, "policy-in"), || connection.speak(b"late"));
        });
        assert!(connection.is_silent(), "{server}: {connection:?} goes on");
    }
    for (_, connection) in &other {
        connection.talk();
    }
}

#[test]
fn a_preview_knows_what_is_no_tcp() {
    let lab = lab(WEB);
    let taker = take_datagrams(&lab.vm("p2").namespace, DNS);
    for (family, ping) in ["ping", "ping6"].into_iter().enumerate() {
        let ip = ips(&lab, "p2")[family];
        let client = &lab.vm("p4").namespace;
        let asker = send_datagrams(client, ip, DNS);
        ask(&asker, &taker, b"what?").unwrap();
        assert!(Ping::run(client, ip).is_lossless());
        let named = would_cut(&lab, "rule remove web dns");
        assert_eq!(ends(&named).len(), family + 1, "{named:?}");
        let own = asker.local_addr().unwrap().port();
        assert!(named.iter().any(|cut| (cut.destination, cut.source_port) == (ip, Some(own))), "{named:?}");
        let named = would_cut(&lab, &format!("rule remove web {ping}"));
        assert!(!named.is_empty() && named.iter().all(|cut| cut.destination == ip), "{named:?}");
    }
}

/// What `dvs policy test` says about a connection, and which rule of the server's it names.
#[track_caller]
fn tested(lab: &Lab, from: &str, to: &str) -> (bool, Option<String>) {
    let answer = run(&mut lab.host.cli(&format!("policy test --from {from} --to {to} -o json")));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let verdicts = answer["verdicts"].as_array().unwrap();
    let server = verdicts.iter().find(|verdict| verdict["policy"] == "web");
    let server = server.unwrap_or_else(|| panic!("no policy is asked: {answer}"));
    (answer["action"] == "allow", server["rule"].as_str().map(str::to_owned))
}

#[test]
fn a_test_says_what_becomes_of_a_connection() {
    let lab = lab(WEB);
    for (client, server) in PAIRS {
        let _listeners = [HTTPS, OTHER].map(|port| listen(&lab.vm(server).namespace, port));
        for ip in ips(&lab, server) {
            let own: IpAddr = ips(&lab, client)[usize::from(ip.is_ipv6())];
            // What is behind an uplink has no name.
            let from = if client == "u9" { own.to_string() } else { client.to_owned() };
            let said = |port, proto| tested(&lab, &from, &format!("{}/{proto}", SocketAddr::new(ip, port)));
            for (port, rule) in [(HTTPS, Some("https")), (OTHER, None)] {
                assert_eq!(said(port, "tcp"), (rule.is_some(), rule.map(str::to_owned)), "{client} {ip}");
                let opened = try_connect(&lab.vm(client).namespace, ip, port);
                assert_eq!(opened.is_ok(), rule.is_some(), "{client} to {ip} at {port}: {opened:?}");
            }
            assert_eq!(said(DNS, "udp"), (true, Some("dns".into())), "{client} {ip}");
            assert_eq!(said(DNS, "sctp"), (false, None), "{client} {ip}");
            let ping = if ip.is_ipv4() { "ping" } else { "ping6" };
            assert_eq!(tested(&lab, &from, &ip.to_string()), (true, Some(ping.into())), "{client} {ip}");
        }
    }
}
