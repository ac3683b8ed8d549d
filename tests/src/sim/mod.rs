//! The pipeline on the host: real stages, tables in memory, frames in vectors.

mod hash;
mod packet;
mod tables;

pub use hash::Hash;
pub use packet::{Hook, SimPacket};
pub use tables::{MemTables, chunk};

use switch_common::verdict::Verdict;
use switch_ebpf::pipeline;

use crate::{frame::Frame, topology::Topology};

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
}

impl Sim {
    /// A switch with the tables of a topology.
    pub fn new(topology: &Topology) -> Self {
        Self { tables: MemTables::new(&topology.image) }
    }

    /// Runs the pipeline on a frame that comes in at a device.
    pub fn send(&self, hook: Hook, ifindex: u32, frame: &Frame) -> Outcome {
        self.run(SimPacket::new(hook, ifindex, frame))
    }

    /// Runs the pipeline on a frame that comes in at TC and will be several packets on the wire, with
    /// `segment` octets of payload each.
    pub fn send_segments(&self, ifindex: u32, frame: &Frame, segment: u32) -> Outcome {
        self.run(SimPacket::new(Hook::Tc, ifindex, frame).in_segments_of(segment))
    }

    /// Replaces the configuration.
    pub fn change(&mut self, topology: &Topology) {
        self.tables.change(&topology.image);
    }

    fn run(&self, mut packet: SimPacket) -> Outcome {
        let verdict = match packet.hook() {
            Hook::Tc => pipeline::switch(&mut packet, &self.tables),
            Hook::Xdp => pipeline::cache(&mut packet, &self.tables),
        };
        let mut sent = packet.copies();
        if let Verdict::Forward { ifindex, .. } = verdict {
            assert!(packet.sum_is_kept(), "the hook was not told what was changed: {packet:?}");
            sent.push((ifindex, packet.frame()));
        }
        Outcome { verdict, sent }
    }
}
