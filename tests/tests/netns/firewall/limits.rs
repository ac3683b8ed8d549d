//! How much a firewall says: so little that nobody can make it a source of load, and it counts all the same.

use std::time::{Duration, Instant};

use dvs_tests::netns::{Finished, Lab, finish, run, until};
use serde_json::Value;
use switch_common::table::limit::{BURST, INTERVAL_NS};

use super::{OTHER, WEB, dvs, hits, ips, lab, reject::is_told_at};

/// Packets that nobody wants, and how far apart they are sent in microseconds.
const PACKETS: u64 = 2000;
const APART: u64 = 1000;

/// Sends so many SYNs to a port that is shut; says how long that took, and what hping3 says.
fn knock(lab: &Lab, from: &str) -> (Duration, Finished) {
    let start = Instant::now();
    let mut command = lab.vm(from).namespace.command("hping3");
    let to = ips(lab, "p2")[0].to_string();
    let [count, apart, port] = [PACKETS.to_string(), format!("u{APART}"), OTHER.to_string()];
    let said = finish(command.args(["-q", "-n", "-S", "-c", &count, "-i", &apart, "-p", &port, &to]));
    (start.elapsed(), said)
}

/// What may be said in that time, with some more for a clock that is not the test's.
fn allowed(took: Duration) -> u64 {
    BURST + u64::try_from(took.as_nanos()).unwrap() / INTERVAL_NS + BURST
}

/// hping3's number of answers.
#[track_caller]
fn answers(said: &Finished) -> u64 {
    let summary = said.errors.lines().find_map(|line| line.split_once(" packets transmitted, "));
    let number = summary.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("hping3 says nothing: {said:?}"))
}

#[test]
fn who_is_rejected_too_often_is_told_now_and_then() {
    let lab = lab(WEB);
    dvs(&lab, "policy set web --default reject");
    let (took, said) = knock(&lab, "p3");
    let told = answers(&said);
    println!("{told} answers to {PACKETS} packets in {took:?}");
    assert!((BURST..allowed(took)).contains(&told), "{said:?} in {took:?}");
    until("all of them are counted", || (lab.host.drops("p2", "policy-in") >= PACKETS).then_some(()));
    assert_eq!(lab.host.counters("p3").limited_errors, PACKETS - told);
    // It is the sender that has no more to say, so others are told.
    is_told_at(&lab, "p4", ips(&lab, "p2")[0]);
}

#[test]
fn a_flood_is_counted_in_full_and_logged_in_part() {
    let lab = lab(WEB);
    dvs(&lab, "policy set web --log");
    let before = hits(&lab, None, "p2");
    let (took, said) = knock(&lab, "p3");
    assert_eq!(answers(&said), 0, "{said:?}");
    until("all of them are counted", || (hits(&lab, None, "p2") >= before + PACKETS).then_some(()));
    assert_eq!(hits(&lab, None, "p2"), before + PACKETS);
    let logged = || {
        let events: Vec<Value> =
            serde_json::from_str(&run(&mut lab.host.cli("log -o json --port p2"))).unwrap();
        let of_flood = events.iter().filter(|event| event["destinationPort"] == OTHER);
        u64::try_from(of_flood.count()).unwrap()
    };
    until("the first ones are in the log", || (logged() >= BURST).then_some(()));
    println!("{} events of {PACKETS} packets in {took:?}", logged());
    assert!(logged() < allowed(took), "{} events in {took:?}", logged());
}
