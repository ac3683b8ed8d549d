//! Counters of every port, per CPU.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::shared::Shared;

/// Name of the map: a per-CPU array of [`Stats`] by slot.
pub const NAME: &str = "stats";

/// One port's counters on one CPU; the port's are the sum over all CPUs.
///
/// A GSO frame counts as one packet with all its bytes, as the kernel's own device counters do.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Stats {
    /// Frames sent to the VM.
    pub in_packets: Shared,
    /// Bytes of these frames, from the Ethernet header on.
    pub in_bytes: Shared,
    /// Frames received from the VM and not dropped.
    pub out_packets: Shared,
    /// Bytes of these frames.
    pub out_bytes: Shared,
    /// Frames received from the VM that were flooded.
    pub flooded: Shared,
    /// Addresses learned here.
    pub learned: Shared,
    /// Addresses that moved here from another port.
    pub moved: Shared,
    /// Addresses not learned because the port had reached its limit; their frames were forwarded.
    pub limited: Shared,
    /// Addresses not learned because the table was full; their frames were forwarded.
    pub full: Shared,
}

const _: () = assert!(size_of::<Stats>() == 72);
