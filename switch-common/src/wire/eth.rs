//! Ethernet II (IEEE 802.3-2018, 3.1.1).

use super::{be16, part, set};
use crate::addr::MacWord;

/// Octets of the header.
pub const LEN: usize = 14;

/// Ethertype of IPv4.
pub const IPV4: u16 = 0x0800;
/// Ethertype of ARP.
pub const ARP: u16 = 0x0806;
/// Ethertype of IPv6.
pub const IPV6: u16 = 0x86dd;

/// Octets of the two addresses.
pub const ADDRESSES: usize = 12;

/// The two addresses as words: twelve octets as they stand in a frame, followed by zeros.
#[inline(always)]
pub const fn addresses(destination: MacWord, source: MacWord) -> [u64; 2] {
    [(destination.get() | source.get() << 48).to_le(), (source.get() >> 16).to_le()]
}

/// Overwrites the two addresses.
#[inline(always)]
pub const fn readdress(header: &mut [u8; ADDRESSES], addresses: [u64; 2]) {
    set::<0, 8, ADDRESSES>(header, addresses[0].to_ne_bytes());
    let [a, b, c, d, ..] = addresses[1].to_ne_bytes();
    set::<8, 4, ADDRESSES>(header, [a, b, c, d]);
}

/// Writes the header.
#[inline(always)]
pub const fn write(header: &mut [u8; LEN], destination: MacWord, source: MacWord, ethertype: u16) {
    let [first, second] = addresses(destination, source);
    set::<0, 8, LEN>(header, first.to_ne_bytes());
    let [a, b, c, d, ..] = second.to_ne_bytes();
    set::<8, 4, LEN>(header, [a, b, c, d]);
    set::<12, 2, LEN>(header, ethertype.to_be_bytes());
}

/// A view of the header.
#[derive(Clone, Copy, Debug)]
pub struct Eth<'a>(pub &'a [u8; LEN]);

impl Eth<'_> {
    /// Destination address.
    #[inline(always)]
    pub fn destination(self) -> MacWord {
        MacWord::from_octets(part::<0, 8, LEN>(self.0))
    }

    /// Source address.
    #[inline(always)]
    pub fn source(self) -> MacWord {
        MacWord::from_octets(part::<6, 8, LEN>(self.0))
    }

    /// Ethertype, or the length of an 802.3 frame.
    #[inline(always)]
    pub fn ethertype(self) -> u16 {
        be16(self.0[12], self.0[13])
    }
}

/// Overwrites the source.
#[inline(always)]
pub const fn set_source(header: &mut [u8; LEN], source: MacWord) {
    let [a, b, c, d, e, f, ..] = source.get().to_le_bytes();
    set::<6, 4, LEN>(header, [a, b, c, d]);
    set::<10, 2, LEN>(header, [e, f]);
}
