//! Settings of the whole switch.

use serde::{Deserialize, Serialize};
use switch_common::{
    addr::{GATEWAY_MAC, Mac},
    table::{fdb, flow, hits, rules},
};
use utoipa::ToSchema;

use super::field::{Field, Takes};

/// Seconds after its last frame for which a learned address is believed, unless set otherwise.
pub const DEFAULT_AGEING: u32 = 300;

/// Settings of the whole switch. There is one object of this kind; without it the defaults hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Switch {
    /// Seconds after its last frame for which a learned address is believed: 10 to 1000000, or 0 for ever.
    #[schema(example = 300)]
    pub ageing: u32,
    /// Most entries of the forwarding database.
    #[schema(minimum = 1024, maximum = 4_194_304)]
    pub fdb_capacity: u32,
    /// Most flows of each family, IPv4 and IPv6; a connection is two of them.
    #[schema(minimum = 1024, maximum = 4_194_304)]
    pub flow_capacity: u32,
    /// Rows of 128 octets for compiled rules: those of all policies, and of the largest one twice more.
    #[schema(minimum = 1024, maximum = 4_194_304)]
    pub rule_capacity: u32,
    /// Most counts of what rules decided about: each rule and default has one at each port where it ever
    /// decided. What has no room is not counted; `dvs status` says so.
    #[schema(minimum = 1024, maximum = 4_194_304)]
    pub hit_capacity: u32,
    /// Address of every gateway towards the ports, the same on all hosts.
    #[schema(value_type = String, example = "02:64:76:73:00:01")]
    pub gateway_mac: Mac,
}

impl Default for Switch {
    fn default() -> Self {
        Self {
            ageing: DEFAULT_AGEING,
            fdb_capacity: fdb::DEFAULT_CAPACITY,
            flow_capacity: flow::DEFAULT_CAPACITY,
            rule_capacity: rules::DEFAULT_CAPACITY,
            hit_capacity: hits::DEFAULT_CAPACITY,
            gateway_mac: GATEWAY_MAC,
        }
    }
}

/// The fields of a [`Switch`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "ageing", takes: Takes::Ageing },
    Field { name: "fdbCapacity", takes: Takes::FdbCapacity },
    Field { name: "flowCapacity", takes: Takes::FlowCapacity },
    Field { name: "ruleCapacity", takes: Takes::RuleCapacity },
    Field { name: "hitCapacity", takes: Takes::HitCapacity },
    Field { name: "gatewayMac", takes: Takes::Mac },
];
