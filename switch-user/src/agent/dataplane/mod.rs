//! The kernel's side of the switch behind one trait: tables, hooks and settings of devices.
//!
//! [`bpf`] is the real one, on the tables of [`home`]; tests have one that keeps everything in memory.
//! Nothing outside this module names aya.

pub mod bpf;
mod catalogue;
pub mod expire;
#[cfg(test)]
pub(crate) mod fake;
pub mod foreign;
pub mod home;
mod hook;
mod inventory;
pub mod learned;
mod object;
mod readers;
mod resize;
pub mod sizes;
pub mod sweep;
mod sys;
pub mod table;
pub mod uncounted;

use std::net::IpAddr;

use switch_common::table::{fdb, flow, hits, rules};

use super::{
    diff::Op,
    facts::Facts,
    image::{Hook, Observed, Routes},
    plan::Underlay,
};
use crate::model::Validated;

/// Sizes of the tables that are sized by the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Entries of the forwarding database.
    pub stations: u32,
    /// Flows of each family.
    pub flows: u32,
    /// Rows of compiled rules.
    pub rules: u32,
    /// Counts of what rules decided about.
    pub hits: u32,
}

impl Sizes {
    /// The sizes unless somebody says.
    pub const DEFAULT: Self = Self {
        stations: fdb::DEFAULT_CAPACITY,
        flows: flow::DEFAULT_CAPACITY,
        rules: rules::DEFAULT_CAPACITY,
        hits: hits::DEFAULT_CAPACITY,
    };

    /// The sizes that users want.
    pub const fn of(desired: &Validated) -> Self {
        Self {
            stations: desired.fdb_capacity,
            flows: desired.flow_capacity,
            rules: desired.rule_capacity,
            hits: desired.hit_capacity,
        }
    }
}

/// What a plan can be carried out on.
pub trait Dataplane: Send + 'static {
    /// The hook that holds the pipeline at TC.
    fn tc(&self) -> Hook;

    /// Nanoseconds between two ticks of the kernel's clock.
    fn tick_ns(&self) -> u64;

    /// Gets ready for tunnels from this address to others: finds the device that has it, and makes the one whose
    /// frames are in tunnels.
    ///
    /// # Errors
    /// When no device has the address, or the kernel refuses.
    fn underlay(&mut self, address: IpAddr) -> Result<Underlay, DataplaneError>;

    /// There are no tunnels: removes what was made for them.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn no_underlay(&mut self) -> Result<(), DataplaneError>;

    /// Gets ready to serve tables of these sizes. True if anything had to be done, so that what was
    /// known of tables and links is no longer true.
    ///
    /// # Errors
    /// When programs or tables cannot be loaded.
    fn prepare(&mut self, sizes: Sizes) -> Result<bool, DataplaneError>;

    /// Reads all that there is of ours. Routes are probably the ones that were planned last; if they
    /// are, they are not copied.
    ///
    /// # Errors
    /// When a table cannot be read.
    fn observe(&mut self, facts: &Facts, planned: &Routes) -> Result<Observed, DataplaneError>;

    /// Does one operation. Doing it twice does no harm.
    ///
    /// # Errors
    /// When the kernel refuses; nothing of it is done then.
    fn apply(&mut self, op: &Op, facts: &Facts) -> Result<(), DataplaneError>;

    /// Everything was done: removes what former versions and capacities left behind.
    ///
    /// # Errors
    /// When something cannot be removed.
    fn settle(&mut self) -> Result<(), DataplaneError>;
}

/// The kernel's side did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum DataplaneError {
    /// The binary has no BPF object inside.
    #[error("this dvs was built without the datapath; build it with `cargo xtask build`")]
    NoObject,
    /// A file of the state directory or the BPF file system could not be handled.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The links of the state directory are alive elsewhere.
    #[error(
        "the datapath of this state directory runs in another network namespace; name that one with \
         --netns, or remove it with `dvs run --teardown`, which interrupts traffic"
    )]
    OtherNamespace,
    /// The BPF object could not be loaded.
    #[error("cannot load the datapath: {0}")]
    Load(Box<dyn std::error::Error + Send + Sync>),
    /// The kernel's verifier does not accept a program.
    #[error("the kernel refuses the datapath: {source} ({last}); all of its reasons: DVS_LOG=debug")]
    Verifier {
        /// The error number.
        source: std::io::Error,
        /// The end of the verifier's log.
        last: String,
    },
    /// The object lacks a program or table.
    #[error("the datapath has no {what} {name}; build it again with `cargo xtask build`")]
    Missing {
        /// Program or table.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A pinned table has another layout than this version's.
    #[error(
        "table {table} in the kernel has another {property} ({found}) than this version ({expected}); \
         run `dvs run --teardown` to remove it, which interrupts traffic"
    )]
    Incompatible {
        /// Name of the table.
        table: String,
        /// What is different.
        property: &'static str,
        /// Value in the kernel.
        found: u32,
        /// Value in this version.
        expected: u32,
    },
    /// A table could not be read or written.
    #[error("cannot {action} table {table}: {source}")]
    Table {
        /// Name of the table.
        table: &'static str,
        /// What was tried.
        action: &'static str,
        /// The kernel's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A table has no room.
    #[error("table {table} is full ({capacity} entries); remove some of what fills it")]
    Full {
        /// Name of the table.
        table: &'static str,
        /// Most entries.
        capacity: u32,
    },
    /// A policy does not fit into the table of rules.
    #[error(
        "a policy of {needed} rows does not fit into table rules: {free} of {capacity} rows are free, at most \
         {largest} in one piece; what was there of it stays; raise the rule capacity of the switch"
    )]
    NoRules {
        /// Rows of the policy.
        needed: u32,
        /// Rows that are free.
        free: u32,
        /// Most of them in one piece.
        largest: u32,
        /// Rows of the table.
        capacity: u32,
    },
    /// A program could not be attached, replaced or detached.
    #[error("cannot {action} device {device} by {hook}: {source}")]
    Link {
        /// What was tried.
        action: &'static str,
        /// Name or number of the device.
        device: String,
        /// Where at the device.
        hook: Hook,
        /// The kernel's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operation is for a device that is gone.
    #[error("device {0} is gone")]
    NoDevice(u32),
    /// The address that other hosts are to reach this one by is at none of its devices.
    #[error(
        "no device of this host has the address {0} of its underlay; give it to one, or tell the host another \
         one of its own"
    )]
    NoAddress(IpAddr),
    /// A device could not be prepared.
    #[error(transparent)]
    Netlink(#[from] crate::netlink::NetlinkError),
}
