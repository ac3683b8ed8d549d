//! How many addresses each port has learned.
//!
//! The count has two writers, so it is kept as differences with one writer each: the datapath adds
//! to [`Learned`] in the `learned` map, the agent writes the `forgotten` map. A port's count is
//! `came - left - forgotten`.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::shared::Shared;

/// Name of the datapath's map: an array of [`Learned`] by slot.
pub const NAME: &str = "learned";
/// Name of the agent's map: an array of `u64` by slot, entries of the port that the agent removed.
pub const FORGOTTEN: &str = "forgotten";

/// What the datapath did to the number of a port's learned entries.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Learned {
    /// Entries that were made for the port, or moved to it.
    pub came: Shared,
    /// Entries that moved to another port.
    pub left: Shared,
}

const _: () = assert!(size_of::<Learned>() == 16);

impl Learned {
    /// Learned entries of the port, given how many of them the agent removed.
    #[inline(always)]
    pub fn count(&self, forgotten: u64) -> u64 {
        self.came.get().wrapping_sub(self.left.get()).wrapping_sub(forgotten)
    }
}
