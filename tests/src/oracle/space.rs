//! The address space of a router: a list of prefixes.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use switch_user::model::{NextHop, Subnet, ValidNetwork, ValidRoute, Validated};

/// Where an address leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is the router's own, in this network.
    Own(u16),
    /// To a station of this network.
    Connected(u16),
    /// To one of these next hops.
    Via(Vec<NextHop>),
    Blackhole,
    Unreachable,
}

/// A router as a network sees it.
#[derive(Clone, Copy)]
pub(super) struct Space<'a> {
    config: &'a Validated,
    router: &'a str,
    /// The network.
    pub(super) network: &'a ValidNetwork,
}

impl<'a> Space<'a> {
    /// The router of a network, if it has one.
    pub(super) fn of(config: &'a Validated, vid: u16) -> Option<Self> {
        let network = config.networks.values().find(|network| network.vlan.get() == vid)?;
        Some(Self { config, router: network.router.as_deref()?, network })
    }

    /// Where an address leads: the router's own, or the longest prefix that it is in.
    pub(super) fn way(&self, address: IpAddr) -> Option<Way> {
        let networks =
            self.config.networks.values().filter(|network| network.router.as_deref() == Some(self.router));
        let connected =
            networks.flat_map(|network| subnets(network).map(move |subnet| (network.vlan.get(), subnet)));
        let mut ways: Vec<(IpNet, Way)> = Vec::new();
        for (vid, subnet) in connected {
            if subnet.gateway == Some(address) {
                return Some(Way::Own(vid));
            }
            ways.push((subnet.prefix, Way::Connected(vid)));
        }
        for (prefix, route) in &self.config.routers[self.router].routes {
            let way = match route {
                ValidRoute::Via(hops) => Way::Via(hops.clone()),
                ValidRoute::Blackhole => Way::Blackhole,
                ValidRoute::Unreachable => Way::Unreachable,
            };
            ways.push((*prefix, way));
        }
        ways.retain(|(prefix, _)| prefix.contains(&address));
        ways.into_iter().max_by_key(|(prefix, _)| prefix.prefix_len()).map(|(_, way)| way)
    }

    /// True if the address is one of the router's in this network.
    pub(super) fn is_gateway(&self, address: IpAddr) -> bool {
        let own = self.network.subnets.iter().any(|subnet| subnet.gateway == Some(address));
        own || address == self.link_local()
    }

    /// The address of the router in all networks.
    pub(super) fn link_local(&self) -> IpAddr {
        Ipv6Addr::from(self.config.gateway_mac.link_local()).into()
    }

    /// True if packets to an address leave through this network.
    pub(super) fn reaches(&self, address: IpAddr) -> bool {
        let here = self.network.vlan.get();
        match self.way(address) {
            Some(Way::Connected(vid)) => vid == here,
            Some(Way::Via(hops)) => hops.iter().any(|hop| vid_of(self.config, hop) == here),
            Some(Way::Own(_) | Way::Blackhole | Way::Unreachable) | None => false,
        }
    }

    /// True if only sources are believed that are reached through the network they come from.
    pub(super) fn is_strict(&self) -> bool {
        self.config.routers[self.router].reverse_path
    }

    /// The router's address for one in this network: that of its subnet, else the first of the family.
    pub(super) fn own_for(&self, address: IpAddr) -> Option<IpAddr> {
        let near = subnets(self.network).find(|subnet| subnet.prefix.contains(&address));
        let any = || subnets(self.network).find(|subnet| subnet.prefix.addr().is_ipv4() == address.is_ipv4());
        near.or_else(any)?.gateway
    }
}

/// The VLAN of a next hop.
pub(super) fn vid_of(config: &Validated, hop: &NextHop) -> u16 {
    config.networks[&hop.network].vlan.get()
}

/// Subnets that are routed: those with a gateway.
fn subnets(network: &ValidNetwork) -> impl Iterator<Item = &Subnet> {
    network.subnets.iter().filter(|subnet| subnet.gateway.is_some())
}
