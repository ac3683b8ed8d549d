//! What a host says of its firewalls: what rules decided about, and the log.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::RuleAction;

/// What a rule, or a policy's default, decided about at one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleHits {
    /// Name of the policy.
    pub policy: String,
    /// Name of the rule; `None` for the default.
    pub rule: Option<String>,
    /// `in` or `out`, the VM's view.
    pub direction: String,
    /// Port.
    pub port: String,
    /// Packets. Those of a connection are counted once a second, and when it ends.
    pub packets: u64,
    /// Bytes of these, from the Ethernet header on.
    pub bytes: u64,
    /// Seconds since the last packet, to the second; `None` if none was counted.
    pub last: Option<u64>,
}

/// A rule that logs decided about a packet, or would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEvent {
    /// When (RFC 3339, UTC).
    #[schema(example = "2026-01-31T12:00:00.250Z")]
    pub time: String,
    /// Port whose policy it is.
    pub port: String,
    /// Network of the packet, if one has its VLAN.
    pub network: Option<String>,
    /// `in` or `out`, the VM's view.
    pub direction: String,
    /// Name of the policy.
    pub policy: String,
    /// Name of the rule, or `default`.
    pub rule: String,
    /// What the rule does.
    pub action: RuleAction,
    /// The rule is staged: it did not decide.
    pub staged: bool,
    /// Protocol: its name in lower case, or its number; `None` if the frame is no IP packet.
    #[schema(example = "tcp")]
    pub protocol: Option<String>,
    /// Address of the sender, in an IP packet.
    #[schema(value_type = Option<String>, example = "10.0.10.11")]
    pub source: Option<IpAddr>,
    /// Address of the receiver, in an IP packet.
    #[schema(value_type = Option<String>, example = "10.0.20.11")]
    pub destination: Option<IpAddr>,
    /// Port of the sender, in TCP, UDP and SCTP.
    pub source_port: Option<u16>,
    /// Port of the receiver, in TCP, UDP and SCTP.
    pub destination_port: Option<u16>,
    /// Type of an ICMP message.
    pub icmp_type: Option<u8>,
    /// Code of an ICMP message.
    pub icmp_code: Option<u8>,
    /// What the frame carries if that is no IP packet.
    #[schema(example = "0x88cc")]
    pub ethertype: Option<String>,
    /// Octets of the frame.
    pub octets: u32,
}
