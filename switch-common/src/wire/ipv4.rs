//! IPv4 (RFC 791).

use super::{be16, part};

/// Octets of the header without options.
pub const LEN: usize = 20;

/// Protocol number of IGMP.
pub const IGMP: u8 = 2;
/// Protocol number of UDP.
pub const UDP: u8 = 17;

/// A view of the fixed part of the header.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4<'a>(pub &'a [u8; LEN]);

impl Ipv4<'_> {
    /// True if version and header length are possible ones.
    #[inline(always)]
    pub fn is_valid(self) -> bool {
        self.0[0] >> 4 == 4 && self.0[0] & 0xf >= 5
    }

    /// Octets of the header with its options: 20 to 60 if the header [is valid](Self::is_valid).
    #[inline(always)]
    pub fn header_len(self) -> usize {
        usize::from(self.0[0] & 0xf) * 4
    }

    /// True for every fragment of a datagram but the first.
    #[inline(always)]
    pub fn is_later_fragment(self) -> bool {
        be16(self.0[6], self.0[7]) & 0x1fff != 0
    }

    /// Protocol of the payload.
    #[inline(always)]
    pub fn protocol(self) -> u8 {
        self.0[9]
    }

    /// Source address.
    #[inline(always)]
    pub fn source(self) -> [u8; 4] {
        part::<12, 4, LEN>(self.0)
    }

    /// Destination address.
    #[inline(always)]
    pub fn destination(self) -> [u8; 4] {
        part::<16, 4, LEN>(self.0)
    }
}
