//! Which station has an IP address: what ARP and neighbour discovery find out.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::{addr::IpWords, shared::Shared};

/// Name of the map: a hash from [`Key`] to [`Neighbour`].
pub const NAME: &str = "neighbours";

/// Entries.
pub const CAPACITY: u32 = 65_536;

super::key! {
    /// An address in a network.
    pub struct Key {
        /// The network.
        pub network: u32,
        /// 4 or 6.
        pub family: u32,
        /// The address.
        pub address: IpWords,
    }
}

const _: () = assert!(size_of::<Key>() == 24);

/// The entry was configured: nothing that is heard changes it, and requests for it are answered by the switch.
pub const STATIC: u64 = 1 << 0;

/// What is known of an address.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Neighbour {
    /// Address of the station as the number of a [`MacWord`](crate::addr::MacWord); 0 if it is not known.
    pub mac: Shared,
    /// [`STATIC`] or nothing.
    pub flags: u64,
    /// Coarse monotonic time at which the station was heard last.
    pub heard: Shared,
    /// Coarse monotonic time at which it was asked last.
    pub asked: Shared,
    /// How often it was asked since it was heard.
    pub unanswered: Shared,
}

const _: () = assert!(size_of::<Neighbour>() == 40);

impl Neighbour {
    /// A station that has not answered so many requests is not there (RFC 4861, 10: `MAX_MULTICAST_SOLICIT`).
    pub const PATIENCE: u64 = 3;
    /// Least time between two requests (RFC 4861, 10: `RETRANS_TIMER`).
    pub const RETRY_NS: u64 = 1_000_000_000;

    /// True for a configured entry.
    #[inline(always)]
    pub const fn is_static(&self) -> bool {
        self.flags & STATIC != 0
    }

    /// True if nobody answers for the address.
    #[inline(always)]
    pub fn is_dead(&self) -> bool {
        self.mac.get() == 0 && self.unanswered.get() >= Self::PATIENCE
    }
}
