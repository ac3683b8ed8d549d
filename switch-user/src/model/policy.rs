//! Policies: the rule sets of the firewall.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    RuleAction,
    field::{Field, Takes},
};

/// The tier of a policy unless set otherwise.
pub const DEFAULT_TIER: u32 = 100;

/// A rule set, and the ports that it applies to. A port without policies lets everything pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Name of the policy.
    #[schema(example = "web")]
    pub name: String,
    /// Group of the ports that it applies to; without one, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "web-vms")]
    pub applies_to: Option<String>,
    /// Policies of a lower tier are asked first.
    #[serde(default = "default_tier")]
    #[schema(default = 100)]
    pub tier: u32,
    /// What becomes of packets that no rule decides about. Of a port's policies the strictest default holds.
    #[serde(default)]
    #[schema(default = "drop")]
    pub default: RuleAction,
    /// What is allowed makes no connection: answers need rules of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stateless: bool,
    /// Packets that the default decides about are logged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log: bool,
}

fn default_tier() -> u32 {
    DEFAULT_TIER
}

/// The fields of a [`Policy`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "name", takes: Takes::Name },
    Field { name: "appliesTo", takes: Takes::Name },
    Field { name: "tier", takes: Takes::Order },
    Field { name: "default", takes: Takes::Action },
    Field { name: "stateless", takes: Takes::Flag },
    Field { name: "log", takes: Takes::Flag },
];
