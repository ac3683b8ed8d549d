//! ICMP (RFC 792) and `ICMPv6` (RFC 4443): echo, and the errors that routers send.

use super::{part, set, sum};

/// Octets of the header.
pub const LEN: usize = 8;

/// ICMP: answer to an echo request.
pub const ECHO_REPLY: u8 = 0;
/// ICMP: the destination cannot be reached.
pub const UNREACHABLE: u8 = 3;
/// ICMP: echo request.
pub const ECHO: u8 = 8;
/// ICMP: the TTL ended on the way.
pub const TIME_EXCEEDED: u8 = 11;

/// `ICMPv6`: the destination cannot be reached.
pub const UNREACHABLE6: u8 = 1;
/// `ICMPv6`: the packet is too big.
pub const TOO_BIG6: u8 = 2;
/// `ICMPv6`: the hop limit ended on the way.
pub const TIME_EXCEEDED6: u8 = 3;
/// `ICMPv6`: echo request.
pub const ECHO6: u8 = 128;
/// `ICMPv6`: answer to an echo request.
pub const ECHO_REPLY6: u8 = 129;

/// Code of [`UNREACHABLE`]: no route.
pub const NET: u8 = 0;
/// Code of [`UNREACHABLE`]: the host does not answer.
pub const HOST: u8 = 1;
/// Code of [`UNREACHABLE`]: the host does not know the protocol.
pub const PROTOCOL: u8 = 2;
/// Code of [`UNREACHABLE`]: nobody listens at the port.
pub const PORT: u8 = 3;
/// Code of [`UNREACHABLE`]: the packet is too big and must not be fragmented.
pub const FRAGMENTATION_NEEDED: u8 = 4;

/// Code of [`UNREACHABLE`]: a policy forbids it.
pub const PROHIBITED: u8 = 13;

/// Code of [`UNREACHABLE6`]: a policy forbids it.
pub const PROHIBITED6: u8 = 1;
/// Code of [`UNREACHABLE6`]: no route.
pub const NO_ROUTE6: u8 = 0;
/// Code of [`UNREACHABLE6`]: the host does not answer.
pub const ADDRESS6: u8 = 3;
/// Code of [`UNREACHABLE6`]: nobody listens at the port.
pub const PORT6: u8 = 4;

/// True for an ICMP message that is about another packet: nobody sends an error about it (RFC 1122, 3.2.2).
#[inline(always)]
pub const fn is_error(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// The same for `ICMPv6` (RFC 4443, 2.4): all errors are below 128; a redirect (137) is none, but answered by none either.
#[inline(always)]
pub const fn is_error6(kind: u8) -> bool {
    kind < 128 || kind == super::nd::REDIRECT
}

/// A view of the header.
#[derive(Clone, Copy, Debug)]
pub struct Icmp<'a>(pub &'a [u8; LEN]);

impl Icmp<'_> {
    /// Type.
    #[inline(always)]
    pub fn kind(self) -> u8 {
        self.0[0]
    }

    /// Code.
    #[inline(always)]
    pub fn code(self) -> u8 {
        self.0[1]
    }

    /// Of an echo: the identifier as both ports of a flow's key.
    #[inline(always)]
    pub fn ports(self) -> u32 {
        let [high, low] = part::<4, 2, LEN>(self.0);
        u32::from_ne_bytes([high, low, high, low])
    }
}

/// Writes the header of a message, the rest of which, pseudo-header included, sums up to `rest`.
#[inline(always)]
pub fn write(header: &mut [u8; LEN], kind: u8, code: u8, info: u32, rest: u64) {
    let first = u32::from_ne_bytes([kind, code, 0, 0]);
    let total = rest + u64::from(first) + u64::from(info.to_be());
    set::<0, 2, LEN>(header, [kind, code]);
    set::<2, 2, LEN>(header, sum::finish(total));
    set::<4, 4, LEN>(header, info.to_be_bytes());
}

/// Makes an echo request the answer to it: another type, and the checksum follows (RFC 1624).
#[inline(always)]
pub fn answer(header: &mut [u8; LEN], reply: u8) {
    let old = u16::from_ne_bytes(part::<2, 2, LEN>(header));
    let was = u16::from_ne_bytes([header[0], header[1]]);
    header[0] = reply;
    let is = u16::from_ne_bytes([header[0], header[1]]);
    let total = u64::from(!old) + u64::from(!was) + u64::from(is);
    set::<2, 2, LEN>(header, sum::finish(total));
}
