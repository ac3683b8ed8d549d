//! Drops by port, direction and reason, per CPU. A row appears with the first drop of its kind.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::verdict::DropReason;

/// Name of the map: a per-CPU hash from [`Key`] to a `u64` count of frames.
pub const NAME: &str = "drops";

/// What was dropped where.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Key {
    /// Slot of the port that sent the frame, or was to get it: the reason's direction says which.
    pub slot: u32,
    /// Number of the [`DropReason`].
    pub reason: u16,
    /// Number of the [`crate::verdict::Direction`].
    pub direction: u16,
}

const _: () = assert!(size_of::<Key>() == 8);

impl Key {
    /// The row of a reason at a port.
    #[inline(always)]
    pub const fn new(slot: u32, reason: DropReason) -> Self {
        Self { slot, reason: reason as u16, direction: reason.direction() as u16 }
    }
}
