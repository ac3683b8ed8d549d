//! Routers: the spaces of addresses that their networks make up.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

use super::{Check, PROPOSED, prefixes::Prefixes};
use crate::model::{Kind, ObjectId, ReversePath, RoutingReason, ValidNetwork, ValidRouter};

/// The addresses of a router, or of a network that is in none.
#[derive(Default)]
pub(super) struct Space<'a> {
    /// Subnets, each with its network and gateway.
    pub(super) subnets: Prefixes<Home<'a>>,
    /// The router's own addresses, each with its network.
    pub(super) gateways: BTreeMap<IpAddr, &'a str>,
}

/// Where a subnet is.
#[derive(Clone, Copy)]
pub(super) struct Home<'a> {
    /// Name of the network.
    pub(super) network: &'a str,
    /// The router's address in the subnet.
    pub(super) gateway: Option<IpAddr>,
}

impl Space<'_> {
    /// The network that has exactly this prefix: as a subnet, or as that of a gateway alone.
    pub(super) fn owner(&self, prefix: &IpNet) -> Option<&str> {
        let alone = prefix.prefix_len() == prefix.max_prefix_len();
        let gateway = alone.then(|| self.gateways.get(&prefix.addr())).flatten();
        self.subnets.get(prefix).map(|home| home.network).or(gateway.copied())
    }
}

/// The address spaces of routers by their names.
pub(super) type Spaces<'a> = BTreeMap<&'a str, Space<'a>>;

impl Check<'_> {
    /// All routers, as yet without routes.
    pub(super) fn routers(&mut self) -> BTreeMap<String, ValidRouter> {
        let mut valid = BTreeMap::new();
        for (name, router) in &*self.desired.routers {
            self.name(&ObjectId::new(Kind::Router, name));
            let reverse_path = router.reverse_path == ReversePath::Strict;
            valid.insert(name.clone(), ValidRouter { reverse_path, routes: BTreeMap::new() });
        }
        valid
    }

    /// Notes a router that does not exist.
    pub(super) fn reference(&mut self, id: &ObjectId, router: Option<&str>) {
        let routers = &self.desired.routers;
        if let Some(router) = router.filter(|router| !routers.contains_key(*router)) {
            let known = routers.keys().take(PROPOSED).cloned().collect();
            self.refuse(id.clone(), "router", router, RoutingReason::UnknownRouter { known });
        }
    }

    /// The address spaces of all routers; notes what networks of one would share.
    pub(super) fn spaces<'n>(&mut self, networks: &'n BTreeMap<String, ValidNetwork>) -> Spaces<'n> {
        let mut spaces = Spaces::new();
        for (name, network) in self.in_order(Kind::Network, networks) {
            match &network.router {
                Some(router) => self.join(spaces.entry(router).or_default(), name, network),
                None => self.join(&mut Space::default(), name, network),
            }
        }
        spaces
    }

    fn join<'n>(&mut self, space: &mut Space<'n>, name: &'n str, network: &'n ValidNetwork) {
        let id = ObjectId::new(Kind::Network, name);
        for subnet in &network.subnets {
            let home = Home { network: name, gateway: subnet.gateway };
            if let Some((prefix, other)) = space.subnets.insert(subnet.prefix, home) {
                let other = ObjectId::new(Kind::Network, other.network);
                let reason = RoutingReason::SubnetsOverlap { other, prefix };
                self.refuse(id.clone(), "subnet", subnet.prefix.to_string(), reason);
            }
            let Some(gateway) = subnet.gateway else { continue };
            if let Some(other) = space.gateways.get(&gateway) {
                let reason = RoutingReason::GatewayTaken(ObjectId::new(Kind::Network, *other));
                self.refuse(id.clone(), "gateway", gateway.to_string(), reason);
            } else {
                space.gateways.insert(gateway, name);
            }
        }
    }
}
