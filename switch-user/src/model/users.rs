//! Who names an object, and so cannot do without it.

use super::{Desired, Group, Kind, Network, ObjectId, Route, Rule};

impl Desired {
    /// The objects that cannot do without this one.
    pub fn users(&self, id: &ObjectId) -> Vec<ObjectId> {
        match id.kind {
            Kind::Router => self.users_of_router(&id.name),
            Kind::Network => self.users_of_network(&id.name),
            Kind::Port => self.groups_with(|group| group.ports.contains(&id.name)),
            Kind::Group => self.users_of_group(&id.name),
            Kind::Policy => {
                let rules = self.rules.values().filter(|rule| rule.policy == id.name);
                rules.map(Rule::id).collect()
            }
            Kind::Host => {
                let uplinks = self.uplinks.values().filter(|uplink| uplink.hosts.contains(&id.name));
                uplinks.map(|uplink| ObjectId::new(Kind::Uplink, &uplink.name)).collect()
            }
            Kind::Switch | Kind::Uplink | Kind::Route | Kind::Rule => Vec::new(),
        }
    }

    fn users_of_router(&self, name: &str) -> Vec<ObjectId> {
        let networks = self.networks.values().filter(|network| network.router.as_deref() == Some(name));
        let routes = self.routes.values().filter(|route| route.router == name);
        let networks = networks.map(|network| ObjectId::new(Kind::Network, &network.name));
        networks.chain(routes.map(Route::id)).collect()
    }

    fn users_of_network(&self, name: &str) -> Vec<ObjectId> {
        let ports = self.ports.values().filter(|port| port.network.as_deref() == Some(name));
        let ports = ports.map(|port| ObjectId::new(Kind::Port, &port.name));
        ports.chain(self.routes_through(name).map(Route::id)).collect()
    }

    fn users_of_group(&self, name: &str) -> Vec<ObjectId> {
        let mut users = self.groups_with(|group| group.groups.iter().any(|inner| inner == name));
        let policies = self.policies.values().filter(|policy| policy.applies_to.as_deref() == Some(name));
        users.extend(policies.map(|policy| ObjectId::new(Kind::Policy, &policy.name)));
        let rules = self.rules.values().filter(|rule| rule.peer.group() == Some(name));
        users.extend(rules.map(Rule::id));
        users
    }

    fn groups_with(&self, named: impl Fn(&Group) -> bool) -> Vec<ObjectId> {
        let groups = self.groups.values().filter(|group| named(group));
        groups.map(|group| ObjectId::new(Kind::Group, &group.name)).collect()
    }

    /// The routes with a next hop in this network.
    fn routes_through(&self, network: &str) -> impl Iterator<Item = &Route> {
        let network = self.networks.get(network);
        self.routes.values().filter(move |route| {
            let inside = |network: &&Network| {
                let mut subnets = network.subnet.iter();
                subnets.any(|subnet| route.via.iter().any(|hop| subnet.contains(hop)))
            };
            let in_router = |network: &&Network| network.router.as_ref() == Some(&route.router);
            network.filter(in_router).is_some_and(|network| inside(&network))
        })
    }
}
