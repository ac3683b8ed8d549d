//! From an object to those that it needs: what a view has besides the ports that it is for.

use std::sync::Arc;

use super::graph::Question;
use crate::model::{Group, Kind, Network, Object, Policy, Port, Route, Rule, Uplink, VlanList};

/// What an object is in a view for. An object may be in it for several reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Others name it, or are about its addresses.
    Named,
    /// All that belongs to it is needed as well: what a port needs to forward, who a group of peers is.
    Whole,
    /// A group with a port in it that is needed as a whole: its policies apply. The group itself is in the view
    /// only if it is also named.
    Applied,
    /// A port of an overlay network, which frames are sent to wherever it is: in the view with its place if it has
    /// one.
    Placed,
}

/// A way from an object to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Taken if the object is in the view for this.
    pub(super) when: Role,
    /// Where it leads.
    pub(super) to: Target,
    /// What these are in the view for.
    pub(super) role: Role,
}

impl Step {
    /// What it asks.
    pub(super) fn questions(&mut self) -> &mut [Arc<Question>] {
        match &mut self.to {
            Target::One(question) | Target::Selecting(question) => std::slice::from_mut(question),
            Target::All(questions) => questions,
        }
    }
}

/// Where a way leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To whatever answers the question.
    One(Arc<Question>),
    /// To whatever answers all of them.
    All(Vec<Arc<Question>>),
    /// From a port to the groups that answer it and whose selector selects the port's labels.
    Selecting(Arc<Question>),
}

fn step(when: Role, question: Question, role: Role) -> Step {
    Step { when, to: Target::One(Arc::new(question)), role }
}

/// A way that is taken whatever the object is in the view for.
fn named(kind: Kind, name: &str) -> Step {
    step(Role::Named, Question::object(kind, name), Role::Named)
}

/// A way to something that is needed as a whole, from what is needed so itself.
fn whole(kind: Kind, name: &str) -> Step {
    step(Role::Whole, Question::object(kind, name), Role::Whole)
}

/// A way to all that answer a question, from what is needed as a whole.
fn all(question: Question) -> Step {
    let role = question.role();
    step(Role::Whole, question, role)
}

/// Where a view begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    /// What all hosts of an HA group are to know: they may have to take over each other's ports.
    Group(String),
    /// What one host is to know besides: its own uplinks.
    Host(String),
}

impl Root {
    /// The ways that lead on from there.
    pub(super) fn ways(&self) -> Vec<Step> {
        match self {
            Self::Group(group) => vec![
                step(Role::Whole, Question::object(Kind::Switch, ""), Role::Named),
                all(Question::HostsOf(group.clone())),
                all(Question::PortsOf(group.clone())),
                all(Question::UplinksOf(None)),
            ],
            Self::Host(host) => vec![all(Question::UplinksOf(Some(host.clone())))],
        }
    }
}

/// The questions that an object is an answer to, besides the one about itself.
pub(super) fn found_by(object: &Object) -> Vec<Question> {
    match object {
        Object::Host(host) => {
            let tunnels = host.underlay.map(|_| Question::Underlays);
            tunnels.into_iter().chain([Question::HostsOf(host.ha_group.clone())]).collect()
        }
        Object::Network(network) => {
            let router = network.router.clone().map(Question::NetworksOf);
            router.into_iter().chain(network.vlan.map(Question::NetworksIn)).collect()
        }
        Object::Uplink(uplink) if uplink.hosts.is_empty() => vec![Question::UplinksOf(None)],
        Object::Uplink(uplink) => {
            uplink.hosts.iter().map(|host| Question::UplinksOf(Some(host.clone()))).collect()
        }
        Object::Port(port) => {
            let labels = port.label.iter();
            let labels = labels.map(|(key, value)| Question::PortsWith(key.to_owned(), value.to_owned()));
            let network = port.network.clone().map(Question::PortsIn);
            labels.chain(network).collect()
        }
        Object::Route(route) => vec![Question::RoutesOf(route.router.clone())],
        Object::Group(group) => group_found_by(group),
        Object::Policy(policy) => policy.applies_to.clone().map(Question::PoliciesOf).into_iter().collect(),
        Object::Rule(rule) => vec![Question::RulesOf(rule.policy.clone())],
        Object::Switch(_) | Object::Router(_) => Vec::new(),
    }
}

