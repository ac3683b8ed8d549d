//! What a guarded port may send over IPv6.

use switch_common::{
    table::port,
    verdict::DropReason,
    wire::ipv6::{self, Ipv6},
};

use super::{Guard, nd};
use crate::{
    chain::{self, End, Fragment},
    packet::Packet,
    tables::Tables,
};

/// Checks the source address, and neighbour discovery wherever it hides (RFC 7113).
#[inline(always)]
pub(super) fn check<P: Packet, T: Tables>(guard: &Guard<'_, P, T>, offset: usize) -> Result<(), DropReason> {
    let ip = Ipv6(guard.at(offset)?);
    let source = ip.source();
    let unspecified = source == [0; 16];
    if !ip.is_valid() || !(unspecified || guard.owns_ipv6(source)) {
        return Err(DropReason::SpoofedIp);
    }
    let chain = chain::walk(guard.packet, ip.next_header(), offset + ipv6::LEN);
    match chain.end {
        End::TooLong => Err(DropReason::GuardEvasion),
        End::Short => Err(DropReason::Runt),
        End::Upper if chain.next == u64::from(ipv6::ICMPV6) && chain.fragment != Fragment::Later => {
            nd::check(guard, chain.offset, unspecified, chain.fragment == Fragment::First)
        }
        End::Upper => sender(guard, unspecified),
    }
}

/// Only some of `ICMPv6` may come from `::`.
#[inline(always)]
pub(super) fn sender<P: Packet, T: Tables>(
    guard: &Guard<'_, P, T>,
    unspecified: bool,
) -> Result<(), DropReason> {
    if unspecified && guard.has(port::GUARD_IP) { Err(DropReason::SpoofedIp) } else { Ok(()) }
}
