//! Ring 1: the pipeline on the host, on the fixtures and against the oracle.
#![expect(clippy::panic, reason = "a test may")]

use std::collections::BTreeMap;

use dvs_tests::{
    fixture::{self, Case, Expect, Step},
    frame::{Frame, eth},
    oracle::{Fate, Oracle},
    sim::{Hook, Outcome, Sim},
    topology::Topology,
};
use proptest::prelude::*;
use switch_common::{
    addr::Mac,
    table::port,
    verdict::{DropReason, Verdict},
    wire::vlan::{CUSTOMER, SERVICE},
};

/// Devices are numbered in the order of their letters.
fn number(device: &str) -> u32 {
    device.bytes().fold(100, |number, byte| number + u32::from(byte))
}

fn check(case: &Case) {
    let topology = Topology::new(case.objects, number);
    let sim = Sim::new(&topology);
    for (index, step) in case.steps.iter().enumerate() {
        let outcome = sim.send(Hook::Tc, topology.ifindexes[step.from], &step.frame);
        assert_eq!(
            seen(&topology, &sim, step, &outcome),
            step.expect,
            "{}, step {index}: {outcome:?}",
            case.name
        );
    }
}

/// The outcome in the words of a case.
fn seen(topology: &Topology, sim: &Sim, step: &Step, outcome: &Outcome) -> Expect {
    let name = |ifindex| -> &'static str { topology.port_of(ifindex).unwrap_or("nobody").to_owned().leak() };
    let mut sent: Vec<_> = outcome.sent.iter().map(|(to, frame)| (name(*to), frame.clone())).collect();
    match outcome.verdict {
        Verdict::Forward { .. } => {
            let (to, frame) = sent.remove(0);
            Expect::Forward(to, frame)
        }
        Verdict::Flooded => Expect::Flood(in_order_of(&step.expect, sent)),
        Verdict::Taken => Expect::Taken,
        Verdict::Pass | Verdict::Punt => Expect::Pass,
        Verdict::Drop(reason) => {
            let counted = |slot: &u32| sim.tables.dropped(*slot, reason) > 0;
            match topology.slots.iter().find(|(name, slot)| *name != step.from && counted(slot)) {
                Some((name, _)) => Expect::DropAt(name.clone().leak(), reason),
                None if counted(&topology.slots[step.from]) => Expect::Drop(reason),
                None => panic!("{reason:?} was not counted"),
            }
        }
    }
}

/// Copies leave in any order.
fn in_order_of(expect: &Expect, mut sent: Vec<(&'static str, Frame)>) -> Vec<(&'static str, Frame)> {
    if let Expect::Flood(copies) = expect {
        let place = |port: &str| copies.iter().position(|(name, _)| *name == port);
        sent.sort_by_key(|(port, _)| place(port));
    }
    sent
}

#[test]
fn fixtures() {
    fixture::all().iter().for_each(check);
}

/// A switch all ports of which take frames from XDP, and none of which is guarded: the cache leaves
/// guarded ports alone.
fn with_xdp(objects: &str) -> Topology {
    let mut topology = Topology::new(objects, number);
    for port in topology.image.ports.values_mut() {
        port.flags |= port::XDP_TARGET;
        port.flags &= !(port::GUARD_MAC | port::GUARD_IP);
    }
    topology
}

/// The cache at XDP may leave a frame alone, but what it forwards it forwards as TC does.
#[test]
fn the_cache_never_disagrees_with_the_pipeline() {
    let mut forwarded = 0;
    for case in fixture::all() {
        let topology = with_xdp(case.objects);
        let sim = Sim::new(&topology);
        for step in &case.steps {
            let ifindex = topology.ifindexes[step.from];
            let cached = sim.send(Hook::Xdp, ifindex, &step.frame);
            let whole = sim.send(Hook::Tc, ifindex, &step.frame);
            if cached.verdict != Verdict::Punt {
                assert_eq!(cached.sent, whole.sent, "{}", case.name);
                forwarded += 1;
            }
        }
    }
    assert!(forwarded > 5, "only {forwarded} frames took the shortcut");
}

/// Ports of every kind around VLANs 10, 20 and 30.
const ANYTHING: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
- {apiVersion: dvs/v1, kind: Network, name: green, vlan: 20}
- {apiVersion: dvs/v1, kind: Network, name: outer, vlan: 30}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va}
- {apiVersion: dvs/v1, kind: Port, name: b, network: blue, device: vb, mac: ['02:00:00:00:00:01', '02:00:00:00:00:02']}
- {apiVersion: dvs/v1, kind: Port, name: c, network: blue, device: vc, learnLimit: 1}
- {apiVersion: dvs/v1, kind: Port, name: d, network: blue, device: vd, admin: down}
- {apiVersion: dvs/v1, kind: Port, name: g, network: green, device: vg}
- {apiVersion: dvs/v1, kind: Port, name: q, network: outer, qinq: true, device: vq}
- {apiVersion: dvs/v1, kind: Port, name: r, network: outer, qinq: true, device: vr}
- {apiVersion: dvs/v1, kind: Port, name: t, trunk: '10,20,30', device: vt}
- {apiVersion: dvs/v1, kind: Port, name: n, trunk: '20,30', native: 10, device: vn, mac: ['02:00:00:00:00:03']}
- {apiVersion: dvs/v1, kind: Uplink, name: u, vlans: '10,30', native: 20, xdp: off}
- {apiVersion: dvs/v1, kind: Uplink, name: w, vlans: '40', xdp: off}
";

