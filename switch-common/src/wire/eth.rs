//! Ethernet II (IEEE 802.3-2018, 3.1.1).

use super::{be16, part};
use crate::addr::MacWord;

/// Octets of the header.
pub const LEN: usize = 14;

/// Ethertype of IPv4.
pub const IPV4: u16 = 0x0800;
/// Ethertype of ARP.
pub const ARP: u16 = 0x0806;
/// Ethertype of IPv6.
pub const IPV6: u16 = 0x86dd;

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