fn group_found_by(group: &Group) -> Vec<Question> {
    let listed = group.ports.iter().cloned().map(Question::GroupsListing);
    let inner = group.groups.iter().cloned().map(Question::GroupsWith);
    let first = group.selector.first_key_value();
    let first = first.map(|(key, value)| Question::GroupsSelecting(key.clone(), value.clone()));
    listed.chain(inner).chain(first).collect()
}

/// The ways that lead on from an object.
pub(super) fn ways(object: &Object) -> Vec<Step> {
    match object {
        Object::Router(router) => {
            vec![all(Question::NetworksOf(router.name.clone())), all(Question::RoutesOf(router.name.clone()))]
        }
        Object::Network(network) => of_network(network),
        Object::Uplink(uplink) => of_uplink(uplink),
        Object::Port(port) => of_port(port),
        Object::Route(route) => of_route(route),
        Object::Group(group) => of_group(group),
        Object::Policy(policy) => of_policy(policy),
        Object::Rule(rule) => of_rule(rule),
        Object::Switch(_) | Object::Host(_) => Vec::new(),
    }
}

/// What an overlay network needs are its ports, and all hosts with tunnels: also one without a port in it sends into
/// it, if it is routed.
fn of_network(network: &Network) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(router) = &network.router {
        steps.extend([named(Kind::Router, router), whole(Kind::Router, router)]);
    }
    if network.vni.is_some() {
        steps.push(all(Question::PortsIn(network.name.clone())));
        steps.push(all(Question::Underlays));
    }
    steps
}

fn of_uplink(uplink: &Uplink) -> Vec<Step> {
    uplink.hosts.iter().map(|host| named(Kind::Host, host)).collect()
}

fn of_port(port: &Port) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(network) = &port.network {
        steps.extend([named(Kind::Network, network), whole(Kind::Network, network)]);
    }
    let vlans = port.trunk.iter().flat_map(VlanList::set).map(|vlan| u32::from(vlan.get()));
    let native = port.native.filter(|_| port.trunk.is_some());
    steps.extend(vlans.chain(native).map(Question::NetworksIn).map(all));
    steps.push(all(Question::GroupsListing(port.name.clone())));
    for (key, value) in port.label.iter() {
        let question = Arc::new(Question::GroupsSelecting(key.to_owned(), value.to_owned()));
        let to = Target::Selecting(question);
        steps.push(Step { when: Role::Whole, to, role: Role::Applied });
    }
    steps
}

fn of_route(route: &Route) -> Vec<Step> {
    vec![named(Kind::Router, &route.router)]
}

fn of_group(group: &Group) -> Vec<Step> {
    let mut steps: Vec<Step> = group.ports.iter().map(|port| named(Kind::Port, port)).collect();
    for inner in &group.groups {
        steps.extend([named(Kind::Group, inner), whole(Kind::Group, inner)]);
    }
    if !group.selector.is_empty() {
        let labels = group.selector.iter();
        let labels = labels.map(|(key, value)| Arc::new(Question::PortsWith(key.clone(), value.clone())));
        steps.push(Step { when: Role::Whole, to: Target::All(labels.collect()), role: Role::Named });
    }
    steps.push(step(Role::Applied, Question::PoliciesOf(group.name.clone()), Role::Whole));
    steps.push(step(Role::Applied, Question::GroupsWith(group.name.clone()), Role::Applied));
    steps
}

fn of_policy(policy: &Policy) -> Vec<Step> {
    let group = policy.applies_to.iter().map(|group| named(Kind::Group, group));
    group.chain([all(Question::RulesOf(policy.name.clone()))]).collect()
}

fn of_rule(rule: &Rule) -> Vec<Step> {
    let peer = rule.peer.group();
    let peer = peer.map(|group| [named(Kind::Group, group), whole(Kind::Group, group)]);
    std::iter::once(named(Kind::Policy, &rule.policy)).chain(peer.into_iter().flatten()).collect()
}
