//! The stages, one file each; their order is in [`crate::pipeline`].
//!
//! A stage returns what it found out, or a [`Stop`]. All are inlined into one program: the verifier
//! takes that best on every kernel, and a known frame costs least.

use switch_common::verdict::DropReason;

pub mod account;
pub mod admit;
pub mod bridge;
pub mod classify;
pub mod deliver;
pub mod emit;
pub mod filter;
pub mod flood;
pub mod flow;
pub mod guard;
pub mod learn;
pub mod parse;
pub mod record;
pub mod respond;
pub mod route;
pub mod tunnel;

/// The slot that counts frames of devices that are no port.
pub const NO_PORT: u32 = 0;

/// Why a frame goes no further.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is not the switch's business.
    Pass,
    /// It is dropped, and counted at the port that sent it.
    Sender(DropReason),
    /// It is dropped, and counted in the slot of the port that was to get it.
    Receiver(u32, DropReason),
}
