//! What a change may be at odds with, so that not all of a large configuration has to be looked at.
//!
//! There may be a hundred thousand ports, and few of all else: so it is ports that are left out.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::IpAddr,
    sync::Arc,
};

use switch_common::addr::Mac;

use super::{Scope, validate_as};
use crate::model::{Action, Change, Desired, Group, Kind, Port, Problem, Rule, Table, Validated};

/// More changes are looked at with all that there is.
const FEW: usize = 256;

/// Proves a configuration consistent that came about by these changes from one that was. What is not concerned may
/// be left out of the result.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate_part(
    desired: &Desired,
    changes: &[Change],
    scope: Scope,
) -> Result<(Desired, Validated), Vec<Problem>> {
    if let Some(part) = part(desired, changes)
        && let Ok(valid) = validate_as(&part, changes, scope)
    {
        return Ok((part, valid));
    }
    // Who is told of an error is also told of what there is besides.
    Ok((desired.clone(), validate_as(desired, changes, scope)?))
}

/// The configuration without the ports that have nothing to do with the changes; `None` if they may be about all.
fn part(desired: &Desired, changes: &[Change]) -> Option<Desired> {
    let few = changes.len() <= FEW && changes.iter().all(|change| change.kind != Kind::Switch);
    let near = few.then(|| Near::of(desired, changes))?;
    let named = desired.groups.values().flat_map(|group| &group.ports).chain(desired.uplinks.keys());
    let named = named.chain(of_kind(changes, Kind::Port).map(|change| &change.name));
    // What is so at every port is so at any.
    let named = named.chain(desired.ports.keys().next());
    let mut ports: Table<Arc<Port>> =
        named.filter_map(|name| Some((name.clone(), desired.ports.get(name)?.clone()))).collect();
    if !near.is_nobody() {
        for (name, port) in desired.ports.iter().filter(|(_, port)| near.is(port)) {
            ports.insert(name.clone(), Arc::clone(port));
        }
    }
    let Desired { switch, routers, networks, hosts, uplinks, ports: _, routes, groups, policies, rules } =
        desired;
    Some(Desired {
        switch: switch.clone(),
        routers: routers.clone(),
        networks: networks.clone(),
        hosts: hosts.clone(),
        uplinks: uplinks.clone(),
        ports,
        routes: routes.clone(),
        groups: groups.clone(),
        policies: policies.clone(),
        rules: rules.clone(),
    })
}

fn of_kind(changes: &[Change], kind: Kind) -> impl Iterator<Item = &Change> {
    changes.iter().filter(move |change| change.kind == kind)
}

fn names(changes: &[Change], kind: Kind) -> BTreeSet<&str> {
    of_kind(changes, kind).map(|change| change.name.as_str()).collect()
}

/// What ports have that are near to changes.
#[derive(Default)]
struct Near<'a> {
    /// Networks of which all ports are.
    networks: BTreeSet<&'a str>,
    /// Trunks are: which networks they are in depends on VLANs.
    trunks: bool,
    /// What a port cannot share with another one in the same VLAN.
    macs: HashSet<Mac>,
    ips: HashSet<IpAddr>,
    /// Where these are: in networks, or on trunks too.
    places: BTreeSet<&'a str>,
    everywhere: bool,
    /// How ports of these networks take tags: whoever does it in another way is.
    tags: BTreeMap<&'a str, [bool; 2]>,
    /// Groups of which all members are.
    groups: Vec<&'a Group>,
    /// Groups of which those members are that have no address: people are warned of them.
    unknown: Vec<&'a Group>,
}

impl<'a> Near<'a> {
    fn of(desired: &'a Desired, changes: &'a [Change]) -> Self {
        let (mut networks, routers) = (names(changes, Kind::Network), names(changes, Kind::Router));
        let routed = desired
            .networks
            .values()
            .filter(|network| network.router.as_deref().is_some_and(|router| routers.contains(router)));
        networks.extend(routed.map(|network| network.name.as_str()));
        let trunks = !networks.is_empty() || of_kind(changes, Kind::Uplink).next().is_some();
        let mut near = Self { networks, trunks, ..Self::default() };
        for change in of_kind(changes, Kind::Port) {
            if let Some(port) = desired.ports.get(&change.name) {
                near.port(port, change);
            }
        }
        near.firewall(desired, changes);
        near
    }

    fn port(&mut self, port: &'a Port, change: &Change) {
        let differs = |fields: &[&str]| {
            change.action == Action::Create
                || change.fields.iter().any(|field| fields.contains(&field.as_str()))
        };
        let place = differs(&["network", "trunk", "native", "qinq"]);
        if place || differs(&["mac", "ip"]) {
            self.macs.extend(&port.mac);
            self.ips.extend(&port.ip);
            self.places.extend(port.network.as_deref());
            self.everywhere |= port.network.is_none();
        }
        self.trunks |= place && port.trunk.is_some();
        if let Some(network) = port.network.as_deref().filter(|_| place) {
            self.tags.entry(network).or_default()[usize::from(!port.qinq)] = true;
        }
    }

