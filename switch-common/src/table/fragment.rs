//! The ports of datagrams that come in fragments, of which only the first has them.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::{addr::IpWords, shared::Shared};

/// Name of the map: a hash from [`Key`] to [`Fragment`] that forgets the least used.
pub const NAME: &str = "fragments";

/// Datagrams that are remembered.
pub const CAPACITY: u32 = 8192;

super::key! {
    /// A datagram, as its fragments name it (RFC 791, 3.2; RFC 8200, 4.5).
    pub struct Key {
        /// Sender.
        pub source: IpWords,
        /// Receiver.
        pub destination: IpWords,
        /// Identification.
        pub id: u32,
        /// The network that it came from.
        pub network: u16,
        /// Protocol of the payload.
        pub protocol: u16,
    }
}

const _: () = assert!(size_of::<Key>() == 40);

/// What its first fragment said.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Fragment {
    /// Ports, as in a flow's key; above them TCP's flags or ICMP's type, and above these ICMP's code.
    pub ports: u64,
    /// Coarse monotonic time of the first fragment.
    pub seen: Shared,
}

const _: () = assert!(size_of::<Fragment>() == 16);

impl Fragment {
    /// Fragments that come later than this belong to another datagram (RFC 8200, 4.5: 60 s; Linux: 30 s).
    pub const LIFETIME_NS: u64 = 30_000_000_000;
}
