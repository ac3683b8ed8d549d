//! What a host that follows managers says of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Details;

/// Whom a host follows, and how well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Following {
    /// The managers.
    pub managers: Vec<String>,
    /// The one that the host is connected with.
    pub connected: Option<String>,
    /// Seconds for which it has been so.
    pub since: u64,
    /// Number of the last change of bindings that is known.
    pub claims: u64,
    /// Ports that the host has claimed with every manager down, and of which no manager knows yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alone: Vec<String>,
    /// Why managers cannot be reached, and which claims they refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// A host that follows managers. Calls may block for as long as a manager takes to answer.
pub trait Follow: Send + Sync + 'static {
    /// Whom it follows.
    fn following(&self) -> Following;

    /// Claims a port for this host, and returns when it is open, or will be when its device comes.
    ///
    /// # Errors
    /// When the port cannot be had.
    fn attach(&self, port: &str, device: &str) -> Result<(), FollowError>;

    /// Lets go of a port of this host, and returns when it is closed.
    ///
    /// # Errors
    /// When no manager can be reached, or it refuses.
    fn detach(&self, port: &str) -> Result<(), FollowError>;
}

/// Why a port was not claimed, or not let go.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// A manager refused.
    #[error("{}", .0.detail)]
    Refused(Box<Details>),
    /// No manager can be reached, and alone the host cannot do it.
    #[error("no manager can be reached, and {0}")]
    Alone(String),
}
