//! Switches so naive that they are obviously right.
//!
//! They read the validated configuration, not the planned tables, so a wrong plan shows too. That for
//! rules reads what users wrote, so that a wrong order or a wrong group shows.

mod bridge;
mod neighbours;
mod packet;
mod respond;
mod router;
pub mod rules;
mod space;

pub use bridge::Oracle;
pub use router::Router;
