//! IPv4 (RFC 791).

use super::{be16, part, set, sum};
use crate::addr::{IpWords, ipv4_words};

/// Octets of the header without options.
pub const LEN: usize = 20;

/// Protocol number of ICMP.
pub const ICMP: u8 = 1;
/// Protocol number of IGMP.
pub const IGMP: u8 = 2;
/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;
/// Protocol number of SCTP.
pub const SCTP: u8 = 132;

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

    /// True for a header that no options follow.
    #[inline(always)]
    pub fn is_plain(self) -> bool {
        self.0[0] == 0x45
    }

    /// True if the checksum is right. For a header without options.
    #[inline(always)]
    pub fn has_right_checksum(self) -> bool {
        let words = [
            u32::from_ne_bytes(part::<0, 4, LEN>(self.0)),
            u32::from_ne_bytes(part::<4, 4, LEN>(self.0)),
            u32::from_ne_bytes(part::<8, 4, LEN>(self.0)),
            u32::from_ne_bytes(part::<12, 4, LEN>(self.0)),
            u32::from_ne_bytes(part::<16, 4, LEN>(self.0)),
        ];
        let [a, b, c, d, e] = words;
        let total = u64::from(a) + u64::from(b) + u64::from(c) + u64::from(d) + u64::from(e);
        sum::fold(total) == 0xffff
    }

    /// Octets of the packet; 0 for one that is longer than the field can say and still to be cut up.
    #[inline(always)]
    pub fn total_len(self) -> u16 {
        be16(self.0[2], self.0[3])
    }

    /// Identification of the datagram.
    #[inline(always)]
    pub fn id(self) -> u16 {
        be16(self.0[4], self.0[5])
    }

    /// True for a part of a datagram, be it the first or a later one.
    #[inline(always)]
    pub fn is_fragment(self) -> bool {
        be16(self.0[6], self.0[7]) & 0x3fff != 0
    }

    /// Octets of the datagram in front of this part.
    #[inline(always)]
    pub fn part(self) -> u16 {
        (be16(self.0[6], self.0[7]) & 0x1fff) << 3
    }

    /// How many routers the packet may still pass.
    #[inline(always)]
    pub fn ttl(self) -> u8 {
        self.0[8]
    }

    /// Source and destination in the form of a flow's key.
    #[inline(always)]
    pub fn addresses(self) -> u64 {
        u64::from_ne_bytes(part::<12, 8, LEN>(self.0))
    }

    /// Source address as words.
    #[inline(always)]
    pub fn source_words(self) -> IpWords {
        ipv4_words(self.source())
    }

    /// Destination address as words.
    #[inline(always)]
    pub fn destination_words(self) -> IpWords {
        ipv4_words(self.destination())
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

/// Lets the packet pass one router: the TTL falls by one, and the checksum follows (RFC 1624).
#[inline(always)]
pub const fn pass(header: &mut [u8; LEN]) {
    header[8] = header[8].wrapping_sub(1);
    let sum = u16::from_be_bytes(part::<10, 2, LEN>(header)) as u32 + 0x100;
    // All ones is another zero, which nobody else writes.
    let sum = (sum + (sum >= 0xffff) as u32) as u16;
    set::<10, 2, LEN>(header, sum.to_be_bytes());
}

/// Writes a header without options for a packet that is never fragmented.
#[inline(always)]
pub fn write(header: &mut [u8; LEN], octets: u16, protocol: u8, source: [u8; 4], destination: [u8; 4]) {
    let [high, low] = octets.to_be_bytes();
    // Precedence of network control, as routers send (RFC 1812, 4.3.2.5).
    set::<0, 4, LEN>(header, [0x45, 0xc0, high, low]);
    set::<4, 4, LEN>(header, [0, 0, 0x40, 0]);
    set::<8, 4, LEN>(header, [64, protocol, 0, 0]);
    set::<12, 4, LEN>(header, source);
    set::<16, 4, LEN>(header, destination);
    let total = u64::from(u32::from_ne_bytes([0x45, 0xc0, high, low]))
        + u64::from(u32::from_ne_bytes([0, 0, 0x40, 0]))
        + u64::from(u32::from_ne_bytes([64, protocol, 0, 0]))
        + u64::from(u32::from_ne_bytes(source))
        + u64::from(u32::from_ne_bytes(destination));
    set::<10, 2, LEN>(header, sum::finish(total));
}

/// Exchanges source and destination, which leaves the checksum as it is.
#[inline(always)]
pub fn turn(header: &mut [u8; LEN]) {
    let (source, destination) = (part::<12, 4, LEN>(header), part::<16, 4, LEN>(header));
    set::<12, 4, LEN>(header, destination);
    set::<16, 4, LEN>(header, source);
}

/// Gives the packet another TTL; the checksum follows (RFC 1624).
#[inline(always)]
pub fn renew(header: &mut [u8; LEN], ttl: u8) {
    let was = u16::from_ne_bytes(part::<8, 2, LEN>(header));
    header[8] = ttl;
    let is = u16::from_ne_bytes(part::<8, 2, LEN>(header));
    let old = u16::from_ne_bytes(part::<10, 2, LEN>(header));
    set::<10, 2, LEN>(header, sum::finish(u64::from(!old) + u64::from(!was) + u64::from(is)));
}
