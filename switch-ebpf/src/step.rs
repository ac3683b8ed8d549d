//! What is left to do when the way of a frame is decided.

use switch_common::verdict::{DropReason, Packed, Path, Verdict};

/// The next step, as one number. Each step is a function of its own to the verifier, and they are
/// called one after the other: one within the other they would need more stack than a program has.
///
/// It is a verdict, with what is left to do in bits that verdicts leave free.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(pub u64);

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// To answer it, if somebody is asked for whom the switch knows.
    Respond,
    /// To judge it by its route.
    Judge,
    /// To describe a bridged frame, of whose ports one has a firewall.
    Track,
    /// To ask the policies of its ports.
    Filter,
    /// To do what a packet to the router itself asks for.
    Serve,
    /// To bring it into its final form and hand it over.
    Deliver,
    /// To send copies to the place in the scratch memory.
    Flood,
    /// The same for a packet that was routed.
    Everywhere,
    /// To note the packet's flow.
    Note,
    /// To tell the sender why its packet was dropped.
    Complain,
    /// To tell the sender that its packet was rejected, which is counted already.
    Refuse,
    /// To reset the connection that its packet is of, which is counted already.
    Reset,
    /// To tell the sender that its packet was too large for a tunnel, which is counted already.
    TooBig,
    /// To ask for the next station, for which the packet was dropped.
    Ask,
    /// To answer neighbour discovery that was sent to the router alone.
    Discover,
}

const RESPOND: u64 = 1 << 8;
const JUDGE: u64 = 2 << 8;
const FLOOD: u64 = 3 << 8;
const EVERYWHERE: u64 = 4 << 8;
const NOTE: u64 = 5 << 8;
const COMPLAIN: u64 = 6 << 8;
const ASK: u64 = 7 << 8;
const DISCOVER: u64 = 8 << 8;
const TRACK: u64 = 9 << 8;
const FILTER: u64 = 10 << 8;
const SERVE: u64 = 11 << 8;
const DELIVER: u64 = 12 << 8;
const REFUSE: u64 = 13 << 8;
const RESET: u64 = 14 << 8;
const TOO_BIG: u64 = 15 << 8;
const LEFT: u64 = 0xff << 8;

impl Step {
    /// Nobody answers or routes the frame: it is bridged.
    pub const BRIDGE: Self = Self::done(Packed::PUNT);

    /// Nothing is left: this became of the frame.
    #[inline(always)]
    pub const fn done(verdict: Packed) -> Self {
        Self(verdict.0)
    }

    /// Somebody may be asked for whom the switch knows.
    #[inline(always)]
    pub const fn respond() -> Self {
        Self(RESPOND)
    }

    /// The frame was sent to the router.
    #[inline(always)]
    pub const fn judge() -> Self {
        Self(JUDGE)
    }

    /// One of the frame's ports has a firewall.
    #[inline(always)]
    pub const fn track() -> Self {
        Self(TRACK)
    }

    /// The policies of its ports are to be asked.
    #[inline(always)]
    pub const fn filter() -> Self {
        Self(FILTER)
    }

    /// The packet was sent to one of the router's own addresses.
    #[inline(always)]
    pub const fn serve() -> Self {
        Self(SERVE)
    }

    /// It is decided where the packet goes: that is in the scratch memory.
    #[inline(always)]
    pub const fn deliver() -> Self {
        Self(DELIVER)
    }

    /// The packet was rejected, and its sender is to be told.
    #[inline(always)]
    pub const fn refuse(reason: DropReason) -> Self {
        Self(Verdict::Drop(reason).pack().0 | REFUSE)
    }

    /// The packet was rejected, and its connection is to be reset.
    #[inline(always)]
    pub const fn reset(reason: DropReason) -> Self {
        Self(Verdict::Drop(reason).pack().0 | RESET)
    }

