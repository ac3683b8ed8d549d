//! Uplinks: devices that lead out of the host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    VlanList, XdpChoice,
    field::{Field, Takes},
};

/// A device that connects the switch with the world outside the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uplink {
    /// Name of the device.
    #[schema(example = "eth1")]
    pub name: String,
    /// VLANs that belong to the switch; frames of all others stay with the host. Without a list,
    /// the VLANs of all networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10,20-29")]
    pub vlans: Option<VlanList>,
    /// VLAN of untagged frames; without one they stay with the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 4094)]
    pub native: Option<u32>,
    /// Hosts that have the uplink; without any, every host that has the device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["h1", "h2"]))]
    pub hosts: Vec<String>,
    /// Whether an XDP program runs on the device, and in which mode.
    #[serde(default)]
    #[schema(default = "auto")]
    pub xdp: XdpChoice,
}

/// The fields of an [`Uplink`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "name", takes: Takes::Device },
    Field { name: "vlans", takes: Takes::VlanList },
    Field { name: "native", takes: Takes::Vlan },
    Field { name: "hosts", takes: Takes::Names },
    Field { name: "xdp", takes: Takes::Xdp },
];
