//! Networks: broadcast domains by name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::field::{Field, Takes};

/// A broadcast domain. Its VLAN identifier is also its number in the datapath.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Name of the network.
    #[schema(example = "blue")]
    pub name: String,
    /// VLAN identifier.
    #[schema(minimum = 1, maximum = 4094, example = 10)]
    pub vlan: u32,
    /// Largest layer-3 packet in bytes that every device of the network should carry; the status
    /// has a note at ports whose device carries less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 68, maximum = 65535)]
    pub mtu: Option<u32>,
}

/// The fields of a [`Network`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "name", takes: Takes::Name },
    Field { name: "vlan", takes: Takes::Vlan },
    Field { name: "mtu", takes: Takes::Mtu },
];