    /// The frame is to be flooded.
    #[inline(always)]
    pub const fn flood() -> Self {
        Self(Verdict::Flooded.pack().0 | FLOOD)
    }

    /// The packet was routed to a station whose port is not known.
    #[inline(always)]
    pub const fn everywhere() -> Self {
        Self(Verdict::Flooded.pack().0 | EVERYWHERE)
    }

    /// The packet leaves through this device, and its flow is to be noted.
    #[inline(always)]
    pub const fn note(ifindex: u32, path: Path) -> Self {
        Self(Verdict::Forward { ifindex, path }.pack().0 | NOTE)
    }

    /// The packet is dropped, and its sender to be told.
    #[inline(always)]
    pub const fn complain(reason: DropReason) -> Self {
        Self(Verdict::Drop(reason).pack().0 | COMPLAIN)
    }

    /// A bridged packet was too large for a tunnel, and its sender may be told.
    #[inline(always)]
    pub const fn too_big() -> Self {
        Self(Verdict::Drop(DropReason::MtuExceeded).pack().0 | TOO_BIG)
    }

    /// The packet was dropped, and the next station is to be asked for.
    #[inline(always)]
    pub const fn ask(dropped: Packed) -> Self {
        Self(dropped.0 | ASK)
    }

    /// Neighbour discovery with the router.
    #[inline(always)]
    pub const fn discover() -> Self {
        Self(Verdict::Drop(DropReason::NotForGateway).pack().0 | DISCOVER)
    }

    /// What became of the frame, unless what is left changes it.
    #[inline(always)]
    pub const fn verdict(self) -> Packed {
        Packed(self.0 & !LEFT)
    }

    /// What is left to do.
    #[inline(always)]
    pub const fn left(self) -> Left {
        match self.0 & LEFT {
            RESPOND => Left::Respond,
            JUDGE => Left::Judge,
            FLOOD => Left::Flood,
            EVERYWHERE => Left::Everywhere,
            NOTE => Left::Note,
            COMPLAIN => Left::Complain,
            ASK => Left::Ask,
            DISCOVER => Left::Discover,
            TRACK => Left::Track,
            FILTER => Left::Filter,
            SERVE => Left::Serve,
            DELIVER => Left::Deliver,
            REFUSE => Left::Refuse,
            RESET => Left::Reset,
            TOO_BIG => Left::TooBig,
            _ => Left::Nothing,
        }
    }

    /// Why the frame is dropped, if it is.
    #[inline(always)]
    pub const fn reason(self) -> DropReason {
        if let Verdict::Drop(reason) = self.verdict().verdict() { reason } else { DropReason::NotForGateway }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_its_verdict_and_what_is_left() {
        let forward = Verdict::Forward { ifindex: u32::MAX, path: Path::Peer };
        assert_eq!(Step::note(u32::MAX, Path::Peer).verdict().verdict(), forward);
        assert_eq!(Step::note(7, Path::Device).left(), Left::Note);
        assert_eq!(Step::done(forward.pack()).left(), Left::Nothing);
        assert_eq!((Step::flood().left(), Step::everywhere().left()), (Left::Flood, Left::Everywhere));
        assert_eq!((Step::respond().left(), Step::judge().left()), (Left::Respond, Left::Judge));
        assert_eq!((Step::track().left(), Step::filter().left()), (Left::Track, Left::Filter));
        assert_eq!((Step::serve().left(), Step::deliver().left()), (Left::Serve, Left::Deliver));
        for reason in DropReason::ALL {
            let step = Step::complain(*reason);
            assert_eq!((step.left(), step.reason()), (Left::Complain, *reason));
            assert_eq!(Step::refuse(*reason).left(), Left::Refuse);
            assert_eq!((Step::reset(*reason).left(), Step::reset(*reason).reason()), (Left::Reset, *reason));
            let step = Step::ask(Verdict::Drop(*reason).pack());
            assert_eq!((step.left(), step.reason()), (Left::Ask, *reason));
        }
    }
}
