//! Static routes, held against the subnets of their router.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;
use switch_common::table::route::{CAPACITY, HOPS};

use super::{
    Check, Scope,
    network::is_host,
    router::{Space, Spaces},
};
use crate::model::{
    Kind, NextHop, ObjectId, Problem, Route, RoutingReason, ValidNetwork, ValidRoute, ValidRouter,
};

impl Check<'_> {
    /// Gives the routers their routes.
    pub(super) fn routes(&mut self, spaces: &Spaces<'_>, routers: &mut BTreeMap<String, ValidRouter>) {
        let nothing = Space::default();
        for route in self.desired.routes.values() {
            let id = route.id();
            self.host_bits(&id, "prefix", route.prefix);
            self.reference(&id, Some(&route.router));
            // Of an unknown router nothing more can be said.
            let Some(router) = routers.get_mut(&route.router) else { continue };
            let space = spaces.get(route.router.as_str()).unwrap_or(&nothing);
            self.prefix_taken(&id, route, space);
            if let Some(target) = self.target(&id, route, space) {
                router.routes.insert(route.prefix, target);
            }
        }
    }

    /// Notes a route to what the router has itself; of the two, whoever changed is to blame.
    fn prefix_taken(&mut self, id: &ObjectId, route: &Route, space: &Space<'_>) {
        let Some(network) = space.owner(&route.prefix) else { return };
        let prefix = route.prefix.to_string();
        let network = ObjectId::new(Kind::Network, network);
        if self.is_blamed(&network) && !self.is_blamed(id) {
            self.refuse(network, "subnet", prefix, RoutingReason::PrefixTaken(id.clone()));
        } else {
            self.refuse(id.clone(), "prefix", prefix, RoutingReason::PrefixTaken(network));
        }
    }

    /// Where the route leads, if it says so.
    fn target(&mut self, id: &ObjectId, route: &Route, space: &Space<'_>) -> Option<ValidRoute> {
        match (route.via.is_empty(), route.blackhole, route.unreachable) {
            (false, false, false) => Some(ValidRoute::Via(self.next_hops(id, route, space))),
            (true, true, false) => Some(ValidRoute::Blackhole),
            (true, false, true) => Some(ValidRoute::Unreachable),
            (true, false, false) => {
                self.problems.push(Problem::absent(id, "via", RoutingReason::NoTarget.into()));
                None
            }
            (_, _, unreachable) => {
                let field = if unreachable { "unreachable" } else { "blackhole" };
                self.refuse(id.clone(), field, true, RoutingReason::SeveralTargets);
                None
            }
        }
    }

    fn next_hops(&mut self, id: &ObjectId, route: &Route, space: &Space<'_>) -> Vec<NextHop> {
        if route.via.len() > HOPS {
            self.refuse(id.clone(), "via", route.via.len(), RoutingReason::TooMany(HOPS));
        }
        let (mut seen, mut hops) = (BTreeSet::new(), Vec::new());
        for address in route.via.iter().copied() {
            let hop = if seen.insert(address) {
                next_hop(address, route, space)
            } else {
                Err(RoutingReason::NextHopTwice)
            };
            match hop {
                Ok(hop) => hops.push(hop),
                Err(reason) => self.refuse(id.clone(), "via", address.to_string(), reason),
            }
        }
        hops
    }

    /// Notes that the tables would not hold all prefixes.
    pub(super) fn number_of_routes(&mut self, networks: &BTreeMap<String, ValidNetwork>) {
        if self.scope == Scope::Cluster {
            return;
        }
        let routes = self.desired.routes.values().map(|route| route.prefix);
        let numbers = prefixes(networks, routes);
        self.problems.extend(numbers.into_iter().filter_map(too_many));
    }
}

/// How many prefixes of each family the routers have: a subnet is one, and its gateway another.
fn prefixes(networks: &BTreeMap<String, ValidNetwork>, routes: impl Iterator<Item = IpNet>) -> [usize; 2] {
    let subnets = networks.values().filter(|network| network.router.is_some());
    let subnets = subnets.flat_map(|network| &network.subnets);
    let subnets = subnets.flat_map(|subnet| [Some(subnet.prefix), subnet.gateway.map(IpNet::from)]);
    subnets.flatten().chain(routes).fold([0, 0], |[v4, v6], prefix| match prefix {
        IpNet::V4(_) => [v4 + 1, v6],
        IpNet::V6(_) => [v4, v6 + 1],
    })
}

/// What is wrong with so many prefixes of one family.
fn too_many(number: usize) -> Option<Problem> {
    let reason = RoutingReason::TooManyRoutes(number).into();
    (number > CAPACITY as usize).then(|| Problem::absent("the switch", "", reason))
}

fn next_hop(address: IpAddr, route: &Route, space: &Space<'_>) -> Result<NextHop, RoutingReason> {
    if address.is_ipv4() != route.prefix.addr().is_ipv4() {
        return Err(RoutingReason::OtherFamily);
    }
    if let Some(network) = space.gateways.get(&address) {
        return Err(RoutingReason::NextHopIsGateway(ObjectId::new(Kind::Network, *network)));
    }
    match space.subnets.of(address) {
        Some((prefix, _)) if !is_host(address, prefix) => Err(RoutingReason::NotAHost(prefix)),
        Some((_, home)) if home.gateway.is_some() => Ok(NextHop { address, network: home.network.into() }),
        _ => Err(RoutingReason::NotOnLink(route.router.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{samples::from_text, validate};

    #[test]
    fn subnets_gateways_and_routes_take_room() {
        let desired = from_text(
            "- {apiVersion: dvs/v1, kind: Router, name: r1}
- {apiVersion: dvs/v1, kind: Network, name: a, vlan: 1, router: r1, subnet: [10.0.1.0/24, 10.0.2.0/24], gateway: [10.0.1.1]}
- {apiVersion: dvs/v1, kind: Network, name: b, vlan: 2, router: r1, subnet: [\"fd00::/64\"], gateway: [\"fd00::1\"]}
- {apiVersion: dvs/v1, kind: Network, name: c, vlan: 3, subnet: [10.0.3.0/24], gateway: [10.0.3.1]}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: \"::/0\", blackhole: true}",
        );
        let networks = validate(&desired).unwrap().networks;
        let routes = desired.routes.values().map(|route| route.prefix);
        assert_eq!(prefixes(&networks, routes), [3, 3]);
    }

    #[test]
    fn the_tables_have_their_room_and_no_more() {
        let room = CAPACITY as usize;
        assert_eq!(too_many(room), None);
        let reason = RoutingReason::TooManyRoutes(room + 1).into();
        assert_eq!(too_many(room + 1), Some(Problem::absent("the switch", "", reason)));
    }
}
