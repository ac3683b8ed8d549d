//! What the datapath tells user space about single packets, as records of a ring buffer. Nobody waits for
//! it: a ring that is full loses records, which is counted.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::addr::IpWords;

/// Name of the ring buffer.
pub const NAME: &str = "events";
/// Its size in bytes.
pub const CAPACITY: u32 = 1 << 20;

/// A rule that logs has decided about a packet, or would have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Event {
    /// Coarse monotonic time in nanoseconds.
    pub time: u64,
    /// Number of the rule or default in the table of hits.
    pub rule: u64,
    /// What it does: as [`Record::what`](crate::table::rules::Record::what).
    pub what: u64,
    /// Sender; zeros if the frame is no IP packet.
    pub source: IpWords,
    /// Receiver.
    pub destination: IpWords,
    /// Ports as in a flow's key (source below destination, each as its octets stand in memory); of ICMP
    /// type and code in the destination port.
    pub ports: u32,
    /// 4 or 6; 0 if the frame is no IP packet.
    pub family: u16,
    /// Protocol of an IP packet, otherwise the ethertype.
    pub protocol: u16,
    /// Slot of the port whose policy it is.
    pub slot: u32,
    /// [`Direction`](crate::verdict::Direction) of the packet, as the port's VM sees it.
    pub direction: u32,
    /// Network of the packet.
    pub network: u32,
    /// Octets of the frame.
    pub octets: u32,
}

const _: () = assert!(size_of::<Event>() == 80);
