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
    /// Frames received from the VM that were routed.
    pub routed: Shared,
    /// Frames received from the VM that the switch answered or took itself: ARP, neighbour discovery
    /// and echo requests.
    pub answered: Shared,
    /// ICMP errors not sent to the VM because of its limit.
    pub limited_errors: Shared,
    /// Flows of the VM that got no entry, because the table was full or the port had reached its
    /// limit of half-open ones; their packets were routed one by one.
    pub flow_full: Shared,
    /// Packets that a rule decided about and did not count, because its table was full.
    pub hits_full: Shared,
}

const _: () = assert!(size_of::<Stats>() == 112);
