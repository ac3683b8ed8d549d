//! The forwarding database: which port a station is at.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{addr::Mac, shared::Shared};

/// Name of the map, a hash from [`Key`] to [`Entry`].
pub const NAME: &str = "fdb";

/// Entries unless the configuration says otherwise.
pub const DEFAULT_CAPACITY: u32 = 262_144;

/// A station in a network.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C, align(8))]
pub struct Key {
    /// Broadcast domain; the VLAN identifier for networks that have one.
    pub network: u16,
    /// The station's address.
    pub mac: Mac,
}

const _: () = assert!(size_of::<Key>() == 8);

impl Key {
    /// The station `mac` in `network`.
    #[inline(always)]
    pub const fn new(network: u16, mac: Mac) -> Self {
        let [low, high] = network.to_ne_bytes();
        let [a, b, c, d, e, f] = mac.octets();
        // One 64-bit value, because the verifier refuses a 32-bit store at offset 2 of the stack.
        // SAFETY: both types are eight octets without padding.
        unsafe { core::mem::transmute(u64::from_ne_bytes([low, high, a, b, c, d, e, f])) }
    }
}

/// The entry was configured: it never ages, and no frame moves it.
pub const STATIC: u32 = 1 << 0;

/// Where the station is.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Entry {
    /// Interface index of the port's device.
    pub ifindex: u32,
    /// [`STATIC`] or nothing.
    pub flags: u32,
    /// Coarse monotonic time of the last frame, in nanoseconds (`CLOCK_MONOTONIC_COARSE`).
    pub seen: Shared,
}

const _: () = assert!(size_of::<Entry>() == 16);

impl Entry {
    /// True for a configured entry.
    #[inline(always)]
    pub const fn is_static(&self) -> bool {
        self.flags & STATIC != 0
    }

    /// True if the station may still be there at time `now`: it is configured, or a frame of it was
    /// seen less than `ageing_ns` ago.
    #[inline(always)]
    pub fn is_fresh(&self, now: u64, ageing_ns: u64) -> bool {
        self.is_static() || now.saturating_sub(self.seen.get()) < ageing_ns
    }
}
