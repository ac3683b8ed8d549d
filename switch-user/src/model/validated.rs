//! The configuration after validation: every reference resolved, every value legal.
//!
//! Only `validate` makes a [`Validated`] out of what users wrote, so whoever reads one needs no
//! defensive checks.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use switch_common::{
    addr::{Mac, VlanId},
    verdict::Direction,
};

use super::overlay::Overlay;

/// A set of VLANs, in ascending order.
pub type VlanSet = std::collections::BTreeSet<VlanId>;

/// The whole configuration of one switch, proven consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// How long a learned address is believed after its last frame; `None` for ever.
    pub ageing: Option<Duration>,
    /// Most entries of the forwarding database.
    pub fdb_capacity: u32,
    /// Most flows of each family.
    pub flow_capacity: u32,
    /// Rows of the table of compiled rules.
    pub rule_capacity: u32,
    /// Most counts of what rules decided about.
    pub hit_capacity: u32,
    /// Address of every gateway towards the ports.
    pub gateway_mac: Mac,
    /// Networks by name.
    pub networks: BTreeMap<String, ValidNetwork>,
    /// Routers by name.
    pub routers: BTreeMap<String, ValidRouter>,
    /// Ports by name.
    pub ports: BTreeMap<String, ValidPort>,
    /// Uplinks by the name of their device.
    pub uplinks: BTreeMap<String, ValidUplink>,
    /// Policies by name. Whoever holds the same one shares it.
    pub policies: BTreeMap<String, Arc<ValidPolicy>>,
    /// Other hosts.
    pub overlay: Overlay,
}

/// A broadcast domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidNetwork {
    /// Its VLAN; of an overlay network the number that stands for it inside the switch, which is no VLAN of others.
    pub vlan: VlanId,
    /// VXLAN network identifier of an overlay network.
    pub vni: Option<u32>,
    /// Largest layer-3 packet that it carries, if somebody said.
    pub mtu: Option<u32>,
    /// Its subnets, in the order in which they were given. In all networks of a router none overlaps another.
    pub subnets: Vec<Subnet>,
    /// Name of its router, which exists.
    pub router: Option<String>,
    /// Its stations get addresses by router advertisements (RFC 4862).
    pub slaac: bool,
    /// DNS servers that the advertisements name (RFC 8106).
    pub dns: Vec<Ipv6Addr>,
}

/// A subnet of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its prefix, without host bits.
    pub prefix: IpNet,
    /// Address of the router in it: one that a station can have, within the prefix.
    pub gateway: Option<IpAddr>,
}

/// A router: a space of addresses of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidRouter {
    /// The source of a packet must be reachable through the network that it came from.
    pub reverse_path: bool,
    /// Static routes by prefix, none of which is a subnet of its networks.
    pub routes: BTreeMap<IpNet, ValidRoute>,
}

/// Where a static route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidRoute {
    /// To one of these next hops: 1 to 16, each once.
    Via(Vec<NextHop>),
    /// Nowhere.
    Blackhole,
    /// Nowhere, and senders are told.
    Unreachable,
}

/// A station that packets are handed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// Its address, in a subnet of the network that has a gateway.
    pub address: IpAddr,
    /// Name of the network.
    pub network: String,
}

/// A port of a VM or container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidPort {
    /// Host-side device, if the port is attached.
    pub device: Option<String>,
    /// The VLANs it takes part in.
    pub attachment: Attachment,
    /// Stations that are known to be here. Not empty: only these may send, nothing is learned.
    pub macs: Vec<Mac>,
    /// Not empty: only these addresses, and the link-local ones of `macs`, may send.
    pub ips: Vec<IpAddr>,
    /// Administratively up.
    pub up: bool,
    /// It is still at another host and is to come here: closed, whatever its administrative state.
    pub standby: bool,
    /// Most addresses that may be learned here.
    pub learn_limit: u32,
    /// Policies that apply here, in the order in which they are asked: by tier, then by name. At most
    /// [`CHAIN`](switch_common::table::policy::CHAIN).
    pub policies: Vec<String>,
}

/// How a port takes part in VLANs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// One VLAN, frames untagged.
    Access {
        /// The VLAN of the port's network.
        vlan: VlanId,
        /// The VLAN is an 802.1ad service VLAN and the port's own tags are payload.
        qinq: bool,
    },
    /// Several VLANs, frames tagged.
    Trunk {
        /// VLANs that are carried, the native one among them.
        vlans: VlanSet,
        /// VLAN of untagged frames.
        native: Option<VlanId>,
    },
}

/// A device that connects the switch with the world outside the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidUplink {
    /// VLANs that are carried, the native one among them. All others belong to the host.
    pub vlans: VlanSet,
    /// VLAN of untagged frames; without one they belong to the host.
    pub native: Option<VlanId>,
    /// What the user wants of XDP.
    pub xdp: XdpChoice,
}

/// Whether an uplink has an XDP program, and in which mode.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum XdpChoice {
    /// Native if the driver can, none otherwise.
    #[default]
    Auto,
    /// Native or an error.
    Native,
    /// In the kernel's generic hook, for any driver; slower than none for most traffic.
    Generic,
    /// None.
    Off,
}

/// A rule set of the firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidPolicy {
    /// Policies of a lower tier are asked first.
    pub tier: u32,
    /// What becomes of packets that no rule of any policy of the port decides about. Of the policies of a
    /// port the strictest holds: drop before reject before allow.
    pub default: RuleAction,
    /// What is allowed makes a connection, whose other packets and answers are allowed with it.
    pub stateful: bool,
    /// Packets that the default decides about are logged.
    pub log: bool,
    /// Rules in the order in which they are asked: by priority, then by name. At most
    /// [`MAX_RULES`](switch_common::table::rules::MAX_RULES) a direction.
    pub rules: Vec<ValidRule>,
}

/// What becomes of a packet.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// It goes on.
    Allow,
    /// It ends.
    #[default]
    Drop,
    /// It ends, and its sender is told.
    Reject,
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidRule {
    /// Its name within the policy.
    pub name: String,
    /// Rules with lower numbers are asked first.
    pub priority: u32,
    /// For packets towards the VM, or from it.
    pub direction: Direction,
    /// What becomes of packets that it matches.
    pub action: RuleAction,
    /// Where they come from, or go to: prefixes without host bits, of which none is within another;
    /// `None` for anywhere. An empty list, as of a group without members, matches nothing.
    pub peer: Option<Arc<Vec<IpNet>>>,
    /// What they carry.
    pub service: Service,
    /// There are events.
    pub log: bool,
    /// It is counted and logged but does not decide.
    pub staged: bool,
}

/// What packets carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Any IP packet.
    Any,
    /// A protocol of IP, whatever ports it has.
    Protocol(u8),
    /// TCP, UDP or SCTP with these ports: sorted ranges that neither overlap nor touch, empty for any.
    Ports {
        /// Protocol number.
        protocol: u8,
        /// Destination ports.
        destination: Vec<RangeInclusive<u16>>,
        /// Source ports.
        source: Vec<RangeInclusive<u16>>,
    },
    /// ICMP or `ICMPv6` of this type, and of this code if there is one.
    Icmp {
        /// Protocol number.
        protocol: u8,
        /// Type.
        kind: u8,
        /// Code.
        code: Option<u8>,
    },
    /// Frames that are no IP packets, with this ethertype.
    Ethertype(u16),
}
