//! Networks that reach other hosts through tunnels: what stands for networks and hosts on the underlay, and back.
//!
//! A host is a port to the switch's other tables. Its number is no device's: [`HOST`] and its slot. A network is
//! a number of 12 bits there, as one that has a VLAN.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::MAX_PORTS;

/// Name of the map, a hash from [`Key`] to [`Entry`].
pub const NAME: &str = "overlay";

/// Entries: two for each network and two for each host.
pub const CAPACITY: u32 = 2 * (4096 + MAX_PORTS);

/// The bit that the number of a host has and that of a device has not: the kernel's are positive.
pub const HOST: u32 = 1 << 31;

/// The number of the host in this slot.
#[inline(always)]
pub const fn host(slot: u32) -> u32 {
    HOST | slot
}

/// True for the number of a host.
#[inline(always)]
pub const fn is_host(ifindex: u32) -> bool {
    ifindex & HOST != 0
}

/// An address on the underlay, as the kernel describes it to programs: of IPv4 the first word in host order,
/// of IPv6 the octets as they stand in a packet.
pub type Address = [u32; 4];

/// The form of an IPv4 address.
#[inline(always)]
pub const fn ipv4(octets: [u8; 4]) -> Address {
    [u32::from_be_bytes(octets), 0, 0, 0]
}

/// The form of an IPv6 address.
#[inline(always)]
pub const fn ipv6(octets: [u8; 16]) -> Address {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
    [
        u32::from_ne_bytes([a, b, c, d]),
        u32::from_ne_bytes([e, f, g, h]),
        u32::from_ne_bytes([i, j, k, l]),
        u32::from_ne_bytes([m, n, o, p]),
    ]
}

super::key! {
    /// What is asked for.
    pub struct Key {
        /// What it is.
        pub kind: u32,
        /// Always 0: makes the size a multiple of eight.
        pub reserved: u32,
        /// By what it is asked for.
        pub words: Address,
    }
}

const _: () = assert!(size_of::<Key>() == 24);

/// The VNI of a network.
const VNI: u32 = 1;
/// The network of a VNI.
const NETWORK: u32 = 2;
/// The address of a host.
const ADDRESS: u32 = 3;
/// The number of the host with an address.
const NUMBER: u32 = 4;

impl Key {
    /// Asks for the VNI of a network.
    #[inline(always)]
    pub const fn vni_of(network: u16) -> Self {
        Self { kind: VNI, reserved: 0, words: [network as u32, 0, 0, 0] }
    }

    /// Asks for the network that has a VNI.
    #[inline(always)]
    pub const fn network_of(vni: u32) -> Self {
        Self { kind: NETWORK, reserved: 0, words: [vni, 0, 0, 0] }
    }

    /// Asks for the address of a host.
    #[inline(always)]
    pub const fn address_of(host: u32) -> Self {
        Self { kind: ADDRESS, reserved: 0, words: [host, 0, 0, 0] }
    }

    /// Asks for the number of the host that has an address.
    #[inline(always)]
    pub const fn number_of(address: Address) -> Self {
        Self { kind: NUMBER, reserved: 0, words: address }
    }
}

/// The answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Entry {
    /// An address, or a number in the first word.
    pub words: Address,
}

const _: () = assert!(size_of::<Entry>() == 16);

impl Entry {
    /// The entry of a number.
    pub const fn number(number: u32) -> Self {
        Self { words: [number, 0, 0, 0] }
    }

    /// The entry of an address.
    pub const fn address(address: Address) -> Self {
        Self { words: address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_questions_are_the_same() {
        let address = ipv4([0, 0, 0, 7]);
        let keys = [Key::vni_of(7), Key::network_of(7), Key::address_of(7), Key::number_of(address)];
        for (index, key) in keys.iter().enumerate() {
            assert!(keys[..index].iter().all(|other| other != key));
        }
    }

    #[test]
    fn hosts_are_no_devices() {
        assert!(is_host(host(0)) && is_host(host(MAX_PORTS)));
        assert!(!is_host(i32::MAX.unsigned_abs()));
    }
}
