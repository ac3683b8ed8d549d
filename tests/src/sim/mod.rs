//! The pipeline on the host: real stages, tables in memory, frames in vectors.

mod packet;
mod tables;

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
        let mut packet = SimPacket::new(hook, ifindex, frame);
        let verdict = match hook {
            Hook::Tc => pipeline::switch(&mut packet, &self.tables),
            Hook::Xdp => pipeline::cache(&mut packet, &self.tables),
        };
        let mut sent = packet.copies();
        if let Verdict::Forward { ifindex, .. } = verdict {
            sent.push((ifindex, packet.frame()));
        }
        Outcome { verdict, sent }
    }
}
