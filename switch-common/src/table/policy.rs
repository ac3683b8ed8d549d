//! Policies: each is a compiled rule set in the [`rules`](super::rules) table, found by one pointer.
//!
//! A new version is written beside the old one, and the pointer is switched over: no packet sees half of it.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::shared::Shared;

/// Name of the map: an array of [`Policy`] by slot.
pub const NAME: &str = "policies";

/// Most policies that apply to one port.
pub const CHAIN: usize = 8;

/// One policy.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Policy {
    /// Row of its [header](super::rules::Header); 0 for none, which lets nothing pass.
    pub head: Shared,
}

const _: () = assert!(size_of::<Policy>() == 8);
