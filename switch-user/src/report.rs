//! What a host says of itself: the contract between whoever runs the datapath and the API.
//!
//! The manager answers questions through [`HostReports`] and never sees an agent; the types are
//! those of the API, so that the CLI prints what it gets.

mod alarm;
mod firewall;
mod follow;
mod routing;
mod time;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use switch_common::addr::Mac;
use tokio::sync::{broadcast, watch};
use utoipa::ToSchema;

use crate::model::Validated;
pub use alarm::{Alarm, AlarmKind};
pub use firewall::{LogEvent, RuleHits};
pub use follow::{Follow, FollowError, Following};
pub use routing::{FlowEntry, FlowFilter, FlowState, NeighbourEntry, NeighbourState, protocol};
pub use time::rfc3339;

/// How far a host has come with the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Newest generation that was applied completely, or as far as the errors allow.
    pub generation: u64,
    /// What could not be applied; tried again until it works.
    pub errors: Vec<String>,
}

/// The answers of one host.
pub trait HostReports: Send + Sync + 'static {
    /// Changes whenever a generation has been applied or an error comes or goes.
    fn applied(&self) -> Result<watch::Receiver<Applied>, ReportError>;
    /// Names and alternative names of the devices that exist here; `None` if that is not known.
    fn devices(&self) -> Option<BTreeSet<String>>;
    /// State of the host, its ports and its tables.
    fn status(&self) -> Result<HostStatus, ReportError>;
    /// All entries of the forwarding database.
    fn fdb(&self) -> Result<Vec<FdbEntry>, ReportError>;
    /// Counters of all ports.
    fn stats(&self) -> Result<Vec<PortStats>, ReportError>;
    /// Drops of all ports, without the rows that are zero.
    fn drops(&self) -> Result<Vec<DropCount>, ReportError>;
    /// Flows that the filter takes, half-open ones among them.
    fn flows(&self, filter: &FlowFilter) -> Result<Vec<FlowEntry>, ReportError>;
    /// All IP addresses that routers know in their networks.
    fn neighbours(&self) -> Result<Vec<NeighbourEntry>, ReportError>;
    /// What rules and defaults decided about, by port.
    fn rules(&self) -> Result<Vec<RuleHits>, ReportError>;
    /// The last events of rules that log, and those that follow them.
    fn log(&self) -> Result<(Vec<LogEvent>, broadcast::Receiver<LogEvent>), ReportError>;
    /// Hears that the manager has proven a configuration and that it is stored as this generation. A host
    /// in the manager's process needs not read and prove it once more.
    fn proven(&self, _generation: u64, _valid: Validated) {}
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A table of the kernel could not be read.
    #[error("cannot read {what}: {source}")]
    Read {
        /// What was to be read.
        what: String,
        /// Why it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nobody forwards frames here.
    #[error("a manager forwards no frames and has no such report")]
    NoHost,
}

/// State of one host.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// Name of the host.
    pub host: String,
    /// Version of `dvs`.
    pub version: String,
    /// Release of the running kernel.
    pub kernel: String,
    /// Version of the contract with the datapath.
    pub abi: u32,
    /// How far the configuration is applied.
    pub applied: Applied,
    /// Resident memory of the agent in bytes.
    pub resident_bytes: u64,
    /// Ports and uplinks.
    pub ports: Vec<PortStatus>,
    /// Tables in the kernel.
    pub tables: Vec<TableStatus>,
    /// Programs of others on our devices; they are left alone.
    pub foreign: Vec<ForeignProgram>,
    /// Room that is used up, and what was lost for want of it.
    #[serde(default)]
    pub alarms: Vec<Alarm>,
}

