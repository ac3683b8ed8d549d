//! Views of protocol headers: one file a header, byte offsets nowhere else.
//!
//! A view borrows an array of exactly its header's length, which the packet layer has checked
//! against the end of the frame once; its accessors cannot fail. Numbers come out in host order.

pub mod arp;
pub mod eth;
pub mod ipv4;
pub mod ipv6;
pub mod nd;
pub mod udp;
pub mod vlan;

/// Two octets of the wire as a number.
#[inline(always)]
pub(crate) const fn be16(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}
