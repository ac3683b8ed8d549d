//! What a guarded port may send over IPv6.

use core::ops::ControlFlow;

use switch_common::{
    table::port,
    verdict::DropReason,
    wire::ipv6::{self, Extension, Ipv6},
};

use super::{Guard, nd};
use crate::{
    packet::{Packet, Repeated},
    tables::Tables,
};

/// Most extension headers in a row that are looked behind.
const MAX_EXTENSIONS: u32 = 8;

/// Checks the source address, and neighbour discovery wherever it hides (RFC 7113).
#[inline(always)]
pub(super) fn check<P: Packet, T: Tables>(guard: &Guard<'_, P, T>, offset: usize) -> Result<(), DropReason> {
    let ip = Ipv6(guard.at(offset)?);
    let source = ip.source();
    let unspecified = source == [0; 16];
    if !ip.is_valid() || !(unspecified || guard.owns_ipv6(source)) {
        return Err(DropReason::SpoofedIp);
    }
    let mut chain = Chain {
        packet: guard.packet,
        next: ip.next_header().into(),
        offset: guard.packet.opaque(offset + ipv6::LEN),
        fragment: Fragment::None,
        end: End::TooLong,
    };
    P::repeat(MAX_EXTENSIONS, &mut chain);
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

/// The walk along the extension headers (RFC 8200, 4).
///
/// Every field is a whole word, because it lies on the stack: the verifier refuses the misaligned
/// stores that LLVM merges there from smaller neighbours.
struct Chain<'a, P> {
    packet: &'a P,
    next: u64,
    offset: usize,
    fragment: Fragment,
    end: End,
}

/// Which part of a datagram the packet is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum Fragment {
    /// All of it.
    None,
    /// Its beginning.
    First,
    /// A later part, which says nothing of the upper layer. A receiver ignores neighbour discovery
    /// in fragments anyway (RFC 6980, 5).
    Later,
}

/// How the walk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum End {
    /// There are more headers than a guard looks behind.
    TooLong,
    /// The frame ends within a header.
    Short,
    /// At a header of an upper layer, or within a later fragment.
    Upper,
}

impl<P: Packet> Chain<'_, P> {
    #[inline(always)]
    fn end(&mut self, end: End) -> ControlFlow<()> {
        self.end = end;
        ControlFlow::Break(())
    }
}

impl<P: Packet> Repeated for Chain<'_, P> {
    #[inline(always)]
    fn turn(&mut self, _index: u32) -> ControlFlow<()> {
        let next = self.next as u8;
        let options = matches!(next, ipv6::HOP_BY_HOP | ipv6::ROUTING | ipv6::DESTINATION);
        if !options && next != ipv6::FRAGMENT {
            return self.end(End::Upper);
        }
        let Some(octets) = self.packet.at(self.offset) else { return self.end(End::Short) };
        let extension = Extension(octets);
        if options {
            self.offset += extension.octets();
        } else {
            if extension.fragment_offset() != 0 {
                self.fragment = Fragment::Later;
                return self.end(End::Upper);
            }
            self.fragment = Fragment::First;
            self.offset += ipv6::FRAGMENT_LEN;
        }
        self.offset = self.packet.opaque(self.offset);
        self.next = extension.next_header().into();
        ControlFlow::Continue(())
    }
}
