//! Frames that nobody thought of, against the oracle that bridges.

use dvs_tests::{
    frame::{Frame, eth},
    oracle::Oracle,
    sim::Sim,
    topology::Topology,
};
use proptest::prelude::*;
use switch_common::{
    addr::Mac,
    wire::vlan::{CUSTOMER, SERVICE},
};

use super::number;

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
            let fate = sim.fate(from, &frame, 0);
            prop_assert_eq!(fate, oracle.send(from, &frame), "{} sends {:?}", from, frame);
        }
    }
}
