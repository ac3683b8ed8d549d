//! IPv6 (RFC 8200) and the extension headers that can stand before an upper-layer header.

use super::{be16, part, set, words};
use crate::addr::{IpWords, ip_octets};

/// Octets of the fixed header.
pub const LEN: usize = 40;

/// Octets of a fragment header.
pub const FRAGMENT_LEN: usize = 8;

/// Octets of a hop-by-hop header with the length of a jumbo packet (RFC 2675, 2).
pub const JUMBO_LEN: u32 = 8;

/// Next-header number of hop-by-hop options.
pub const HOP_BY_HOP: u8 = 0;
/// Next-header number of a routing header.
pub const ROUTING: u8 = 43;
/// Next-header number of a fragment header.
pub const FRAGMENT: u8 = 44;
/// Next-header number of destination options.
pub const DESTINATION: u8 = 60;
/// Next-header number of `ICMPv6`.
pub const ICMPV6: u8 = 58;

/// A view of the fixed header.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6<'a>(pub &'a [u8; LEN]);

impl Ipv6<'_> {
    /// True if the version is 6.
    #[inline(always)]
    pub fn is_valid(self) -> bool {
        self.0[0] >> 4 == 6
    }

    /// Octets behind the fixed header; 0 for a packet that is longer than the field can say.
    #[inline(always)]
    pub fn payload_len(self) -> u16 {
        be16(self.0[4], self.0[5])
    }

    /// How many routers the packet may still pass.
    #[inline(always)]
    pub fn hop_limit(self) -> u8 {
        self.0[7]
    }

    /// Destination address as words.
    #[inline(always)]
    pub fn destination_words(self) -> IpWords {
        words::<24, 32, LEN>(self.0)
    }

    /// Source address as words.
    #[inline(always)]
    pub fn source_words(self) -> IpWords {
        words::<8, 16, LEN>(self.0)
    }

    /// Number of the header that follows.
    #[inline(always)]
    pub fn next_header(self) -> u8 {
        self.0[6]
    }

    /// Source address.
    #[inline(always)]
    pub fn source(self) -> [u8; 16] {
        part::<8, 16, LEN>(self.0)
    }
}

/// A view of the first eight octets of an extension header.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a>(pub &'a [u8; 8]);

impl Extension<'_> {
    /// Number of the header that follows.
    #[inline(always)]
    pub fn next_header(self) -> u8 {
        self.0[0]
    }

    /// Of a fragment header: where the fragment begins, in units of eight octets.
    #[inline(always)]
    pub fn fragment_offset(self) -> u16 {
        be16(self.0[2], self.0[3]) >> 3
    }

    /// Of a fragment header: which datagram it is a part of.
    #[inline(always)]
    pub fn id(self) -> u32 {
        u32::from_be_bytes(part::<4, 4, 8>(self.0))
    }

    /// Octets of an options or routing header: 8 to 2048.
    #[inline(always)]
    pub fn octets(self) -> usize {
        (usize::from(self.0[1]) + 1) * 8
    }
}

/// Lets the packet pass one router; returns by how much the sum of the header changed, as
/// [`resum`](super::sum) counts: the hop limit is the second octet of its pair.
#[inline(always)]
pub const fn pass(header: &mut [u8; LEN]) -> u32 {
    header[7] = header[7].wrapping_sub(1);
    // Minus one in one's complement, in the place of the second octet.
    !u16::from_ne_bytes([0, 1]) as u32
}

/// Writes the fixed header.
#[inline(always)]
pub fn write(
    header: &mut [u8; LEN],
    payload: u16,
    next: u8,
    hop_limit: u8,
    source: IpWords,
    destination: IpWords,
) {
    let [high, low] = payload.to_be_bytes();
    set::<0, 8, LEN>(header, [0x60, 0, 0, 0, high, low, next, hop_limit]);
    set::<8, 8, LEN>(header, source[0].to_ne_bytes());
    set::<16, 8, LEN>(header, source[1].to_ne_bytes());
    set::<24, 8, LEN>(header, destination[0].to_ne_bytes());
    set::<32, 8, LEN>(header, destination[1].to_ne_bytes());
}

/// Exchanges source and destination, which leaves the sum of the header as it is.
#[inline(always)]
pub fn turn(header: &mut [u8; LEN]) {
    let (source, destination) = (words::<8, 16, LEN>(header), words::<24, 32, LEN>(header));
    set::<8, 8, LEN>(header, destination[0].to_ne_bytes());
    set::<16, 8, LEN>(header, destination[1].to_ne_bytes());
    set::<24, 8, LEN>(header, source[0].to_ne_bytes());
    set::<32, 8, LEN>(header, source[1].to_ne_bytes());
}

/// True for `fe80::/10`.
#[inline(always)]
pub const fn is_link_local(address: IpWords) -> bool {
    let [a, b, ..] = ip_octets(address);
    a == 0xfe && b & 0xc0 == 0x80
}

/// Gives the packet another hop limit; returns by how much the sum of the header changed.
#[inline(always)]
pub fn renew(header: &mut [u8; LEN], hop_limit: u8) -> u32 {
    let was = u16::from_ne_bytes(part::<6, 2, LEN>(header));
    header[7] = hop_limit;
    let is = u16::from_ne_bytes(part::<6, 2, LEN>(header));
    u32::from(!was) + u32::from(is)
}
