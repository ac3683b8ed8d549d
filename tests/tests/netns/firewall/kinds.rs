//! Policies and rules of other kinds: exempt ports, staged rules, policies without state, policies in tiers.

use std::net::IpAddr;

use dvs_tests::netns::{
    LIMIT, Lab, run,
    socket::{Connection, ask, is_empty, listen, send_datagrams, take_datagrams, try_connect},
    within,
};
use serde_json::Value;

use super::{DNS, HTTPS, OTHER, WEB, dropping, dvs, hits, hits_grow, ips, lab, nothing_is_refused};

#[test]
fn a_port_may_be_exempt() {
    let lab = lab(WEB);
    let other = listen(&lab.vm("p2").namespace, OTHER);
    let [v4, v6] = ips(&lab, "p2");
    let client = &lab.vm("p3").namespace;
    dropping(&lab, ("p2", "policy-in"), || try_connect(client, v4, OTHER)).unwrap_err();
    dvs(&lab, "port set p2 --firewall off");
    for ip in [v4, v6] {
        Connection::open(client, ip, &other).talk();
    }
    dvs(&lab, "port set p2 --firewall on");
    dropping(&lab, ("p2", "policy-in"), || try_connect(client, v6, OTHER)).unwrap_err();
}

#[test]
fn a_staged_rule_counts_and_logs_and_decides_nothing() {
    let lab = lab(WEB);
    dvs(&lab, "rule add web shut --priority 2 --direction in --action drop --proto tcp --staged --log");
    let listener = listen(&lab.vm("p2").namespace, HTTPS);
    for client in ["p3", "p4", "u9"] {
        for ip in ips(&lab, "p2") {
            let before = hits(&lab, Some("shut"), "p2");
            Connection::open(&lab.vm(client).namespace, ip, &listener).talk();
            hits_grow(&lab, Some("shut"), "p2", before);
            is_logged_as_staged(&lab, ip);
        }
    }
    nothing_is_refused(&lab);
    let log = run(&mut lab.host.cli("log"));
    assert!(log.contains("(drop)"), "{log}");
    dvs(&lab, "rule set web shut --clear staged");
    let [v4, _] = ips(&lab, "p2");
    dropping(&lab, ("p2", "policy-in"), || try_connect(&lab.vm("p3").namespace, v4, HTTPS)).unwrap_err();
}

/// A connection to an address is in the log, with the rule that does not decide.
#[track_caller]
fn is_logged_as_staged(lab: &Lab, to: IpAddr) {
    let mut last = Value::Null;
    let found = within(LIMIT, || {
        last = serde_json::from_str(&run(&mut lab.host.cli("log -o json"))).unwrap();
        let mut events = last.as_array()?.iter().filter(|event| event["destination"] == to.to_string());
        let staged = |event: &Value| event["staged"] == true && event["action"] == "drop";
        events.any(|event| event["rule"] == "shut" && staged(event)).then_some(())
    });
    assert!(found.is_some(), "no connection to {to} in {last}");
}

#[test]
fn without_state_answers_need_rules() {
    let lab = lab(WEB);
    dvs(&lab, "policy set web --stateless");
    let server = &lab.vm("p2").namespace;
    let (listener, taker) = (listen(server, HTTPS), take_datagrams(server, DNS));
    for client in ["p3", "p4", "u9"] {
        let from = &lab.vm(client).namespace;
        for ip in ips(&lab, "p2") {
            let tried = dropping(&lab, ("p2", "policy-out"), || try_connect(from, ip, HTTPS));
            assert!(tried.is_err(), "{client} gets an answer of {ip}");
            let asker = send_datagrams(from, ip, DNS);
            asker.send(b"what?").unwrap();
            let (_, source) = taker.recv_from(&mut [0; 8]).unwrap();
            dropping(&lab, ("p2", "policy-out"), || taker.send_to(b"that!", source).unwrap());
            assert!(is_empty(&asker), "{client} gets an answer of {ip}");
        }
    }
    for proto in ["tcp --src-port 443", "udp --src-port 53"] {
        let name = &proto[..3];
        dvs(
            &lab,
            &format!("rule add web {name} --priority 10 --direction out --action allow --proto {proto}"),
        );
    }
    for client in ["p3", "p4", "u9"] {
        let from = &lab.vm(client).namespace;
        for ip in ips(&lab, "p2") {
            let connection = Connection::open(from, ip, &listener);
            connection.talk();
            connection.stream(1 << 20);
            ask(&send_datagrams(from, ip, DNS), &taker, b"what?").unwrap();
        }
    }
}

#[test]
fn a_policy_of_a_lower_tier_is_asked_first() {
    let lab = lab(WEB);
    dvs(&lab, "policy add first --tier 10 --applies-to servers --default allow");
    let listener = listen(&lab.vm("p2").namespace, HTTPS);
    let [v4, _] = ips(&lab, "p2");
    let client = &lab.vm("p3").namespace;
    Connection::open(client, v4, &listener).talk();
    dvs(&lab, "rule add first bad --priority 1 --direction in --action reject --peer 10.0.10.3");
    let refused = try_connect(client, v4, HTTPS).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    Connection::open(&lab.vm("p4").namespace, v4, &listener).talk();
    // The strictest default holds, whoever is asked first.
    dropping(&lab, ("p2", "policy-in"), || try_connect(&lab.vm("p4").namespace, v4, OTHER)).unwrap_err();
}