fn mac() -> impl Strategy<Value = Mac> {
    prop_oneof![
        8 => (0u8..6).prop_map(|last| Mac::new([2, 0, 0, 0, 0, last])),
        1 => Just(Mac::BROADCAST),
        1 => prop_oneof![Just(Mac::default()), Just(Mac::new([1, 0x80, 0xc2, 0, 0, 3])), Just(Mac::new([0x33, 0x33, 0, 0, 0, 1]))],
    ]
}

fn tag() -> impl Strategy<Value = (u16, u16)> {
    let kind = prop_oneof![3 => Just(CUSTOMER), 1 => Just(SERVICE)];
    let vid = prop_oneof![Just(0u16), Just(10), Just(20), Just(30), Just(40), Just(4095)];
    (kind, vid, prop_oneof![Just(0u16), Just(0xb000)])
        .prop_map(|(kind, vid, priority)| (kind, vid | priority))
}

fn frame() -> impl Strategy<Value = Frame> {
    let octets = prop_oneof![4 => 0usize..60, 1 => 1490usize..1510];
    (mac(), mac(), prop::collection::vec(tag(), 0..3), octets).prop_map(|(to, from, tags, octets)| {
        tags.iter().fold(eth(to, from), |header, (kind, tci)| header.tag(*kind, *tci)).noise(octets)
    })
}

fn fate(topology: &Topology, sim: &Sim, from: &str, outcome: &Outcome, before: &Drops) -> Fate {
    let name = |ifindex| topology.port_of(ifindex).unwrap_or("nobody").to_owned();
    let sent: Vec<_> = outcome.sent.iter().map(|(to, frame)| (name(*to), frame.clone())).collect();
    let failures = new_drops(before, &drops(topology, sim));
    match outcome.verdict {
        Verdict::Forward { .. } => Fate::Forward(sent[0].0.clone(), sent[0].1.clone()),
        Verdict::Flooded => {
            let copies: BTreeMap<_, _> = sent.iter().cloned().collect();
            assert_eq!(copies.len(), sent.len(), "a port got two copies");
            Fate::Flood(copies, failures)
        }
        Verdict::Taken => panic!("nobody routes"),
        Verdict::Pass | Verdict::Punt => Fate::Pass,
        Verdict::Drop(reason) => {
            assert_eq!(failures.values().collect::<Vec<_>>(), [&reason], "counted once, for its reason");
            match failures.into_keys().next() {
                Some(port) if port != from => Fate::DropAt(port, reason),
                _ => Fate::Drop(reason),
            }
        }
    }
}

type Drops = BTreeMap<(String, DropReason), u64>;

