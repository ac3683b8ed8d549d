//! Hosts of a cluster.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Labels,
    field::{Field, Takes},
};

/// The group of hosts that a host is in unless set otherwise.
pub const DEFAULT_HA_GROUP: &str = "default";

/// A host that forwards frames as a part of one switch. It comes into being when the host reports for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Name of the host.
    #[schema(example = "h1")]
    pub name: String,
    /// Hosts of one group know each other's ports, so that each may take over from each with every manager down.
    #[serde(default = "default_ha_group")]
    #[schema(default = "default")]
    pub ha_group: String,
    /// Address by which other hosts reach this one: overlay networks lead here through tunnels to it. Without one
    /// they lead nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "192.0.2.1")]
    pub underlay: Option<IpAddr>,
    /// Labels, for people.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub label: Labels,
}

fn default_ha_group() -> String {
    DEFAULT_HA_GROUP.to_owned()
}

impl Host {
    /// A host of this name, and all else as it is unless set otherwise.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ha_group: default_ha_group(), underlay: None, label: Labels::default() }
    }
}

/// The fields of a [`Host`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "name", takes: Takes::Name },
    Field { name: "haGroup", takes: Takes::Name },
    Field { name: "underlay", takes: Takes::Ip },
    Field { name: "label", takes: Takes::Labels },
];
