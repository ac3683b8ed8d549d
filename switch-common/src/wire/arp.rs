//! ARP for IPv4 over Ethernet (RFC 826).

use super::{be16, part};
use crate::addr::MacWord;

/// Octets of a packet whose addresses are Ethernet's and IPv4's.
pub const LEN: usize = 28;

/// A view of the packet.
#[derive(Clone, Copy, Debug)]
pub struct Arp<'a>(pub &'a [u8; LEN]);

impl Arp<'_> {
    /// True if the packet is about Ethernet and IPv4 addresses, the only kind with this layout.
    #[inline(always)]
    pub fn is_ethernet_ipv4(self) -> bool {
        be16(self.0[0], self.0[1]) == 1
            && be16(self.0[2], self.0[3]) == super::eth::IPV4
            && self.0[4] == 6
            && self.0[5] == 4
    }

    /// Sender's hardware address.
    #[inline(always)]
    pub fn sender_mac(self) -> MacWord {
        MacWord::from_octets(part::<8, 8, LEN>(self.0))
    }

    /// Sender's IPv4 address; 0.0.0.0 in a probe (RFC 5227, 1.1).
    #[inline(always)]
    pub fn sender_ip(self) -> [u8; 4] {
        part::<14, 4, LEN>(self.0)
    }
}
