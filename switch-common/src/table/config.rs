//! Settings of the whole switch: an array of one row.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Name of the map.
pub const NAME: &str = "config";

/// The row at index 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Config {
    /// Nanoseconds after its last frame for which a learned entry is believed; `u64::MAX` for ever.
    pub ageing_ns: u64,
}

const _: () = assert!(size_of::<Config>() == 8);
