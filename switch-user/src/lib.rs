//! The agent, the manager and the `dvs` command.
//!
//! Rooms, from the inside out: [`model`] says what users may want, [`store`] keeps it, [`report`]
//! is how a host answers questions about itself.

pub mod model;
pub mod report;
pub mod store;
