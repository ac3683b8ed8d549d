//! The cache at XDP.

use dvs_tests::{
    fixture,
    sim::{Hook, Sim},
    topology::Topology,
};
use switch_common::{table::port, verdict::Verdict};

use super::number;

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

/// The cache may leave a frame alone, but what it forwards it forwards as TC does.
#[test]
fn the_cache_never_disagrees_with_the_pipeline() {
    let mut forwarded = 0;
    for case in fixture::all() {
        let topology = with_xdp(case.objects);
        let sim = Sim::new(&topology);
        for sent in case.frames() {
            let ifindex = topology.ifindexes[sent.from];
            let cached = sim.send(Hook::Xdp, ifindex, &sent.frame);
            let whole = sim.send(Hook::Tc, ifindex, &sent.frame);
            if cached.verdict != Verdict::Punt {
                assert_eq!(cached.sent, whole.sent, "{}", case.name);
                forwarded += 1;
            }
        }
    }
    assert!(forwarded > 5, "only {forwarded} frames took the shortcut");
}
