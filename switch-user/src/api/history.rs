//! What was changed, when and by whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::Action;

/// The last writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// Generation of the configuration.
    pub generation: u64,
    /// The oldest generation that one can go back to.
    pub oldest: u64,
    /// The writes, newest first.
    pub writes: Vec<HistoryEntry>,
}

/// A write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// The generation that it made.
    pub generation: u64,
    /// When, by the clock of the manager that wrote (RFC 3339, UTC).
    #[schema(example = "2026-01-31T12:00:00.250Z")]
    pub time: String,
    /// Who: a user of the host behind the socket; `-` if that is not known.
    pub author: String,
    /// What changed, by kind and name.
    pub changes: Vec<HistoryRow>,
}

/// What a write did to an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryRow {
    /// What happened to it.
    pub action: Action,
    /// What it is.
    pub kind: String,
    /// Its name; empty for the switch.
    pub name: String,
    /// What it was before, if that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub old: Option<Value>,
    /// What it is since, if that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub new: Option<Value>,
}