/// State of a port or uplink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortStatus {
    /// Name of the port; of an uplink, its device.
    pub name: String,
    /// True for an uplink.
    pub uplink: bool,
    /// Device, if one is attached.
    pub device: Option<String>,
    /// Index of the device, if it exists.
    pub ifindex: Option<u32>,
    /// Largest layer-3 packet of the device in bytes.
    pub mtu: Option<u32>,
    /// Whether frames flow, and if not, why.
    pub state: PortState,
    /// Where the pipeline is attached.
    pub hook: Option<Hook>,
    /// Mode of the XDP program, if there is one.
    pub xdp: Option<XdpMode>,
    /// Remarks: what was tried in vain, such as native XDP that the driver refuses.
    pub notes: Vec<String>,
}

/// Whether frames flow through a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortState {
    /// The pipeline is attached and open.
    Up,
    /// It is still at another host, is to come here, and is closed until then.
    Standby,
    /// Administratively down.
    Down,
    /// No device is configured.
    Detached,
    /// The configured device does not exist at this moment.
    NoDevice,
    /// The pipeline could not be attached; the errors of `applied` say why.
    Failed,
}

/// The kernel hook that holds the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// A tcx link (Linux 6.6 and later).
    Tcx,
    /// A filter of the clsact qdisc.
    Clsact,
}

/// How XDP runs on an uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// In the kernel's generic hook.
    Generic,
}

/// A table in the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableStatus {
    /// Name of the map.
    pub name: String,
    /// Entries in use; `None` for arrays, which always hold all of them.
    pub entries: Option<u64>,
    /// Most entries.
    pub capacity: u32,
    /// Memory that the kernel accounts to it, in bytes.
    pub bytes: u64,
}

/// A program on one of our devices that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForeignProgram {
    /// Device it is attached to.
    pub device: String,
    /// Hook: `tcx`, `clsact` or `xdp`.
    pub hook: String,
    /// The kernel's number of the program.
    pub id: u32,
    /// Name of the program, if it has one.
    pub name: String,
}

/// A station in the forwarding database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FdbEntry {
    /// Name of the network, if one has this VLAN.
    pub network: Option<String>,
    /// VLAN identifier.
    pub vlan: u16,
    /// Address of the station.
    #[schema(value_type = String)]
    pub mac: Mac,
    /// Port or uplink it is at.
    pub port: String,
    /// Configured, and so neither aged nor moved.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// Seconds since its last frame, to the second; `None` for configured entries.
    pub age: Option<u64>,
}

/// Counters of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortStats {
    /// Port or uplink.
    pub port: String,
    /// The sum over all CPUs.
    #[serde(flatten)]
    pub total: Counters,
    /// One row a CPU, in the order of their numbers.
    pub cpus: Vec<Counters>,
}

/// The numbers of `switch_common::table::stats::Stats`; directions are the VM's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Frames sent to the VM.
    pub in_packets: u64,
    /// Bytes of these.
    pub in_bytes: u64,
    /// Frames received from the VM and not dropped.
    pub out_packets: u64,
    /// Bytes of these.
    pub out_bytes: u64,
    /// Frames received from the VM that were flooded.
    pub flooded: u64,
    /// Addresses learned.
    pub learned: u64,
    /// Addresses that moved here.
    pub moved: u64,
    /// Addresses not learned because of the port's limit.
    pub limited: u64,
    /// Addresses not learned because the table was full.
    pub full: u64,
    /// Frames received from the VM that were routed.
    pub routed: u64,
    /// Frames received from the VM that the switch answered or took itself.
    pub answered: u64,
    /// ICMP errors not sent to the VM because of its limit.
    pub limited_errors: u64,
    /// Flows of the VM that got no entry, because the table or the port's share of it was full.
    pub flow_full: u64,
    /// Packets that a rule decided about and did not count, because its table was full.
    pub hits_full: u64,
}

/// Frames that were dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DropCount {
    /// Port or uplink.
    pub port: String,
    /// `in` or `out`, the VM's view.
    pub direction: String,
    /// Label of the reason.
    pub reason: String,
    /// Frames.
    pub packets: u64,
}
