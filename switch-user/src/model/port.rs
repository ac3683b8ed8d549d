//! Ports: where VMs and containers plug in.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use switch_common::addr::Mac;
use utoipa::ToSchema;

use super::{
    Labels, VlanList,
    field::{Field, Takes},
};

/// Addresses that a port may learn unless set otherwise.
pub const DEFAULT_LEARN_LIMIT: u32 = 1024;

/// A port of a VM or container: either in one network, or a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Name of the port.
    #[schema(example = "p1")]
    pub name: String,
    /// Network of an access port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "blue")]
    pub network: Option<String>,
    /// VLANs of a trunk port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10,20-29")]
    pub trunk: Option<VlanList>,
    /// VLAN of a trunk's untagged frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 4094)]
    pub native: Option<u32>,
    /// Host-side device of the port; without one the port is detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "v1")]
    pub device: Option<String>,
    /// Stations at the port. With any, only these may send and nothing is learned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["02:00:00:00:00:01"]))]
    pub mac: Vec<Mac>,
    /// IP addresses at the port. With any, only these and the link-local ones of `mac` may send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["10.0.10.1"]))]
    pub ip: Vec<IpAddr>,
    /// Labels, for people and selectors.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub label: Labels,
    /// Administrative state.
    #[serde(default)]
    #[schema(default = "up")]
    pub admin: Admin,
    /// Most addresses that may be learned here.
    #[serde(default = "default_learn_limit")]
    #[schema(maximum = 1_000_000, default = 1024)]
    pub learn_limit: u32,
    /// The network's VLAN is an 802.1ad service VLAN, and the tags of the port's own frames are payload.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub qinq: bool,
    /// Whether policies apply to the port.
    #[serde(default, skip_serializing_if = "Firewall::is_on")]
    #[schema(default = "on")]
    pub firewall: Firewall,
}

/// Administrative state of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Admin {
    /// Frames flow.
    #[default]
    Up,
    /// Frames are dropped in both directions.
    Down,
}

/// Whether policies apply to a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Firewall {
    /// Those of its groups do.
    #[default]
    On,
    /// None do.
    Off,
}

impl Firewall {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_on(&self) -> bool {
        *self == Self::On
    }
}

fn default_learn_limit() -> u32 {
    DEFAULT_LEARN_LIMIT
}

/// The fields of a [`Port`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "name", takes: Takes::Name },
    Field { name: "network", takes: Takes::Name },
    Field { name: "trunk", takes: Takes::VlanList },
    Field { name: "native", takes: Takes::Vlan },
    Field { name: "device", takes: Takes::Device },
    Field { name: "mac", takes: Takes::Macs },
    Field { name: "ip", takes: Takes::Ips },
    Field { name: "label", takes: Takes::Labels },
    Field { name: "admin", takes: Takes::Admin },
    Field { name: "learnLimit", takes: Takes::LearnLimit },
    Field { name: "qinq", takes: Takes::Flag },
    Field { name: "firewall", takes: Takes::Firewall },
];
