//! Rules: what policies say about packets.

use serde::{Deserialize, Serialize};
use switch_common::verdict::Direction;
use utoipa::ToSchema;

use super::{
    Ethertype, Kind, ObjectId, Peer, PortRanges, Protocol, RuleAction,
    field::{Field, Takes},
};

/// A rule of a policy. Policy and name together are its name: `web/https`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Policy that has the rule.
    #[schema(example = "web")]
    pub policy: String,
    /// Name of the rule within the policy.
    #[schema(example = "https")]
    pub name: String,
    /// Rules with lower numbers are asked first, of equal ones in the order of their names.
    #[schema(example = 100)]
    pub priority: u32,
    /// Whether it is about packets towards the VM, or from it.
    pub direction: RuleDirection,
    /// What becomes of packets that it matches.
    pub action: RuleAction,
    /// Protocol of the packets; without one, any IP packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "tcp")]
    pub proto: Option<Protocol>,
    /// Where packets come from, or go to: any, an address, a prefix, or group:NAME.
    #[serde(default, skip_serializing_if = "Peer::is_any")]
    #[schema(value_type = String, default = "any", example = "group:office")]
    pub peer: Peer,
    /// Destination ports; without any, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "80,443,8000-8080")]
    pub port: Option<PortRanges>,
    /// Source ports; without any, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub src_port: Option<PortRanges>,
    /// Type of ICMP packets, of either version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 255)]
    pub icmp_type: Option<u32>,
    /// Code of ICMP packets, of either version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 255)]
    pub icmp_code: Option<u32>,
    /// Ethertype of frames that are no IP packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "0x88cc")]
    pub ethertype: Option<Ethertype>,
    /// Packets that it matches are logged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log: bool,
    /// It is counted and logged, but does not decide.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub staged: bool,
}

/// Which way packets go, as the VM sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleDirection {
    /// Towards the VM.
    In,
    /// From the VM.
    Out,
}

impl From<RuleDirection> for Direction {
    fn from(direction: RuleDirection) -> Self {
        match direction {
            RuleDirection::In => Self::In,
            RuleDirection::Out => Self::Out,
        }
    }
}

impl Rule {
    /// Kind and name.
    pub fn id(&self) -> ObjectId {
        ObjectId::new(Kind::Rule, format!("{}/{}", self.policy, self.name))
    }
}

/// The fields of a [`Rule`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "policy", takes: Takes::Name },
    Field { name: "name", takes: Takes::Name },
    Field { name: "priority", takes: Takes::Order },
    Field { name: "direction", takes: Takes::Direction },
    Field { name: "action", takes: Takes::Action },
    Field { name: "proto", takes: Takes::Protocol },
    Field { name: "peer", takes: Takes::Peer },
    Field { name: "port", takes: Takes::PortRanges },
    Field { name: "srcPort", takes: Takes::PortRanges },
    Field { name: "icmpType", takes: Takes::Octet },
    Field { name: "icmpCode", takes: Takes::Octet },
    Field { name: "ethertype", takes: Takes::Ethertype },
    Field { name: "log", takes: Takes::Flag },
    Field { name: "staged", takes: Takes::Flag },
];
