//! IPv6 (RFC 8200) and the extension headers that can stand before an upper-layer header.

use super::{be16, part};

/// Octets of the fixed header.
pub const LEN: usize = 40;

/// Octets of a fragment header.
pub const FRAGMENT_LEN: usize = 8;

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

    /// Octets of an options or routing header: 8 to 2048.
    #[inline(always)]
    pub fn octets(self) -> usize {
        (usize::from(self.0[1]) + 1) * 8
    }
}
