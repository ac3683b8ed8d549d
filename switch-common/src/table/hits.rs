//! What rules and defaults decided about, by port.
//!
//! The datapath counts a connection's packets when it judges the connection, which it does at least once
//! a second; what has not been counted when a flow ends is counted by whoever removes the flow.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::shared::Shared;

/// Name of the hash from [`Key`] to [`Hits`].
pub const NAME: &str = "hits";
/// Rules with a port each, unless the configuration says otherwise.
pub const DEFAULT_CAPACITY: u32 = 65_536;

super::key! {
    /// A rule at a port.
    pub struct Key {
        /// Number of the rule or default.
        pub rule: u64,
        /// Slot of the port.
        pub slot: u32,
        /// Always 0.
        pub reserved: u32,
    }
}

const _: () = assert!(size_of::<Key>() == 16);

/// What it decided about.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Hits {
    /// Packets.
    pub packets: Shared,
    /// Their bytes, from the Ethernet header on.
    pub bytes: Shared,
    /// Coarse monotonic time of the last judgement.
    pub last: Shared,
}

const _: () = assert!(size_of::<Hits>() == 24);
