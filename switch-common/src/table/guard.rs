//! The addresses that guarded ports may send from.

use core::net::IpAddr;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::addr::Mac;

/// Name of the map, a hash from [`Key`] to a `u32` that is always 1.
pub const NAME: &str = "guard";

/// `kind` of a MAC address.
pub const MAC: u32 = 1;
/// `kind` of an IPv4 address.
pub const IPV4: u32 = 4;
/// `kind` of an IPv6 address.
pub const IPV6: u32 = 6;

/// An address at a port.
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
    /// Interface index of the port's device.
    pub ifindex: u32,
    /// [`MAC`], [`IPV4`] or [`IPV6`].
    pub kind: u32,
    /// The address in the order of the wire, followed by zeros.
    pub address: [u8; 16],
}

const _: () = assert!(size_of::<Key>() == 24);

impl Key {
    /// The right of a port to send from this MAC address.
    #[inline(always)]
    pub fn mac(ifindex: u32, mac: Mac) -> Self {
        let [a, b, c, d, e, f] = mac.octets();
        let address = [a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Self { ifindex, kind: MAC, address }
    }

    /// The right of a port to send from this IPv4 address.
    #[inline(always)]
    pub fn ipv4(ifindex: u32, [a, b, c, d]: [u8; 4]) -> Self {
        let address = [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Self { ifindex, kind: IPV4, address }
    }

    /// The right of a port to send from this IPv6 address.
    #[inline(always)]
    pub fn ipv6(ifindex: u32, address: [u8; 16]) -> Self {
        Self { ifindex, kind: IPV6, address }
    }

    /// The right of a port to send from this IP address.
    pub fn ip(ifindex: u32, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::ipv4(ifindex, v4.octets()),
            IpAddr::V6(v6) => Self::ipv6(ifindex, v6.octets()),
        }
    }
}