    /// Groups whose members decide what policies and rules mean.
    fn firewall(&mut self, desired: &'a Desired, changes: &'a [Change]) {
        let ports = of_kind(changes, Kind::Port).filter_map(|change| desired.ports.get(&change.name));
        let ports: Vec<&Port> = ports.map(|port| &**port).collect();
        let has = |group: &&Group| ports.iter().any(|port| is_member(port, group));
        let with_them = desired.groups.values().filter(has).map(|group| group.name.as_str());
        let joined = outer(desired, with_them.collect());
        let renewed = outer(desired, names(changes, Kind::Group));
        let (policies, rules) = (names(changes, Kind::Policy), names(changes, Kind::Rule));
        let is_concerned = |(name, rule): &(&'a String, &'a Rule)| {
            let peer = rule.peer.group();
            let peer = peer.is_some_and(|group| joined.contains(group) || renewed.contains(group));
            peer || rules.contains(name.as_str())
        };
        let concerned = desired.rules.iter().filter(is_concerned).map(|(_, rule)| rule);
        let concerned: Vec<&Rule> = concerned.collect();
        let applied = desired.policies.values().filter(|policy| policies.contains(policy.name.as_str()));
        let applied = applied.filter_map(|policy| policy.applies_to.as_deref());
        let peers = rivals(desired, &concerned).into_iter().filter_map(|rule| rule.peer.group());
        self.groups = inner(desired, renewed.iter().copied().chain(applied).chain(peers));
        self.unknown = inner(desired, concerned.iter().filter_map(|rule| rule.peer.group()));
    }

    /// True if no port is near but those that changed.
    fn is_nobody(&self) -> bool {
        let Self { networks, trunks, macs, ips, places: _, everywhere: _, tags, groups, unknown } = self;
        let alone = networks.is_empty() && !trunks && macs.is_empty() && ips.is_empty() && tags.is_empty();
        alone && groups.is_empty() && unknown.is_empty()
    }

    /// True if a port may be in a VLAN with one whose addresses or place have changed.
    fn meets(&self, port: &Port) -> bool {
        let place = port.network.as_deref();
        self.everywhere || port.trunk.is_some() || place.is_some_and(|network| self.places.contains(network))
    }

    fn has_address_of(&self, port: &Port) -> bool {
        port.mac.iter().any(|mac| self.macs.contains(mac)) || port.ip.iter().any(|ip| self.ips.contains(ip))
    }

    fn is(&self, port: &Port) -> bool {
        let network = port.network.as_deref();
        let tag = network.and_then(|network| self.tags.get(network));
        network.is_some_and(|network| self.networks.contains(network))
            || (self.trunks && port.trunk.is_some())
            || (self.meets(port) && self.has_address_of(port))
            || tag.is_some_and(|others| others[usize::from(port.qinq)])
            || self.groups.iter().any(|group| is_member(port, group))
            || (port.ip.is_empty() && self.unknown.iter().any(|group| is_member(port, group)))
    }
}

/// True for a member by its labels. Those by their names are looked at in any case.
fn is_member(port: &Port, group: &Group) -> bool {
    port.label.are_selected_by(&group.selector) || group.ports.contains(&port.name)
}

/// The groups of these names, and those that they are in.
fn outer<'a>(desired: &'a Desired, mut found: BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut todo: Vec<&str> = found.iter().copied().collect();
    while let Some(name) = todo.pop() {
        let around = desired.groups.values().filter(|group| group.groups.iter().any(|inner| inner == name));
        todo.extend(around.map(|group| group.name.as_str()).filter(|name| found.insert(name)));
    }
    found
}

/// The groups of these names, and those in them.
fn inner<'a>(desired: &'a Desired, names: impl Iterator<Item = &'a str>) -> Vec<&'a Group> {
    let mut found: BTreeMap<&str, &Group> = BTreeMap::new();
    let mut todo: Vec<&str> = names.collect();
    while let Some(name) = todo.pop() {
        let Some(group) = desired.groups.get(name) else { continue };
        if found.insert(name, group).is_none() {
            todo.extend(group.groups.iter().map(String::as_str));
        }
    }
    found.into_values().collect()
}

/// The rules with the priority of one of these, and these, in policies where several have it: which packets they have
/// in common depends on their peers.
fn rivals<'a>(desired: &'a Desired, concerned: &[&Rule]) -> Vec<&'a Rule> {
    let wanted: BTreeSet<(&str, u32)> =
        concerned.iter().map(|rule| (rule.policy.as_str(), rule.priority)).collect();
    let mut found: BTreeMap<(&str, u32), Vec<&Rule>> = BTreeMap::new();
    for rule in desired.rules.values() {
        let key = (rule.policy.as_str(), rule.priority);
        if wanted.contains(&key) {
            found.entry(key).or_default().push(rule);
        }
    }
    found.into_values().filter(|rules| rules.len() > 1).flatten().collect()
}

#[cfg(test)]
mod tests;
