//! Which port has which slot. Only the agent reads and writes it: pinned with the rest, it lets a
//! restarted agent give every port the slot, and so the counters, that it had.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Name of the map: an array of [`Name`] by slot.
pub const NAME: &str = "names";

/// The name of an uplink (first byte `u`), port (`p`) or router (`r`), followed by zeros; all zeros for a free slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Name {
    /// Kind and name in UTF-8.
    pub bytes: [u8; 64],
}

const _: () = assert!(size_of::<Name>() == 64);
