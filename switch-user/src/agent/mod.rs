//! The agent: makes the kernel of this host do what the configuration says, and tells how far it is.
//!
//! [`facts`] and the configuration go into [`plan`], which says what the tables should hold;
//! [`diff`] compares it with what they hold; [`apply`] does the difference. The first three are
//! pure. Only [`dataplane`] touches the kernel's tables and hooks.

pub mod advertise;
pub mod alarms;
pub mod announce;
pub mod apply;
pub mod compiled;
pub mod dataplane;
pub mod diff;
pub mod facts;
mod failures;
pub mod frame;
pub mod hits;
pub mod host_mac;
pub mod image;
mod introduce;
pub mod keeper;
pub mod log;
pub mod numbers;
mod op;
pub mod plan;
mod record;
pub mod rule_names;
pub mod run;
pub mod scene;
pub mod slots;
mod standby;
pub mod status;
pub mod supply;
pub mod worker;

#[cfg(test)]
mod tests;
