//! What a host says of its routers: flows and neighbours.

use std::{collections::BTreeSet, net::IpAddr};

use serde::{Deserialize, Serialize};
use switch_common::addr::Mac;
use utoipa::ToSchema;

/// Which flows to read: a full table is too much to hold, so whoever reads it leaves the others out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowFilter {
    /// Only those that come from or go to this port or uplink.
    pub port: Option<String>,
    /// Only those of this router.
    pub router: Option<String>,
    /// If not empty, only those that come from or go to one of these ports.
    pub ports: BTreeSet<String>,
    /// Only those in the direction of their connection's first packet.
    pub original: bool,
}

impl FlowFilter {
    /// True for a flow between these ports, of this router, that is to be read.
    pub fn takes(&self, ports: [&str; 2], router: Option<&str>, original: bool) -> bool {
        (original || !self.original)
            && self.port.as_deref().is_none_or(|port| ports.contains(&port))
            && self.router.as_deref().is_none_or(|wanted| router == Some(wanted))
            && (self.ports.is_empty() || ports.iter().any(|port| self.ports.contains(*port)))
    }
}

/// One direction of a routed connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowEntry {
    /// Port or uplink that the packets come from.
    pub port: String,
    /// Port or uplink that they leave through.
    pub to_port: String,
    /// Router, if one has the network.
    pub router: Option<String>,
    /// Network that they come from, if one has the VLAN.
    pub network: Option<String>,
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
    /// True if the connection's first packet went this way.
    pub original: bool,
    /// How far the connection has come.
    pub state: FlowState,
    /// Seconds since the first packet.
    pub age_seconds: u64,
    /// Seconds since the last packet, to the second.
    pub idle_seconds: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes of these, from the Ethernet header on.
    pub bytes: u64,
    /// The devices that the packets come from and leave through.
    #[schema(example = "v1 -> v3")]
    pub path: String,
    /// Rules and defaults of policies that let the sender send it and the receiver have it.
    #[schema(example = json!(["web/https"]))]
    pub rules: Vec<String>,
}

/// A protocol of IP: its name in lower case, or its number.
pub fn protocol(number: u16) -> String {
    match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        58 => "icmpv6".to_owned(),
        132 => "sctp".to_owned(),
        other => other.to_string(),
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FlowState {
    /// A TCP connection of which one side has spoken.
    SynSent,
    /// Any other first packet that nobody has answered.
    Opening,
    /// Both sides have spoken.
    Established,
    /// One side of a TCP connection has finished.
    Closing,
    /// Both sides have finished, or one has reset the connection.
    Closed,
    /// One side speaks on without an answer.
    OneWay,
}

/// An IP address that a router knows in a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NeighbourEntry {
    /// Name of the network, if one has this VLAN.
    pub network: Option<String>,
    /// VLAN identifier.
    pub vlan: u16,
    /// The address.
    #[schema(value_type = String, example = "10.0.10.11")]
    pub ip: IpAddr,
    /// Address of the station, if it is known.
    #[schema(value_type = Option<String>)]
    pub mac: Option<Mac>,
    /// What is known of the station.
    pub state: NeighbourState,
    /// Port or uplink that the station is at, if the forwarding database has it.
    pub port: Option<String>,
    /// Seconds since the station was heard; `None` if it never was, or is configured.
    pub last_heard_seconds: Option<u64>,
}

/// What is known of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NeighbourState {
    /// Configured, so always known.
    Static,
    /// Heard lately.
    Reachable,
    /// Heard some time ago.
    Stale,
    /// Asked for, without an answer yet.
    Incomplete,
    /// Asked for often enough without an answer; packets to it are refused.
    Dead,
}
