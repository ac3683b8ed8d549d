//! Networks: broadcast domains by name, and their subnets.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::field::{Field, Takes};

/// A broadcast domain: a VLAN, or an overlay network that reaches other hosts through tunnels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Name of the network.
    #[schema(example = "blue")]
    pub name: String,
    /// VLAN identifier, unless it is an overlay network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 4094, example = 10)]
    pub vlan: Option<u32>,
    /// VXLAN network identifier of an overlay network: its frames go to other hosts through tunnels, and never
    /// through uplinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 16_777_215)]
    pub vni: Option<u32>,
    /// Largest layer-3 packet in bytes that every device of the network should carry; the status
    /// has a note at ports whose device carries less, and no larger packet is routed into it. In an overlay network
    /// what the tunnels carry unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 68, maximum = 65535)]
    pub mtu: Option<u32>,
    /// Prefixes whose addresses are in this network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["10.0.10.0/24", "fd00:10::/64"]))]
    pub subnet: Vec<IpNet>,
    /// Addresses of the router, at most one in each subnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["10.0.10.1", "fd00:10::1"]))]
    pub gateway: Vec<IpAddr>,
    /// Router that the network is in; without one it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "r1")]
    pub router: Option<String>,
    /// Stations make themselves addresses in the IPv6 subnets of 64 bits (RFC 4862).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slaac: bool,
    /// DNS servers that stations learn with their addresses (RFC 8106).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["fd00:10::53"]))]
    pub dns: Vec<Ipv6Addr>,
}

/// The fields of a [`Network`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "name", takes: Takes::Name },
    Field { name: "vlan", takes: Takes::Vlan },
    Field { name: "vni", takes: Takes::Vni },
    Field { name: "mtu", takes: Takes::Mtu },
    Field { name: "subnet", takes: Takes::Prefixes },
    Field { name: "gateway", takes: Takes::Ips },
    Field { name: "router", takes: Takes::Name },
    Field { name: "slaac", takes: Takes::Flag },
    Field { name: "dns", takes: Takes::Ipv6s },
];
