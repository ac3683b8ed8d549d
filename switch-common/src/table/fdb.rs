//! The forwarding database: which port a station is at.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::{
    addr::{Mac, MacWord},
    shared::Shared,
};

/// Name of the map, a hash from [`Key`] to [`Entry`].
pub const NAME: &str = "fdb";

/// Entries unless the configuration says otherwise.
pub const DEFAULT_CAPACITY: u32 = 262_144;

super::key! {
    /// A station in a network.
    #[repr(align(8))]
    pub struct Key {
        /// The station's address.
        pub mac: Mac,
        /// Broadcast domain; the VLAN identifier for networks that have one.
        pub network: u16,
    }
}

const _: () = assert!(size_of::<Key>() == 8);

impl Key {
    /// The station `mac` in `network`.
    #[inline(always)]
    pub const fn new(network: u16, mac: Mac) -> Self {
        Self { mac, network }
    }

    /// The same from an address in one register: the key is built and stored as one number.
    #[inline(always)]
    pub const fn of(network: u16, mac: MacWord) -> Self {
        let [low, high] = network.to_ne_bytes();
        let word = mac.get() | u64::from_le_bytes([0, 0, 0, 0, 0, 0, low, high]);
        // SAFETY: both types are eight octets without padding, and any octets are a key.
        unsafe { core::mem::transmute(word.to_le()) }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_make_the_same_key(network: u16, octets: [u8; 6]) {
            let mac = Mac::new(octets);
            prop_assert_eq!(Key::of(network, mac.word()), Key::new(network, mac));
        }
    }
}
