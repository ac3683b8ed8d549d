//! The agent, the manager and the `dvs` command.
//!
//! Rooms, from the inside out: [`model`] says what users may want, [`store`] keeps it, [`report`]
//! is how a host answers questions about itself, [`netlink`] knows the host's devices, [`agent`] makes
//! its kernel do what the configuration says.

pub mod agent;
pub mod model;
pub mod netlink;
pub mod report;
pub mod store;
