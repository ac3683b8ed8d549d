//! ARP for IPv4 over Ethernet (RFC 826).

use super::{be16, part, set};
use crate::addr::MacWord;

/// Octets of a packet whose addresses are Ethernet's and IPv4's.
pub const LEN: usize = 28;

/// Operation of a request.
pub const REQUEST: u16 = 1;
/// Operation of a reply.
pub const REPLY: u16 = 2;

/// Writes a packet.
#[inline(always)]
pub const fn write(
    packet: &mut [u8; LEN],
    operation: u16,
    sender: (MacWord, [u8; 4]),
    target: (MacWord, [u8; 4]),
) {
    set::<0, 4, LEN>(packet, [0, 1, 8, 0]);
    let [high, low] = operation.to_be_bytes();
    set::<4, 4, LEN>(packet, [6, 4, high, low]);
    set_mac::<8>(packet, sender.0);
    set::<14, 4, LEN>(packet, sender.1);
    set_mac::<18>(packet, target.0);
    set::<24, 4, LEN>(packet, target.1);
}

#[inline(always)]
const fn set_mac<const OFFSET: usize>(packet: &mut [u8; LEN], mac: MacWord) {
    const { assert!(OFFSET + 6 <= LEN) };
    let [a, b, c, d, e, f, ..] = mac.get().to_le_bytes();
    // SAFETY: the assertion keeps both parts within the array, and octets have no alignment.
    unsafe {
        *packet.as_mut_ptr().add(OFFSET).cast::<[u8; 4]>() = [a, b, c, d];
        *packet.as_mut_ptr().add(OFFSET + 4).cast::<[u8; 2]>() = [e, f];
    }
}

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

    /// True for a request.
    #[inline(always)]
    pub fn is_request(self) -> bool {
        be16(self.0[6], self.0[7]) == REQUEST
    }

    /// True for a reply.
    #[inline(always)]
    pub fn is_reply(self) -> bool {
        be16(self.0[6], self.0[7]) == REPLY
    }

    /// The IPv4 address that is asked for, or that of the receiver.
    #[inline(always)]
    pub fn target_ip(self) -> [u8; 4] {
        part::<24, 4, LEN>(self.0)
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
