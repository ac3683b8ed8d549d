//! The walk along the extension headers of an IPv6 packet (RFC 8200, 4).

use core::ops::ControlFlow;

use switch_common::wire::ipv6::{self, Extension};

use crate::packet::{Packet, Repeated};

/// Most extension headers in a row that are looked behind.
const MAX_EXTENSIONS: u32 = 8;

/// Which part of a datagram a packet is. A whole word, as everything that lies on the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u64)]
pub enum Fragment {
    /// All of it.
    #[default]
    None,
    /// Its beginning.
    First,
    /// A later part, which says nothing of the upper layer. A receiver ignores neighbour discovery
    /// in fragments anyway (RFC 6980, 5).
    Later,
}

/// How the walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum End {
    /// There are more headers than are looked behind.
    TooLong,
    /// The frame ends within a header.
    Short,
    /// At a header of an upper layer, or within a later fragment.
    Upper,
}

/// Where the walk came to.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Number of the header there.
    pub next: u64,
    /// Its offset.
    pub offset: usize,
    /// Which part of a datagram the packet is.
    pub fragment: Fragment,
    /// The datagram of a fragment.
    pub id: u64,
    /// Octets of the datagram in front of a fragment.
    pub part: u64,
    /// 1 if there was a routing header.
    pub routing: u64,
    /// How it ended.
    pub end: End,
}

/// Walks from the header with this number at this offset.
#[inline(always)]
pub fn walk<P: Packet>(packet: &P, next: u8, offset: usize) -> Found {
    let mut chain = Chain {
        packet,
        found: Found {
            next: next.into(),
            offset: packet.opaque(offset),
            fragment: Fragment::None,
            id: 0,
            part: 0,
            routing: 0,
            end: End::TooLong,
        },
    };
    P::repeat(MAX_EXTENSIONS, &mut chain);
    chain.found
}

/// The walk.
///
/// Every field is a whole word, because it lies on the stack: the verifier refuses the misaligned
/// stores that LLVM merges there from smaller neighbours.
struct Chain<'a, P> {
    packet: &'a P,
    found: Found,
}

impl<P: Packet> Chain<'_, P> {
    #[inline(always)]
    fn end(&mut self, end: End) -> ControlFlow<()> {
        self.found.end = end;
        ControlFlow::Break(())
    }
}

impl<P: Packet> Repeated for Chain<'_, P> {
    #[inline(always)]
    fn turn(&mut self, _index: u32) -> ControlFlow<()> {
        let next = self.found.next as u8;
        let options = matches!(next, ipv6::HOP_BY_HOP | ipv6::ROUTING | ipv6::DESTINATION);
        if !options && next != ipv6::FRAGMENT {
            return self.end(End::Upper);
        }
        let Some(octets) = self.packet.at(self.found.offset) else { return self.end(End::Short) };
        let extension = Extension(octets);
        if options {
            if next == ipv6::ROUTING {
                self.found.routing = 1;
            }
            self.found.offset += extension.octets();
        } else {
            self.found.id = extension.id().into();
            if extension.fragment_offset() != 0 {
                self.found.next = extension.next_header().into();
                self.found.fragment = Fragment::Later;
                self.found.part = u64::from(extension.fragment_offset()) << 3;
                return self.end(End::Upper);
            }
            self.found.fragment = Fragment::First;
            self.found.offset += ipv6::FRAGMENT_LEN;
        }
        self.found.offset = self.packet.opaque(self.found.offset);
        self.found.next = extension.next_header().into();
        ControlFlow::Continue(())
    }
}
