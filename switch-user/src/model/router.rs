//! Routers: they connect networks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::field::{Field, Takes};

/// A router between the networks that name it. Each router has a space of addresses of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Router {
    /// Name of the router.
    #[schema(example = "r1")]
    pub name: String,
    /// Whether the source of a packet must be reachable through the network that it came from.
    #[serde(default)]
    #[schema(default = "strict")]
    pub reverse_path: ReversePath,
}

/// What a router asks of the sources of packets (RFC 3704).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReversePath {
    /// The way back leads through the network that they came from.
    #[default]
    Strict,
    /// Nothing.
    Off,
}

/// The fields of a [`Router`].
pub(super) const FIELDS: &[Field] =
    &[Field { name: "name", takes: Takes::Name }, Field { name: "reversePath", takes: Takes::ReversePath }];
