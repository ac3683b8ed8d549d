//! A whole configuration as users wrote it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    Group, Host, Kind, Network, Object, ObjectId, Policy, Port, Problem, Route, Router, Rule, Switch, Table,
    Uplink, read,
};

/// Objects of a kind of which there are few, by name. Copies share them for as long as they are the same.
pub type Few<T> = Arc<BTreeMap<String, T>>;

/// All objects. Each one is legal JSON and of the right types; whether they fit together is for
/// [`super::validate`] to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Settings of the switch, if they were set.
    pub switch: Option<Switch>,
    /// Routers by name.
    pub routers: Few<Router>,
    /// Networks by name.
    pub networks: Few<Network>,
    /// Hosts by name.
    pub hosts: Few<Host>,
    /// Uplinks by device.
    pub uplinks: Few<Uplink>,
    /// Ports by name. Whatever has the same one shares it.
    pub ports: Table<Arc<Port>>,
    /// Static routes by router and prefix: `r1/10.0.0.0/8`.
    pub routes: Few<Route>,
    /// Groups by name.
    pub groups: Few<Group>,
    /// Policies by name.
    pub policies: Few<Policy>,
    /// Rules by policy and name: `web/https`.
    pub rules: Few<Rule>,
}

impl Desired {
    /// The configuration that these stored documents make up.
    ///
    /// # Errors
    /// Everything that is wrong with their form.
    pub fn from_documents<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Result<Self, Vec<Problem>> {
        let mut desired = Self::default();
        let mut problems = Vec::new();
        for document in documents {
            match read::object(document, "document") {
                Ok(object) => desired.put(object),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(desired) } else { Err(problems) }
    }

    /// Adds an object, or replaces the one of its kind and name.
    pub fn put(&mut self, object: Object) {
        match object {
            Object::Switch(switch) => self.switch = Some(switch),
            Object::Router(router) => put(&mut self.routers, router.name.clone(), router),
            Object::Network(network) => put(&mut self.networks, network.name.clone(), network),
            Object::Host(host) => put(&mut self.hosts, host.name.clone(), host),
            Object::Uplink(uplink) => put(&mut self.uplinks, uplink.name.clone(), uplink),
            Object::Port(port) => drop(self.ports.insert(port.name.clone(), port)),
            Object::Route(route) => put(&mut self.routes, route.id().name, route),
            Object::Group(group) => put(&mut self.groups, group.name.clone(), group),
            Object::Policy(policy) => put(&mut self.policies, policy.name.clone(), policy),
            Object::Rule(rule) => put(&mut self.rules, rule.id().name, rule),
        }
    }

    /// Removes an object; false if there was none.
    pub fn remove(&mut self, id: &ObjectId) -> bool {
        match id.kind {
            Kind::Switch => self.switch.take().is_some(),
            Kind::Router => remove(&mut self.routers, &id.name),
            Kind::Network => remove(&mut self.networks, &id.name),
            Kind::Host => remove(&mut self.hosts, &id.name),
            Kind::Uplink => remove(&mut self.uplinks, &id.name),
            Kind::Port => self.ports.remove(&id.name).is_some(),
            Kind::Route => remove(&mut self.routes, &id.name),
            Kind::Group => remove(&mut self.groups, &id.name),
            Kind::Policy => remove(&mut self.policies, &id.name),
            Kind::Rule => remove(&mut self.rules, &id.name),
        }
    }

    /// The object of this kind and name.
    pub fn get(&self, id: &ObjectId) -> Option<Object> {
        match id.kind {
            Kind::Switch => self.switch.clone().map(Object::Switch),
            Kind::Router => self.routers.get(&id.name).cloned().map(Object::Router),
            Kind::Network => self.networks.get(&id.name).cloned().map(Object::Network),
            Kind::Host => self.hosts.get(&id.name).cloned().map(Object::Host),
            Kind::Uplink => self.uplinks.get(&id.name).cloned().map(Object::Uplink),
            Kind::Port => self.ports.get(&id.name).cloned().map(Object::Port),
            Kind::Route => self.routes.get(&id.name).cloned().map(Object::Route),
            Kind::Group => self.groups.get(&id.name).cloned().map(Object::Group),
            Kind::Policy => self.policies.get(&id.name).cloned().map(Object::Policy),
            Kind::Rule => self.rules.get(&id.name).cloned().map(Object::Rule),
        }
    }

    /// All objects, by kind and name.
    pub fn objects(&self) -> impl Iterator<Item = Object> {
        let switch = self.switch.iter().cloned().map(Object::Switch);
        let routers = self.routers.values().cloned().map(Object::Router);
        let networks = self.networks.values().cloned().map(Object::Network);
        let hosts = self.hosts.values().cloned().map(Object::Host);
        let uplinks = self.uplinks.values().cloned().map(Object::Uplink);
        let ports = self.ports.values().cloned().map(Object::Port);
        let paths = self.routes.values().cloned().map(Object::Route);
        let groups = self.groups.values().cloned().map(Object::Group);
        let policies = self.policies.values().cloned().map(Object::Policy);
        let rules = self.rules.values().cloned().map(Object::Rule);
        let others = paths.chain(groups).chain(policies).chain(rules);
        switch.chain(routers).chain(networks).chain(hosts).chain(uplinks).chain(ports).chain(others)
    }

    /// The devices that are named, each with the object and its field.
    pub fn devices(&self) -> impl Iterator<Item = (&str, ObjectId, &'static str)> {
        let uplinks = self.uplinks.keys();
        let uplinks = uplinks.map(|name| (name.as_str(), ObjectId::new(Kind::Uplink, name), "name"));
        let ports = self.ports.values();
        let ports = ports.filter_map(|port| {
            Some((port.device.as_deref()?, ObjectId::new(Kind::Port, &port.name), "device"))
        });
        uplinks.chain(ports)
    }

    /// Objects that name a device which `before` did not name and which `absent` takes for one that does not exist.
    pub fn missing_devices(
        &self,
        before: &Self,
        absent: impl FnOnce(BTreeSet<String>) -> BTreeSet<String>,
    ) -> Vec<Problem> {
        let known: BTreeSet<&str> = before.devices().map(|(device, ..)| device).collect();
        let new = self.devices().map(|(device, ..)| device).filter(|device| !known.contains(device));
        let absent = absent(new.map(str::to_owned).collect());
        let missing = self.devices().filter(|(device, ..)| absent.contains(*device));
        missing
            .map(|(device, id, field)| Problem::new(id, field, device.into(), super::Reason::NoSuchDevice))
            .collect()
    }
}

fn put<T: Clone>(objects: &mut Few<T>, name: String, object: T) {
    Arc::make_mut(objects).insert(name, object);
}

fn remove<T: Clone>(objects: &mut Few<T>, name: &str) -> bool {
    // What is not there is no reason for a copy.
    objects.contains_key(name) && Arc::make_mut(objects).remove(name).is_some()
}

impl FromIterator<Object> for Desired {
    fn from_iter<I: IntoIterator<Item = Object>>(objects: I) -> Self {
        let mut desired = Self::default();
        for object in objects {
            desired.put(object);
        }
        desired
    }
}
