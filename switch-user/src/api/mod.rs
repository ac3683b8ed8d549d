//! The words of the REST API besides the objects of [`crate::model`] and the reports of
//! [`crate::report`]: what the manager answers and the client reads.

mod cluster;
mod firewall;
mod history;
mod problem;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use cluster::{
    Binding, BindingEntry, BindingList, Claim, HostEntry, HostLease, HostReport, HostState, MoveList,
    MoveRequest, ObjectName, Standby, Target, ViewEvent, Waited, view_digest,
};
pub use firewall::{Cut, PolicyEnd, PolicyTest, PolicyVerdict};
pub use history::{History, HistoryEntry, HistoryRow};
pub use problem::{Details, FieldError, PROBLEM_JSON};

use crate::{
    model::{Change, Document},
    report::{Following, HostStatus},
};

/// Objects as of one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectList {
    /// Generation of the configuration.
    pub generation: u64,
    /// The objects, by kind and name.
    pub objects: Vec<Document>,
}

/// Objects that are to exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyRequest {
    /// Each one is created, or replaced as a whole.
    pub objects: Vec<Document>,
}

/// What a write did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeSet {
    /// Generation of the configuration after the write; the same as before if nothing changed.
    pub generation: u64,
    /// What changed, by kind and name.
    pub changes: Vec<Change>,
    /// What is legal, and yet perhaps not meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Some of the connections that the write would cut: 100 at most, and only of one that is tried dry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
    /// How many connections the write would cut; only of one that is tried dry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuts_total: Option<usize>,
}

/// A line of the watch stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatchEvent {
    /// Generation of the configuration after these changes.
    pub generation: u64,
    /// The changes are relative to an empty configuration: forget what was known before.
    pub complete: bool,
    /// What changed since the line before. Writes that follow each other quickly may share a line.
    pub changes: Vec<Change>,
}

/// State of the switch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SwitchStatus {
    /// Generation of the configuration; the host has reached it when `applied.generation` is the same.
    pub generation: u64,
    /// The managers that the host follows, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Following>,
    /// State of the host.
    #[serde(flatten)]
    pub host: HostStatus,
}
