//! The addresses that guarded ports may send from.

use core::net::IpAddr;

use crate::addr::{IpWords, MacWord, ipv4_words, ipv6_words};

/// Name of the map, a hash from [`Key`] to a `u32` that is always 1.
pub const NAME: &str = "guard";

/// `kind` of a MAC address.
pub const MAC: u32 = 1;
/// `kind` of an IPv4 address.
pub const IPV4: u32 = 4;
/// `kind` of an IPv6 address.
pub const IPV6: u32 = 6;

super::key! {
    /// An address at a port.
    pub struct Key {
        /// Interface index of the port's device.
        pub ifindex: u32,
        /// [`MAC`], [`IPV4`] or [`IPV6`].
        pub kind: u32,
        /// The address; a MAC address in its first six octets.
        pub address: IpWords,
    }
}

const _: () = assert!(size_of::<Key>() == 24);

impl Key {
    /// The right of a port to send from this MAC address.
    #[inline(always)]
    pub const fn mac(ifindex: u32, mac: MacWord) -> Self {
        Self { ifindex, kind: MAC, address: [mac.get().to_le(), 0] }
    }

    /// The right of a port to send from this IPv4 address.
    #[inline(always)]
    pub const fn ipv4(ifindex: u32, address: [u8; 4]) -> Self {
        Self { ifindex, kind: IPV4, address: ipv4_words(address) }
    }

    /// The right of a port to send from this IPv6 address.
    #[inline(always)]
    pub const fn ipv6(ifindex: u32, address: [u8; 16]) -> Self {
        Self { ifindex, kind: IPV6, address: ipv6_words(address) }
    }

    /// The right of a port to send from this IP address.
    pub fn ip(ifindex: u32, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::ipv4(ifindex, v4.octets()),
            IpAddr::V6(v6) => Self::ipv6(ifindex, v6.octets()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;

    #[test]
    fn addresses_stand_in_the_order_of_the_wire() {
        let mac = Key::mac(7, crate::addr::Mac::new([2, 0, 0, 0, 0, 1]).word());
        assert_eq!(mac.as_bytes()[8..], [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let v4 = Key::ipv4(7, [10, 0, 10, 1]);
        assert_eq!(v4.as_bytes()[8..], [10, 0, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let octets = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        assert_eq!(Key::ipv6(7, octets).as_bytes()[8..], octets);
    }
}
