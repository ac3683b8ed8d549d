//! Why subnets, routers and routes are refused.

use std::borrow::Cow;

use ipnet::IpNet;

use super::{known, list};
use crate::model::ObjectId;

/// Why a subnet, a router or a route is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingReason {
    /// A prefix with bits set past its length.
    #[error("the address has bits past the prefix length")]
    HostBits(IpNet),
    /// A subnet of addresses that no router forwards.
    #[error("loopback, multicast, link-local and reserved addresses are not routed")]
    ReservedSubnet,
    /// Two subnets of a router that share addresses.
    #[error("{other} has {prefix} already, which overlaps")]
    SubnetsOverlap {
        /// Network of the other subnet.
        other: ObjectId,
        /// The other subnet.
        prefix: IpNet,
    },
    /// A subnet of one address that has a gateway.
    #[error("{0} has one address only, so the gateway would have no station")]
    SubnetTooSmall(IpNet),
    /// A gateway in no subnet of its network.
    #[error("none of the network's subnets has this address")]
    GatewayOutside,
    /// A second gateway in a subnet.
    #[error("{0} has a gateway already")]
    GatewayTwice(IpNet),
    /// The address of a subnet itself, or its broadcast address.
    #[error("{0} needs this address itself, as that of the network or of broadcasts")]
    NotAHost(IpNet),
    /// A gateway address that somebody else in the router or network has.
    #[error("{0} has this address already")]
    GatewayTaken(ObjectId),
    /// A port with the address of its gateway.
    #[error("this is the gateway of {0}")]
    IpIsGateway(ObjectId),
    /// A port with the MAC address of all gateways.
    #[error("this is the address of all gateways")]
    MacIsGateway,
    /// A router that does not exist.
    #[error("there is no such router")]
    UnknownRouter {
        /// Some of those that exist.
        known: Vec<String>,
    },
    /// A network in a router that has no address there.
    #[error("the router has no address in this network")]
    NoGateway,
    /// A router that is to be removed and has networks or routes.
    #[error("{} still {} it", list(.0), if .0.len() == 1 { "uses" } else { "use" })]
    RouterInUse(Vec<ObjectId>),
    /// Packets smaller than IPv6 takes.
    #[error("an IPv6 subnet needs packets of 1280 bytes (RFC 8200)")]
    MtuBelowIpv6,
    /// Address configuration without a prefix to make addresses of.
    #[error("there is nothing to advertise: no IPv6 subnet of 64 bits with a gateway, or no router")]
    NothingToAdvertise,
    /// DNS servers that nobody would hear of.
    #[error("DNS servers are told with addresses only")]
    DnsWithoutSlaac,
    /// More items than a list may have.
    #[error("the list has more than {0} items")]
    TooMany(usize),
    /// A route that leads to two places.
    #[error("a route leads to one place only")]
    SeveralTargets,
    /// A route that leads nowhere, and does not say so.
    #[error("the route leads nowhere")]
    NoTarget,
    /// An IPv4 next hop of an IPv6 route, or the other way round.
    #[error("prefix and next hop are not of the same family")]
    OtherFamily,
    /// A next hop that the router cannot reach directly.
    #[error("no network of router {0} has a subnet, with a gateway, that this address is in")]
    NotOnLink(String),
    /// A next hop that is the router itself.
    #[error("this is the router's own address in {0}, which makes a loop")]
    NextHopIsGateway(ObjectId),
    /// A next hop a second time.
    #[error("the next hop is in the list already")]
    NextHopTwice,
    /// A route to a subnet or a gateway of the router's networks.
    #[error("{0} has this prefix already")]
    PrefixTaken(ObjectId),
    /// More routes than the tables have room for.
    #[error("that makes {0} subnets, gateways and routes of one family, more than the switch has room for")]
    TooManyRoutes(usize),
}

impl RoutingReason {
    /// The word for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HostBits(_) => "host-bits",
            Self::ReservedSubnet => "reserved-subnet",
            Self::SubnetsOverlap { .. } => "subnets-overlap",
            Self::SubnetTooSmall(_) => "subnet-too-small",
            Self::GatewayOutside => "gateway-outside",
            Self::GatewayTwice(_) => "gateway-twice",
            Self::NotAHost(_) => "not-a-host",
            Self::GatewayTaken(_) => "gateway-taken",
            Self::IpIsGateway(_) => "ip-is-gateway",
            Self::MacIsGateway => "mac-is-gateway",
            Self::UnknownRouter { .. } => "unknown-router",
            Self::NoGateway => "no-gateway",
            Self::RouterInUse(_) => "router-in-use",
            Self::MtuBelowIpv6 => "mtu-below-ipv6",
            Self::NothingToAdvertise => "nothing-to-advertise",
            Self::DnsWithoutSlaac => "dns-without-slaac",
            Self::TooMany(_) => "too-many",
            Self::SeveralTargets => "several-targets",
            Self::NoTarget => "no-target",
            Self::OtherFamily => "other-family",
            Self::NotOnLink(_) => "not-on-link",
            Self::NextHopIsGateway(_) => "next-hop-is-gateway",
            Self::NextHopTwice => "next-hop-twice",
            Self::PrefixTaken(_) => "prefix-taken",
            Self::TooManyRoutes(_) => "too-many-routes",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::HostBits(prefix) => format!("write {prefix}").into(),
            Self::ReservedSubnet => "choose a prefix of unicast addresses, such as 10.0.10.0/24".into(),
            Self::SubnetsOverlap { .. } => {
                "choose another prefix, or put the network into another router".into()
            }
            Self::SubnetTooSmall(_) => "choose a shorter prefix, or leave the gateway out".into(),
            Self::GatewayOutside => "add the subnet that it is in, or choose another address".into(),
            Self::GatewayTwice(_) => "give one gateway for each subnet".into(),
            Self::NotAHost(_) | Self::GatewayTaken(_) => "choose another address of the subnet".into(),
            Self::IpIsGateway(_) => "give the port another address, or move the gateway".into(),
            Self::MacIsGateway => "give the port another address, or change gatewayMac of the switch".into(),
            Self::UnknownRouter { known: names } => known(names, "dvs router add NAME"),
            Self::NoGateway => "give a subnet and its gateway, or leave the router out".into(),
            Self::RouterInUse(_) => "remove its routes first, and take its networks out".into(),
            Self::MtuBelowIpv6 => "give at least 1280, or leave the IPv6 subnet out".into(),
            Self::NothingToAdvertise => {
                "give a router, an IPv6 subnet such as fd00:10::/64 and its gateway, or leave slaac out"
                    .into()
            }
            Self::DnsWithoutSlaac => "set slaac, or leave dns out".into(),
            Self::TooMany(most) => format!("give at most {most}").into(),
            Self::SeveralTargets | Self::NoTarget => "give one of via, blackhole and unreachable".into(),
            Self::OtherFamily => "give next hops of the prefix's family".into(),
            Self::NotOnLink(_) => "give the address of a station in one of the router's networks".into(),
            Self::NextHopIsGateway(_) => "give the address of another router in that network".into(),
            Self::NextHopTwice => "give each next hop once".into(),
            Self::PrefixTaken(_) => "leave the route out: a router reaches its own subnets without".into(),
            Self::TooManyRoutes(_) => {
                format!("keep to {} of each family", switch_common::table::route::CAPACITY).into()
            }
        }
    }
}
