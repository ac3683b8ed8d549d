//! What the tables remember, and what becomes of frames when they have no room.

use dvs_tests::{
    fixture,
    frame::eth,
    sim::{Hook, Sim},
    topology::Topology,
};
use switch_common::{
    addr::Mac,
    verdict::{DropReason, Verdict},
};

use super::number;

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
    let start = sim.tables.now.get();
    let seconds = |seconds: u64| sim.tables.now.set(start + seconds * 1_000_000_000);
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
