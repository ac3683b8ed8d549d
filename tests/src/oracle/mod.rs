//! Switches so naive that they are obviously right.
//!
//! They read the validated configuration, not the planned tables, so a wrong plan shows too.

mod bridge;
mod neighbours;
mod packet;
mod respond;
mod router;
mod space;

pub use bridge::Oracle;
pub use router::Router;
