//! What needs somebody's attention.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Room that is used up, or what was lost for want of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// What is wrong.
    pub kind: AlarmKind,
    /// Name of the table or of the port.
    pub of: String,
    /// The same for people, with numbers and a remedy.
    pub message: String,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// A table is more than nine tenths full.
    TableFilling,
    /// A table is full.
    TableFull,
    /// Flows of a port got no entry in the last minute. Where there is a firewall, these connections do not
    /// begin.
    FlowsWithoutEntry,
    /// Packets of a port were not counted for their rules in the last minute.
    HitsLost,
}
