//! What a guarded port may say in neighbour discovery (RFC 4861): nothing but its own addresses.

use core::ops::ControlFlow;

use switch_common::{
    table::port,
    verdict::DropReason,
    wire::nd::{self, LinkOption, Neighbour},
};

use super::{Guard, ipv6};
use crate::{
    packet::{Packet, Repeated},
    tables::Tables,
};

/// Most options that are looked at.
const MAX_OPTIONS: u32 = 8;

/// Checks an `ICMPv6` message; a source of `::` is for duplicate address detection, router
/// solicitations and listener reports.
#[inline(always)]
pub(super) fn check<P: Packet, T: Tables>(
    guard: &Guard<'_, P, T>,
    offset: usize,
    unspecified: bool,
    fragmented: bool,
) -> Result<(), DropReason> {
    let kind = guard.at::<1>(offset)?[0];
    match kind {
        nd::ROUTER_SOLICITATION | nd::NEIGHBOUR_SOLICITATION | nd::NEIGHBOUR_ADVERTISEMENT if fragmented => {
            Err(DropReason::GuardEvasion)
        }
        nd::ROUTER_ADVERTISEMENT | nd::REDIRECT if guard.has(port::GUARD_IP) => Err(DropReason::SpoofedNd),
        nd::ROUTER_SOLICITATION => options(guard, offset + nd::SOLICITATION_LEN),
        nd::NEIGHBOUR_SOLICITATION | nd::NEIGHBOUR_ADVERTISEMENT => {
            // With a source of `::` a solicitation claims its target (RFC 4862, 5.4.2).
            let claims = unspecified || kind == nd::NEIGHBOUR_ADVERTISEMENT;
            if claims && !guard.owns_ipv6(Neighbour(guard.at(offset)?).target()) {
                return Err(DropReason::SpoofedNd);
            }
            options(guard, offset + nd::LEN)
        }
        kind if nd::is_listener(kind) => Ok(()),
        _ => ipv6::sender(guard, unspecified),
    }
}

/// Every link-layer address among the options must be the port's.
#[inline(always)]
fn options<P: Packet, T: Tables>(guard: &Guard<'_, P, T>, offset: usize) -> Result<(), DropReason> {
    let end = guard.packet.opaque(guard.subject.payload + guard.subject.length as usize);
    let offset = guard.packet.opaque(offset);
    let mut options = Options { guard, offset, end, outcome: Outcome::Hidden };
    P::repeat(MAX_OPTIONS, &mut options);
    match options.outcome {
        Outcome::Own => Ok(()),
        Outcome::Foreign => Err(DropReason::SpoofedNd),
        Outcome::Short => Err(DropReason::Runt),
        Outcome::Hidden => Err(DropReason::GuardEvasion),
    }
}

/// The walk along the options.
struct Options<'a, P, T> {
    guard: &'a Guard<'a, P, T>,
    offset: usize,
    end: usize,
    outcome: Outcome,
}

/// How the walk ended. A whole word, as in [`ipv6`].
#[derive(Clone, Copy)]
#[repr(u64)]
enum Outcome {
    /// All addresses are the port's.
    Own,
    /// One is not.
    Foreign,
    /// The frame ends within an option.
    Short,
    /// There are more options than a guard looks at, or a malformed one.
    Hidden,
}

impl<P: Packet, T: Tables> Options<'_, P, T> {
    #[inline(always)]
    fn end(&mut self, outcome: Outcome) -> ControlFlow<()> {
        self.outcome = outcome;
        ControlFlow::Break(())
    }
}

impl<P: Packet, T: Tables> Repeated for Options<'_, P, T> {
    #[inline(always)]
    fn turn(&mut self, _index: u32) -> ControlFlow<()> {
        if self.offset + nd::OPTION_LEN > self.end {
            return self.end(Outcome::Own);
        }
        let Some(octets) = self.guard.packet.at(self.offset) else { return self.end(Outcome::Short) };
        let option = LinkOption(octets);
        if option.is_link_address() && !self.guard.speaks_for(option.mac()) {
            return self.end(Outcome::Foreign);
        }
        // A length of zero is malformed (RFC 4861, 4.6) and would hide what follows.
        if option.octets() == 0 {
            return self.end(Outcome::Hidden);
        }
        self.offset = self.guard.packet.opaque(self.offset + option.octets());
        ControlFlow::Continue(())
    }
}
