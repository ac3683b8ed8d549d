//! What each field of an object takes, as data: the words of error messages and the limits of numbers.

use std::{fmt, ops::RangeInclusive};

use serde_json::Value;

use super::{FirewallReason, PortRanges, Reason, VlanList};

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name as in files and in the API.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// The name of an object.
    Name,
    /// The name of a network device.
    Device,
    /// One VLAN.
    Vlan,
    /// A VXLAN network identifier.
    Vni,
    /// A list of VLANs.
    VlanList,
    /// Bytes of a layer-3 packet.
    Mtu,
    /// A list of MAC addresses.
    Macs,
    /// One IP address.
    Ip,
    /// A list of IP addresses.
    Ips,
    /// A list of IPv6 addresses.
    Ipv6s,
    /// A prefix.
    Prefix,
    /// A list of prefixes.
    Prefixes,
    /// One MAC address.
    Mac,
    /// A list of names of objects.
    Names,
    /// Labels.
    Labels,
    /// Administrative state.
    Admin,
    /// The mode of XDP.
    Xdp,
    /// What a router asks of sources.
    ReversePath,
    /// A number of addresses.
    LearnLimit,
    /// Seconds, or 0 for never.
    Ageing,
    /// A number of entries.
    FdbCapacity,
    /// A number of flows.
    FlowCapacity,
    /// A number of rows.
    RuleCapacity,
    /// A number of counts.
    HitCapacity,
    /// Yes or no.
    Flag,
    /// Whether policies apply.
    Firewall,
    /// A place in an order.
    Order,
    /// What becomes of a packet.
    Action,
    /// Which way packets go.
    Direction,
    /// A protocol of IP.
    Protocol,
    /// The other end of a packet's way.
    Peer,
    /// A list of ports.
    PortRanges,
    /// A number of eight bits.
    Octet,
    /// What a frame carries that is no IP packet.
    Ethertype,
}

impl Takes {
    /// Least and greatest number, for fields that take one.
    pub const fn range(self) -> Option<RangeInclusive<u32>> {
        match self {
            Self::Vlan => Some(1..=4094),
            Self::Vni => Some(1..=16_777_215),
            Self::Mtu => Some(68..=65_535),
            Self::LearnLimit => Some(0..=1_000_000),
            Self::Ageing => Some(10..=1_000_000),
            Self::FdbCapacity | Self::FlowCapacity | Self::RuleCapacity | Self::HitCapacity => {
                Some(1024..=4_194_304)
            }
            Self::Order => Some(0..=u32::MAX),
            Self::Octet => Some(0..=255),
            Self::Ethertype => Some(0x0600..=0xffff),
            Self::Name
            | Self::Device
            | Self::VlanList
            | Self::Macs
            | Self::Ip
            | Self::Ips
            | Self::Ipv6s
            | Self::Prefix
            | Self::Prefixes
            | Self::Mac
            | Self::Names
            | Self::Labels
            | Self::Admin
            | Self::Xdp
            | Self::ReversePath
            | Self::Flag
            | Self::Firewall
            | Self::Action
            | Self::Direction
            | Self::Protocol
            | Self::Peer
            | Self::PortRanges => None,
        }
    }

    /// True for a number that the field takes.
    pub fn allows(self, number: u32) -> bool {
        let never_ages = self == Self::Ageing && number == 0;
        never_ages || self.range().is_none_or(|range| range.contains(&number))
    }

    /// Why the field, or one item of it, does not take `value`, which did not parse.
    pub(super) fn refusal(self, value: &Value) -> Reason {
        match (self, value) {
            (Self::VlanList, Value::String(text)) => vlan_list_refusal(text),
            (Self::VlanList, Value::Number(number)) => vlan_list_refusal(&number.to_string()),
            (Self::PortRanges, Value::String(text)) => port_ranges_refusal(text),
            (Self::PortRanges, Value::Number(number)) => port_ranges_refusal(&number.to_string()),
            (Self::Macs | Self::Mac, Value::String(_)) => Reason::BadMac,
            (Self::Ip | Self::Ips, Value::String(_)) => Reason::BadIp,
            (Self::Ipv6s, Value::String(_)) => Reason::BadIpv6,
            (Self::Prefix | Self::Prefixes, Value::String(_)) => Reason::BadPrefix,
            (_, Value::Number(number)) if self.range().is_some() && !number.is_f64() => {
                Reason::OutOfRange(self)
            }
            _ => Reason::WrongType(self),
        }
    }
}

fn vlan_list_refusal(text: &str) -> Reason {
    match text.parse::<VlanList>() {
        Err(error) => Reason::VlanList(error),
        Ok(_) => Reason::WrongType(Takes::VlanList),
    }
}

fn port_ranges_refusal(text: &str) -> Reason {
    match text.parse::<PortRanges>() {
        Err(error) => FirewallReason::PortRanges(error).into(),
        Ok(_) => Reason::WrongType(Takes::PortRanges),
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Name => "a name: 1 to 63 of A-Z a-z 0-9 . _ -, the first a letter or digit",
            Self::Device => "the name of a network device: 1 to 15 bytes without spaces, slashes and colons",
            Self::Vlan => "a number from 1 to 4094",
            Self::Vni => "a number from 1 to 16777215",
            Self::VlanList => "a list of VLANs from 1 to 4094, such as \"10,20-29\"",
            Self::Mtu => "a number from 68 to 65535",
            Self::Ip => "an IP address, such as 192.0.2.1 or fd00::1",
            Self::Macs => "a list of MAC addresses, such as [\"02:00:00:00:00:01\"]",
            Self::Ips => "a list of IP addresses, such as [\"10.0.10.1\", \"fd00::1\"]",
            Self::Ipv6s => "a list of IPv6 addresses, such as [\"fd00::53\"]",
            Self::Prefix => "an address with a prefix length, such as \"10.0.0.0/8\"",
            Self::Prefixes => "a list of prefixes, such as [\"10.0.10.0/24\", \"fd00:10::/64\"]",
            Self::Mac => "a MAC address, such as \"02:00:00:00:00:01\"",
            Self::Names => "a list of names, such as [\"web\", \"db\"]",
            Self::Labels => "labels with text as value, such as {tier: \"web\"}",
            Self::Admin => "up or down",
            Self::Xdp => "auto, native, generic or off",
            Self::ReversePath => "strict or off",
            Self::LearnLimit => "a number from 0 to 1000000",
            Self::Ageing => "seconds, a number from 10 to 1000000, or 0 for ever",
            Self::FdbCapacity | Self::FlowCapacity | Self::RuleCapacity | Self::HitCapacity => {
                "a number from 1024 to 4194304"
            }
            Self::Flag => "true or false",
            Self::Firewall => "on or off",
            Self::Order => "a number from 0 to 4294967295, the lowest comes first",
            Self::Action => "allow, drop or reject",
            Self::Direction => "in for packets towards the VM, out for those from it",
            Self::Protocol => "tcp, udp, sctp, icmp, icmpv6, or a protocol number from 0 to 255",
            Self::Peer => "any, an IP address, a prefix such as \"10.0.0.0/8\", or \"group:NAME\"",
            Self::PortRanges => "a list of ports, such as \"80,443,8000-8080\"",
            Self::Octet => "a number from 0 to 255",
            Self::Ethertype => "an ethertype from 0x0600 to 0xffff, such as \"0x88cc\"",
        })
    }
}
