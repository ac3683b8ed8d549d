//! The age of the configuration: what was decided in an earlier epoch is decided again.
//!
//! A flow remembers the epoch in which it was judged. Whoever changes what a judgement depends on
//! moves the epoch afterwards: the agent after every write of rules, routes, ports or places, the
//! datapath when a learned station moves.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::shared::Shared;

/// Name of the map: an array of one [`Epoch`].
pub const NAME: &str = "epoch";

/// The row at index 0.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Epoch {
    /// Number of changes by the agent; a flow that nobody has judged has 0, so it starts at 1.
    pub configured: Shared,
    /// Number of changes by the datapath.
    pub moved: Shared,
    /// Time of the datapath's last change.
    pub when: Shared,
}

const _: () = assert!(size_of::<Epoch>() == 24);

impl Epoch {
    /// The datapath moves the epoch at most this often (100 ms): stations that flap, as in a loop,
    /// would otherwise take every flow of the host off its fast path. What a move in between leaves
    /// behind is judged again by [`Flow::REJUDGE_NS`](super::flow::Flow::REJUDGE_NS).
    pub const QUIET_NS: u64 = 100_000_000;

    /// The epoch at this moment. Both numbers only grow, so their sum is another one after every change.
    #[inline(always)]
    pub fn now(&self) -> u64 {
        self.configured.get().wrapping_add(self.moved.get())
    }
}
