//! Answers to questions about the firewall.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::RuleAction;

/// A connection that a change would cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cut {
    /// Port or uplink that it comes from.
    pub from: String,
    /// Port or uplink that it goes to.
    pub to: String,
    /// Protocol: its name in lower case, or its number.
    #[schema(example = "tcp")]
    pub protocol: String,
    /// Address of the sender.
    #[schema(value_type = String, example = "10.0.10.11")]
    pub source: IpAddr,
    /// Port of the sender, or the identifier of an echo.
    pub source_port: Option<u16>,
    /// Address of the receiver.
    #[schema(value_type = String, example = "10.0.20.11")]
    pub destination: IpAddr,
    /// Port of the receiver, or the identifier of an echo.
    pub destination_port: Option<u16>,
    /// Port whose policies would refuse it.
    pub port: String,
    /// The policy that would.
    pub policy: String,
    /// Name of its rule; `None` for its default.
    pub rule: Option<String>,
}

/// What policies say about the first packet of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTest {
    /// Where it comes from.
    pub from: PolicyEnd,
    /// Where it goes.
    pub to: PolicyEnd,
    /// Protocol: its name in lower case, or its number. Of ICMP it is an echo request.
    #[schema(example = "tcp")]
    pub protocol: String,
    /// Port of the sender, in TCP, UDP and SCTP.
    pub source_port: Option<u16>,
    /// Port of the receiver, in TCP, UDP and SCTP.
    pub destination_port: Option<u16>,
    /// What becomes of it.
    pub action: RuleAction,
    /// What decides at the ports of the switch: first the sender's, then the receiver's.
    pub verdicts: Vec<PolicyVerdict>,
}

/// An end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyEnd {
    /// Port of the switch; `None` if the address is that of none.
    pub port: Option<String>,
    /// Its address.
    #[schema(value_type = String, example = "10.0.10.11")]
    pub address: IpAddr,
}

/// What the policies of one port say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyVerdict {
    /// The port.
    pub port: String,
    /// `in` or `out`, the VM's view.
    pub direction: String,
    /// What becomes of the packet here.
    pub action: RuleAction,
    /// The policy that decides; `None` if the port has none, which lets everything pass.
    pub policy: Option<String>,
    /// Name of its rule; `None` for its default.
    pub rule: Option<String>,
    /// Staged rules that would have decided.
    #[schema(example = json!(["web/https"]))]
    pub staged: Vec<String>,
}
