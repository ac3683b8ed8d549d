//! Stations are learned, move, age, and are limited in number.

use std::time::Duration;

use dvs_tests::netns::frames::{BROADCAST, MAC_1, MAC_2, STRANGER, data};
use dvs_tests::netns::{Lab, until, within};
use switch_common::addr::Mac;
use switch_common::table::config::Config;
use switch_common::verdict::DropReason::{BadSource, MacOwnedElsewhere, SamePort};
use switch_user::report::FdbEntry;

const THREE: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p3, network: blue}
";

/// The n-th of many stations at one port.
fn one_of_many(number: u16) -> Mac {
    let [high, low] = number.to_be_bytes();
    Mac::new([2, 1, 0, 0, high, low])
}

/// A station's first words, which everybody gets.
fn introduce(lab: &Lab, port: &str, mac: Mac) {
    let outcome = lab.send(port, &data(BROADCAST, mac));
    assert!(outcome.drops.is_empty(), "{outcome:?}");
}

/// The port that the switch believes a station to be at.
fn place(lab: &Lab, mac: Mac) -> Option<String> {
    lab.host.fdb().into_iter().find(|entry| entry.mac == mac).map(|entry| entry.port)
}

#[test]
fn a_station_that_spoke_is_known() {
    let lab = Lab::silent(THREE);
    let frame = data(MAC_2, MAC_1);
    lab.send("p1", &frame).reaches(&[("p2", &frame), ("p3", &frame)]);
    introduce(&lab, "p2", MAC_2);
    lab.send("p1", &frame).reaches(&[("p2", &frame)]);
    let entry = lab.host.fdb().into_iter().find(|entry| entry.mac == MAC_2).unwrap();
    assert_eq!(
        (entry.network.as_deref(), entry.vlan, entry.port.as_str(), entry.is_static),
        (Some("blue"), 10, "p2", false)
    );
    assert_eq!(lab.host.counters("p2").learned, 1);
}

#[test]
fn traffic_follows_a_station_at_once() {
    let lab = Lab::silent(THREE);
    introduce(&lab, "p2", STRANGER);
    let frame = data(STRANGER, MAC_1);
    lab.send("p1", &frame).reaches(&[("p2", &frame)]);
    introduce(&lab, "p3", STRANGER);
    lab.send("p1", &frame).reaches(&[("p3", &frame)]);
    assert_eq!((lab.host.counters("p3").moved, lab.host.counters("p2").moved), (1, 0));
    assert_eq!(place(&lab, STRANGER).as_deref(), Some("p3"));
}

#[test]
fn a_frame_to_its_own_port_goes_nowhere() {
    let lab = Lab::silent(THREE);
    introduce(&lab, "p1", STRANGER);
    lab.send("p1", &data(STRANGER, MAC_1)).dropped("p1", SamePort);
}

#[test]
fn a_group_or_nobody_cannot_be_a_source() {
    let lab = Lab::silent(THREE);
    for source in [BROADCAST, Mac::new([3, 0, 0, 0, 0, 1]), Mac::default()] {
        lab.send("p1", &data(MAC_2, source)).dropped("p1", BadSource);
    }
    assert_eq!(lab.host.fdb(), []);
}

#[test]
fn networks_learn_each_for_itself() {
    let lab = Lab::silent(
        "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: green}
- {kind: Port, name: p3, trunk: '10,20'}
",
    );
    introduce(&lab, "p1", STRANGER);
    introduce(&lab, "p2", STRANGER);
    let frame = data(STRANGER, MAC_1);
    lab.send("p3", &frame.tagged(10)).reaches(&[("p1", &frame)]);
    lab.send("p3", &frame.tagged(20)).reaches(&[("p2", &frame)]);
    assert_eq!(lab.host.counters("p2").moved, 0);
}

#[test]
fn a_station_that_is_silent_is_forgotten() {
    /// Seconds: the least that can be set, and what the datapath's clock may be behind.
    const AGED: u64 = 10 + Config::BEHIND_NS / 1_000_000_000;
    /// An entry that nobody believes is removed within the time between two sweeps.
    const SWEPT: Duration = Duration::from_secs(40);
    let lab = Lab::silent(THREE);
    lab.host.apply("[{kind: Switch, ageing: 10}]");
    introduce(&lab, "p2", MAC_2);
    introduce(&lab, "p1", MAC_1);
    let young = |entry: FdbEntry| entry.mac == MAC_2 && entry.age < Some(AGED);
    until("the station has aged", || (!lab.host.fdb().into_iter().any(young)).then_some(()));
    let frame = data(MAC_2, MAC_1);
    lab.send("p1", &frame).reaches(&[("p2", &frame), ("p3", &frame)]);
    let swept = within(SWEPT, || place(&lab, MAC_2).is_none().then_some(()));
    assert!(swept.is_some(), "{:?}", lab.host.fdb());
}

#[test]
fn a_port_learns_no_more_than_its_limit() {
    let lab = Lab::silent(THREE);
    lab.host.apply("[{kind: Port, name: p1, network: blue, device: p1, learnLimit: 2}]");
    for number in 0..3 {
        introduce(&lab, "p1", one_of_many(number));
    }
    let counters = lab.host.counters("p1");
    assert_eq!((counters.learned, counters.limited), (2, 1));
    assert_eq!(place(&lab, one_of_many(1)).as_deref(), Some("p1"));
    assert_eq!(place(&lab, one_of_many(2)), None);
    let frame = data(one_of_many(2), MAC_2);
    lab.send("p2", &frame).reaches(&[("p1", &frame), ("p3", &frame)]);
}

#[test]
fn a_full_table_is_counted_and_forwards_all_the_same() {
    const CAPACITY: u64 = 1024;
    const STATIONS: usize = 1500;
    let lab = Lab::silent(THREE);
    lab.host.apply(
        "[{kind: Switch, fdbCapacity: 1024}, {kind: Port, name: p1, network: blue, device: p1, learnLimit: 100000}]",
    );
    for number in (0..).take(STATIONS) {
        lab.vm("p1").wire.send(&data(MAC_2, one_of_many(number)));
    }
    let counters = until("all frames are forwarded", || {
        Some(lab.host.counters("p1")).filter(|counters| counters.out_packets == STATIONS as u64)
    });
    assert_eq!(counters.learned + counters.full, STATIONS as u64, "{counters:?}");
    assert!(counters.full > 0 && counters.learned <= CAPACITY, "{counters:?}");
    assert_eq!(lab.host.fdb().len() as u64, counters.learned);
}

#[test]
fn a_configured_station_is_not_taken_over() {
    let lab = Lab::silent(
        "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01']}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p3, network: blue}
",
    );
    lab.send("p2", &data(BROADCAST, MAC_1)).dropped("p2", MacOwnedElsewhere);
    let frame = data(MAC_1, MAC_2);
    lab.send("p2", &frame).reaches(&[("p1", &frame)]);
}
