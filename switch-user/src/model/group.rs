//! Groups: who is meant by policies and rules.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::field::{Field, Takes};

/// A group of ports and addresses: all that any of its fields names. Without fields it has no members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Name of the group.
    #[schema(example = "web-vms")]
    pub name: String,
    /// Labels that a port must have, all of them, to be a member.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({"tier": "web"}))]
    pub selector: BTreeMap<String, String>,
    /// Ports that are members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["p1"]))]
    pub ports: Vec<String>,
    /// Addresses that are members. They are of use to rules; no policy applies to a port because of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["10.0.0.0/8"]))]
    pub prefixes: Vec<IpNet>,
    /// Groups whose members are members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// The fields of a [`Group`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "name", takes: Takes::Name },
    Field { name: "selector", takes: Takes::Labels },
    Field { name: "ports", takes: Takes::Names },
    Field { name: "prefixes", takes: Takes::Prefixes },
    Field { name: "groups", takes: Takes::Names },
];
