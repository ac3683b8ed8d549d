//! Where packets to a prefix go.
//!
//! A route is a row of a longest-prefix-match trie, whose value is the number of a [`Target`]: many
//! routes share few. Targets are never changed: a route that leads elsewhere gets another number, in
//! one atomic write, after the target is there and before the old one goes.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::addr::IpWords;

/// Name of the trie from [`Key4`] to the number of a target (`u64`).
pub const NAME4: &str = "routes4";
/// Name of the trie from [`Key6`] to the number of a target (`u64`).
pub const NAME6: &str = "routes6";
/// Name of the hash from number (`u64`) to [`Target`].
pub const TARGETS: &str = "targets";

/// Routes of each family.
pub const CAPACITY: u32 = 1_048_576;

/// Bits of the router's number, which come before those of the address.
pub const VRF_BITS: u32 = 32;

super::key! {
    /// An IPv4 prefix of a router, or, with all bits, an address.
    pub struct Key4 {
        /// Bits that count: [`VRF_BITS`] and those of the prefix.
        pub bits: u32,
        /// Number of the router, in network order, because bits are compared from the first octet on.
        pub vrf: u32,
        /// The address as the words of the wire hold it: its four octets.
        pub address: u32,
    }
}

const _: () = assert!(size_of::<Key4>() == 12);

super::key! {
    /// An IPv6 prefix of a router.
    pub struct Key6 {
        /// Bits that count: [`VRF_BITS`] and those of the prefix.
        pub bits: u32,
        /// Number of the router, in network order.
        pub vrf: u32,
        /// The address.
        pub address: IpWords,
    }
}

const _: () = assert!(size_of::<Key6>() == 24);

impl Key4 {
    /// A prefix of this many bits.
    #[inline(always)]
    pub const fn new(vrf: u32, address: IpWords, bits: u32) -> Self {
        Self { bits: VRF_BITS + bits, vrf: vrf.to_be(), address: (address[0].to_le() as u32).to_le() }
    }
}

/// The key of an IPv4 address, on the stack of the datapath: whole words, because the verifier refuses
/// the misaligned stores that LLVM merges from smaller neighbours.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Address4([u64; 2]);

impl Address4 {
    /// The address in a router.
    #[inline(always)]
    pub const fn new(vrf: u32, address: IpWords) -> Self {
        let bits = VRF_BITS + 32;
        Self([(bits.to_le() as u64 | (vrf.to_be().to_le() as u64) << 32).to_le(), address[0]])
    }

    /// The key.
    #[inline(always)]
    pub const fn key(&self) -> &Key4 {
        // SAFETY: the words are longer and more aligned than the key, and any octets are a key.
        unsafe { &*self.0.as_ptr().cast() }
    }
}

impl Key6 {
    /// A prefix of this many bits.
    #[inline(always)]
    pub const fn new(vrf: u32, address: IpWords, bits: u32) -> Self {
        Self { bits: VRF_BITS + bits, vrf: vrf.to_be(), address }
    }
}

/// The prefix is a subnet of a network: packets go to their destination itself.
pub const CONNECTED: u32 = 1;
/// The address is one of the router's own.
pub const LOCAL: u32 = 2;
/// Packets go to one of the next hops.
pub const VIA: u32 = 3;
/// Packets are dropped.
pub const BLACKHOLE: u32 = 4;
/// Packets are dropped, and their senders told.
pub const UNREACHABLE: u32 = 5;

/// Most next hops of a target.
pub const HOPS: usize = 16;

/// A station that packets go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Hop {
    /// Its network.
    pub network: u64,
    /// Its address; in a connected target zeros, for the destination's.
    pub address: IpWords,
    /// The router's own address in that subnet, from which it asks for the station.
    pub own: IpWords,
}

const _: () = assert!(size_of::<Hop>() == 40);

/// What becomes of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Target {
    /// One of the constants above.
    pub kind: u32,
    /// How many of `hops` there are: 1 if connected or local, with the network and the own address.
    pub count: u32,
    /// Next hops; zeros past `count`.
    pub hops: [Hop; HOPS],
}

const _: () = assert!(size_of::<Target>() == 8 + 40 * HOPS);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::ipv4_words;

    #[test]
    fn an_address_is_its_longest_prefix() {
        let address = ipv4_words([10, 0, 20, 1]);
        assert_eq!(*Address4::new(7, address).key(), Key4::new(7, address, 32));
    }
}
