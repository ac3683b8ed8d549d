//! The agent, the manager and the `dvs` command.
//!
//! Rooms, from the inside out: [`model`] says what users may want, [`store`] keeps it, [`report`]
//! is how a host answers questions about itself. [`classifier`] compiles the firewall's rules. [`netlink`]
//! knows the host's devices, [`agent`] makes its kernel do what the configuration says. [`manager`] serves
//! all of it as a REST API whose words are in [`api`]; [`client`] speaks it, and [`cli`] is what people type. [`tls`]
//! proves who is at the other end. [`member`] lets the agent follow managers elsewhere.
//! [`memory`] has the allocator of whatever is made of this.

pub mod agent;
pub mod api;
pub mod classifier;
pub mod cli;
pub mod client;
pub mod manager;
pub mod member;
pub mod memory;
pub mod model;
pub mod netlink;
pub mod report;
pub mod store;
pub mod tls;

#[cfg(test)]
pub(crate) mod fake;