fn drops(topology: &Topology, sim: &Sim) -> Drops {
    let rows = topology
        .slots
        .iter()
        .flat_map(|(name, slot)| DropReason::ALL.iter().map(move |reason| (name, slot, *reason)));
    rows.map(|(name, slot, reason)| ((name.clone(), reason), sim.tables.dropped(*slot, reason))).collect()
}

fn new_drops(before: &Drops, after: &Drops) -> BTreeMap<String, DropReason> {
    let grown = after.iter().filter(|(key, count)| before[*key] < **count);
    grown.map(|((name, reason), _)| (name.clone(), *reason)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn the_pipeline_does_what_the_oracle_says(
        frames in prop::collection::vec((prop::sample::select(vec!["a", "b", "c", "d", "g", "q", "r", "t", "n", "u", "w"]), frame()), 1..12),
    ) {
        let topology = Topology::new(ANYTHING, number);
        let sim = Sim::new(&topology);
        let mut oracle = Oracle::new(&topology.validated, 1500);
        for (from, frame) in frames {
            let before = drops(&topology, &sim);
            let outcome = sim.send(Hook::Tc, topology.ifindexes[from], &frame);
            let fate = fate(&topology, &sim, from, &outcome, &before);
            prop_assert_eq!(fate, oracle.send(from, &frame), "{} sends {:?}", from, frame);
        }
    }
}

/// A station is forgotten when it has been silent for the ageing time, and not before.
#[test]
fn stations_age() {
    let objects = "
- {apiVersion: dvs/v1, kind: Switch, ageing: 10}
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va}
- {apiVersion: dvs/v1, kind: Port, name: b, network: blue, device: vb}
- {apiVersion: dvs/v1, kind: Port, name: c, network: blue, device: vc}
";
    let topology = Topology::new(objects, number);
    let sim = Sim::new(&topology);
    let (a, b) = (topology.ifindexes["a"], topology.ifindexes["b"]);
    let hello = eth(Mac::BROADCAST, Mac::new([2, 0, 0, 0, 0, 1])).noise(46);
    let reply = eth(Mac::new([2, 0, 0, 0, 0, 1]), Mac::new([2, 0, 0, 0, 0, 2])).noise(46);
    let seconds = |seconds: u64| sim.tables.now.set(1 + seconds * 1_000_000_000);
    let copies = |frame, from| sim.send(Hook::Tc, from, frame).sent.len();
    assert_eq!(copies(&hello, a), 2);
    seconds(9);
    assert_eq!(copies(&reply, b), 1, "known");
    assert_eq!(copies(&hello, a), 2, "refreshed");
    seconds(18);
    assert_eq!(copies(&reply, b), 1, "still known");
    seconds(19);
    assert_eq!(copies(&reply, b), 2, "forgotten");
}

/// A table without room costs nothing but flooding.
#[test]
fn a_full_table_is_counted_and_forwards() {
    let topology = Topology::new(fixture::bridge::TWO_NETWORKS, number);
    let mut sim = Sim::new(&topology);
    sim.tables.fdb.capacity = topology.image.stations.len();
    let hello = eth(Mac::BROADCAST, Mac::new([2, 0, 0, 0, 0, 1])).noise(46);
    let outcome = sim.send(Hook::Tc, topology.ifindexes["c"], &hello);
    assert_eq!(outcome.sent.len(), 2);
    let stats =
        switch_ebpf::tables::Tables::stats(&sim.tables, topology.slots["c"]).map(|stats| stats.full.get());
    assert_eq!(stats, Some(1));
}

/// Frames of a device that is no port go nowhere, and are counted.
#[test]
fn a_device_without_a_port_is_closed() {
    let topology = Topology::new(fixture::bridge::TWO_NETWORKS, number);
    let sim = Sim::new(&topology);
    let outcome = sim.send(Hook::Tc, 9999, &eth(Mac::BROADCAST, Mac::new([2, 0, 0, 0, 0, 1])).noise(46));
    assert_eq!(outcome.verdict, Verdict::Drop(DropReason::UnknownPort));
    assert_eq!(sim.tables.dropped(0, DropReason::UnknownPort), 1);
}
