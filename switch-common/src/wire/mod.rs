//! Views of protocol headers: one file a header, byte offsets nowhere else.
//!
//! A view borrows an array of exactly its header's length, which the packet layer has checked
//! against the end of the frame once; its accessors cannot fail. Numbers come out in host order.

pub mod arp;
pub mod eth;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod nd;
pub mod sum;
pub mod tcp;
pub mod udp;
pub mod vlan;

/// Two octets of the wire as a number.
#[inline(always)]
pub(crate) const fn be16(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

/// `LEN` octets from `OFFSET` on; that they are there is checked at compile time.
///
/// One copy of known size instead of a pattern of single octets: the compiler makes it one or two loads.
#[inline(always)]
pub(crate) const fn part<const OFFSET: usize, const LEN: usize, const N: usize>(
    whole: &[u8; N],
) -> [u8; LEN] {
    const { assert!(OFFSET + LEN <= N) };
    // SAFETY: the assertion keeps the part within the array, and octets have no alignment.
    unsafe { *whole.as_ptr().add(OFFSET).cast::<[u8; LEN]>() }
}

/// An IPv6 address as words: two loads, where sixteen octets would become pieces of unequal size.
#[inline(always)]
pub(crate) const fn words<const OFFSET: usize, const SECOND: usize, const N: usize>(
    whole: &[u8; N],
) -> crate::addr::IpWords {
    const { assert!(SECOND == OFFSET + 8) };
    [u64::from_ne_bytes(part::<OFFSET, 8, N>(whole)), u64::from_ne_bytes(part::<SECOND, 8, N>(whole))]
}

/// Overwrites `LEN` octets from `OFFSET` on; that they are there is checked at compile time.
#[inline(always)]
pub(crate) const fn set<const OFFSET: usize, const LEN: usize, const N: usize>(
    whole: &mut [u8; N],
    octets: [u8; LEN],
) {
    const { assert!(OFFSET + LEN <= N) };
    // SAFETY: the assertion keeps the part within the array, and octets have no alignment.
    unsafe { *whole.as_mut_ptr().add(OFFSET).cast::<[u8; LEN]>() = octets };
}
