//! Networks and their subnets, each alone.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use switch_common::addr::VlanId;

use super::{Check, port::is_unicast, prefixes::overlap};
use crate::model::{Kind, Network, ObjectId, Reason, RoutingReason, Subnet, Takes, ValidNetwork};

/// Smallest packet that every IPv6 link carries (RFC 8200, 5).
const IPV6_MTU: u32 = 1280;
/// Most DNS servers: their option and all prefixes fit into one advertisement.
const MOST_DNS: usize = 8;
/// Length of a prefix of which stations make themselves addresses (RFC 4862, 5.5.3; RFC 7421).
const SLAAC_BITS: u8 = 64;

/// Addresses that stations of a routed network cannot have.
const RESERVED: [IpNet; 8] = [
    v4([0, 0, 0, 0], 8),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([224, 0, 0, 0], 3),
    // Unspecified and loopback.
    v6([0; 8], 127),
    // IPv4 in the clothes of IPv6.
    v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(std::net::Ipv4Addr::new(a, b, c, d), bits))
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], bits: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h), bits))
}

impl Check<'_> {
    /// The networks that are valid as far as their VLAN.
    pub(super) fn networks(&mut self) -> BTreeMap<String, ValidNetwork> {
        let mut owners = BTreeMap::new();
        let mut numbers = self.free_numbers();
        let mut valid = BTreeMap::new();
        for (_, network) in self.in_order(Kind::Network, &*self.desired.networks) {
            let id = ObjectId::new(Kind::Network, &network.name);
            let number = self.number(&id, network, &mut numbers);
            let found = self.network(&id, network, number);
            if let Some(found) = found {
                self.unshared(&id, network, &found, &mut owners);
                valid.insert(network.name.clone(), found);
            }
        }
        valid
    }

    fn network(&mut self, id: &ObjectId, network: &Network, number: Option<VlanId>) -> Option<ValidNetwork> {
        self.name(id);
        if let Some(mtu) = network.mtu {
            self.range(id, "mtu", mtu, Takes::Mtu);
            let ipv6 = network.subnet.iter().any(|subnet| matches!(subnet, IpNet::V6(_)));
            if ipv6 && Takes::Mtu.allows(mtu) && mtu < IPV6_MTU {
                self.refuse(id.clone(), "mtu", mtu, RoutingReason::MtuBelowIpv6);
            }
        }
        let subnets = self.subnets(id, network);
        self.reference(id, network.router.as_deref());
        if let Some(router) = &network.router
            && subnets.iter().all(|subnet| subnet.gateway.is_none())
        {
            self.refuse(id.clone(), "router", router.as_str(), RoutingReason::NoGateway);
        }
        self.advertised(id, network, &subnets);
        Some(ValidNetwork {
            vlan: number?,
            vni: network.vni,
            mtu: network.mtu,
            subnets,
            router: network.router.clone(),
            slaac: network.slaac,
            dns: network.dns.clone(),
        })
    }

    /// The subnets, each with its gateway.
    fn subnets(&mut self, id: &ObjectId, network: &Network) -> Vec<Subnet> {
        let mut subnets = Vec::new();
        for prefix in &network.subnet {
            self.host_bits(id, "subnet", *prefix);
            if RESERVED.into_iter().any(|reserved| overlap(reserved, *prefix)) {
                self.refuse(id.clone(), "subnet", prefix.to_string(), RoutingReason::ReservedSubnet);
            }
            subnets.push(Subnet { prefix: prefix.trunc(), gateway: None });
        }
        for gateway in &network.gateway {
            let found = subnets.iter_mut().find(|subnet| subnet.prefix.contains(gateway));
            let reason = match found {
                None => RoutingReason::GatewayOutside,
                Some(Subnet { prefix, gateway: Some(_) }) => RoutingReason::GatewayTwice(*prefix),
                Some(Subnet { prefix, .. }) if prefix.prefix_len() == prefix.max_prefix_len() => {
                    RoutingReason::SubnetTooSmall(*prefix)
                }
                Some(Subnet { prefix, .. }) if !is_host(*gateway, *prefix) => {
                    RoutingReason::NotAHost(*prefix)
                }
                Some(subnet) => {
                    subnet.gateway = Some(*gateway);
                    continue;
                }
            };
            self.refuse(id.clone(), "gateway", gateway.to_string(), reason);
        }
        subnets
    }

    /// Notes a prefix with bits past its length.
    pub(super) fn host_bits(&mut self, id: &ObjectId, field: &str, prefix: IpNet) {
        if prefix != prefix.trunc() {
            self.refuse(id.clone(), field, prefix.to_string(), RoutingReason::HostBits(prefix.trunc()));
        }
    }

    /// Notes what router advertisements could not say.
    fn advertised(&mut self, id: &ObjectId, network: &Network, subnets: &[Subnet]) {
        let usable = |subnet: &Subnet| matches!(subnet, Subnet { prefix: IpNet::V6(prefix), gateway: Some(_) } if prefix.prefix_len() == SLAAC_BITS);
        if network.slaac && !(network.router.is_some() && subnets.iter().any(usable)) {
            self.refuse(id.clone(), "slaac", true, RoutingReason::NothingToAdvertise);
        }
        if let (false, Some(first)) = (network.slaac, network.dns.first()) {
            self.refuse(id.clone(), "dns", first.to_string(), RoutingReason::DnsWithoutSlaac);
        }
        if network.dns.len() > MOST_DNS {
            self.refuse(id.clone(), "dns", network.dns.len(), RoutingReason::TooMany(MOST_DNS));
        }
        for server in network.dns.iter().filter(|server| !is_unicast((**server).into())) {
            self.refuse(id.clone(), "dns", server.to_string(), Reason::NotUnicast);
        }
    }
}

/// True for an address in the prefix that a station can have. In the smallest subnets all are
/// (RFC 3021, RFC 6164); in others the first one names the subnet or, in IPv6, any of its routers.
pub(super) fn is_host(address: IpAddr, prefix: IpNet) -> bool {
    if prefix.max_prefix_len() - prefix.prefix_len() <= 1 {
        return true;
    }
    let broadcast = address.is_ipv4() && address == prefix.broadcast();
    address != prefix.network() && !broadcast
}
