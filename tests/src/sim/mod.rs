//! The pipeline on the host: real stages, tables in memory, frames in vectors.

mod hash;
mod packet;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

pub use hash::Hash;
pub use packet::{Hook, SimPacket};
pub use tables::{MemTables, chunk, pool};

use switch_common::{
    table::overlay,
    verdict::{DropReason, Verdict},
};
use switch_ebpf::{packet::Packet as _, pipeline, stage::tunnel, tunnel::Tunnel};

use crate::{
    fate::{Copies, Failures, Fate},
    frame::Frame,
    topology::Topology,
};

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the pipeline decided.
    pub verdict: Verdict,
    /// Every frame that left, with the interface index of its device.
    pub sent: Vec<(u32, Frame)>,
}

/// A switch on the host.
pub struct Sim {
    /// Its tables.
    pub tables: MemTables,
    topology: Topology,
}

/// Drops by port and reason.
type Drops = BTreeMap<(String, DropReason), u64>;

impl Sim {
    /// A switch with the tables of a topology.
    pub fn new(topology: &Topology) -> Self {
        Self { tables: MemTables::new(&topology.image), topology: topology.clone() }
    }

    /// Replaces the configuration.
    pub fn change(&mut self, topology: &Topology) {
        self.tables.change(&topology.image);
        self.topology = topology.clone();
    }

    /// Lets time pass.
    pub fn wait(&self, milliseconds: u64) {
        self.tables.now.set(self.tables.now.get() + milliseconds * 1_000_000);
    }

    /// Runs the pipeline on a frame that comes in at a device.
    pub fn send(&self, hook: Hook, ifindex: u32, frame: &Frame) -> Outcome {
        self.run(SimPacket::new(hook, ifindex, frame))
    }

    /// What becomes of a frame that comes in at a port at TC. If it is still to be cut up into
    /// packets, `segment` is how many octets of payload each has.
    ///
    /// # Panics
    /// If the switch contradicts itself: its counters say something else than its verdict, somebody
    /// gets two copies, or a sum is not kept.
    pub fn fate(&self, from: &str, frame: &Frame, segment: u32) -> Fate {
        let ifindex = self.topology.ifindexes[from];
        let packet = if overlay::is_host(ifindex) {
            self.out_of_tunnel(ifindex, frame)
        } else {
            SimPacket::new(Hook::Tc, ifindex, frame)
        };
        let before = self.drops();
        let outcome = self.run(packet.in_segments_of(segment));
        let mut drops = self.drops();
        drops.retain(|key, count| before.get(key) != Some(count));
        self.told(from, &outcome, drops.into_keys().collect())
    }

    fn told(&self, from: &str, outcome: &Outcome, drops: Failures) -> Fate {
        let name = |ifindex| self.topology.port_of(ifindex).unwrap_or("nobody").to_owned();
        let copies: Copies = outcome.sent.iter().map(|(to, frame)| (name(*to), frame.clone())).collect();
        assert_eq!(copies.len(), outcome.sent.len(), "a port got two copies: {outcome:?}");
        let reasons: BTreeSet<DropReason> = drops.values().copied().collect();
        match outcome.verdict {
            Verdict::Flooded => Fate::Flood(copies, drops),
            Verdict::Drop(reason) => {
                assert_eq!(reasons, BTreeSet::from([reason]), "counted for its reason");
                match drops.into_keys().next() {
                    Some(port) if port != from => Fate::DropAt(port, reason, copies),
                    // A request is made of the packet that has to wait for it, and may be longer.
                    _ => Fate::Drop(reason, trimmed(copies)),
                }
            }
            Verdict::Forward { .. } => match (drops.into_iter().next(), copies.into_iter().next()) {
                (None, Some((to, frame))) => Fate::Forward(to, frame),
                // An error is the packet that it is about, made into another one and sent back.
                (Some((port, reason)), Some(error)) if port == from => {
                    Fate::Drop(reason, Copies::from([error]))
                }
                (Some((port, reason)), Some(error)) => Fate::DropAt(port, reason, Copies::from([error])),
                (_, None) => unreachable!("a frame that is forwarded is sent"),
            },
            Verdict::Taken => Fate::Taken,
            Verdict::Pass | Verdict::Punt => Fate::Pass,
        }
    }

    fn drops(&self) -> Drops {
        let of = |(name, slot): (&String, &u32)| {
            let (name, slot) = (name.clone(), *slot);
            let count =
                move |reason: &DropReason| ((name.clone(), *reason), self.tables.dropped(slot, *reason));
            DropReason::ALL.iter().map(count).collect::<Vec<_>>()
        };
        self.topology.slots.iter().flat_map(of).collect()
    }

    /// A frame from another host. Its tag is that of the network inside the switch; one of no network stands for
    /// the VNI itself.
    fn out_of_tunnel(&self, host: u32, frame: &Frame) -> SimPacket {
        let image = &self.topology.image;
        let device = u32::try_from(image.config.tunnels).unwrap_or_default();
        let mut packet = SimPacket::new(Hook::Tc, device, frame);
        let network = packet.tag_beside().tci;
        packet.pop().unwrap_or_else(|_| unreachable!("there is memory"));
        let first = |key| image.overlay.get(&key).map(|entry: &overlay::Entry| entry.words);
        let vni = first(overlay::Key::vni_of(network)).map_or(network.into(), |words| words[0]);
        let remote = first(overlay::Key::address_of(host)).unwrap_or_default();
        packet.out_of(Tunnel { vni, remote, ..Tunnel::default() })
    }

    /// The VNI with which a frame for another host leaves, and the frame within the tunnel.
    ///
    /// # Panics
    /// If it cannot be put into the tunnel.
    pub fn into_tunnel(&self, host: u32, frame: &Frame) -> (Tunnel, Frame) {
        let mut packet = SimPacket::new(Hook::Tc, 0, frame);
        let entered = tunnel::enter(&mut packet, &self.tables, host);
        let tunnel = packet.into_tunnel().filter(|_| entered.is_ok());
        let Some(tunnel) = tunnel else { unreachable!("a tunnel takes every frame for its host") };
        (tunnel, packet.frame())
    }

    /// Runs the pipeline on a frame at its hook.
    ///
    /// # Panics
    /// If a sum is not kept, or a tunnel does not take a frame.
    pub fn run(&self, mut packet: SimPacket) -> Outcome {
        let verdict = match packet.hook() {
            Hook::Tc => pipeline::switch(&mut packet, &self.tables).verdict(),
            Hook::Xdp => pipeline::cache(&mut packet, &self.tables).verdict(),
        };
        let mut sent = packet.copies();
        if let Verdict::Forward { ifindex, .. } = verdict {
            // A frame that has become an answer goes back to the wire, where nobody looks at the sum.
            let forwarded = ifindex != packet.ifindex();
            assert!(!forwarded || packet.sum_is_kept(), "the hook was not told what was changed: {packet:?}");
            sent.push((ifindex, packet.frame()));
        }
        for (to, frame) in sent.iter().filter(|(to, _)| overlay::is_host(*to)) {
            self.into_tunnel(*to, frame);
        }
        Outcome { verdict, sent }
    }
}

fn trimmed(copies: Copies) -> Copies {
    copies.into_iter().map(|(port, frame)| (port, frame.trimmed())).collect()
}
