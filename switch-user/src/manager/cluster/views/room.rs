//! What a view takes of the tables of a host, by counting: never less than proving the view would find.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
};

use ipnet::IpNet;
use switch_common::{MAX_PORTS, table::route};

use super::{
    graph::{Entry, Graph},
    ways::Target,
};
use crate::{
    classifier::{fits, most_rows},
    model::{Kind, Network, Object, ObjectId, Peer, Rule, Switch},
};

/// What a view takes besides its ports.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Uplinks, routers and policies: each has a number, as ports have.
    numbered: usize,
    /// Overlay networks, which have such a number too.
    overlays: usize,
    /// Ends of tunnels, this host's among them. If there are overlay networks, each other one has such a number.
    ends: usize,
    /// Prefixes of routers, IPv4 and IPv6.
    prefixes: [usize; 2],
    /// Rules of each policy, and the ranges of addresses, services and source ports that they name.
    policies: BTreeMap<String, [usize; 2]>,
    /// Rows for compiled rules.
    capacity: u32,
}

impl Room {
    /// What these objects take, of which the graph knows who is in the groups that rules name.
    pub(super) fn of<'a>(graph: &Graph, entries: impl Iterator<Item = &'a Arc<Entry>>) -> Self {
        let mut room = Self {
            numbered: 0,
            overlays: 0,
            ends: 0,
            prefixes: [0; 2],
            policies: BTreeMap::new(),
            capacity: Switch::default().rule_capacity,
        };
        let mut peers = Peers { graph, addresses: HashMap::new() };
        for entry in entries {
            room.add(&entry.document.object, &mut peers);
        }
        room
    }

    fn add<'a>(&mut self, object: &'a Object, peers: &mut Peers<'a, '_>) {
        match object {
            Object::Switch(switch) => self.capacity = switch.rule_capacity,
            Object::Router(_) | Object::Uplink(_) => self.numbered += 1,
            Object::Policy(policy) => {
                self.numbered += 1;
                self.policies.entry(policy.name.clone()).or_default();
            }
            Object::Network(network) => self.network(network),
            Object::Host(host) => self.ends += usize::from(host.underlay.is_some()),
            Object::Route(route) => self.prefix(route.prefix.addr()),
            Object::Rule(rule) => {
                let [rules, ranges] = self.policies.entry(rule.policy.clone()).or_default();
                *rules += 1;
                *ranges += self::ranges(rule, peers);
            }
            Object::Port(_) | Object::Group(_) => {}
        }
    }

    fn network(&mut self, network: &Network) {
        self.overlays += usize::from(network.vni.is_some());
        if network.router.is_some() {
            let subnets = network.subnet.iter().map(IpNet::addr);
            for prefix in subnets.chain(network.gateway.iter().copied()) {
                self.prefix(prefix);
            }
        }
    }

    fn prefix(&mut self, address: IpAddr) {
        self.prefixes[usize::from(address.is_ipv6())] += 1;
    }

    /// Rows that each policy has at most.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&String, u32)> {
        let rows =
            |[rules, ranges]: &[usize; 2]| u32::try_from(most_rows(*rules, *ranges)).unwrap_or(u32::MAX);
        self.policies.iter().map(move |(policy, named)| (policy, rows(named)))
    }

    /// True if a host certainly has room for this and so many ports.
    pub(super) fn suffices(&self, ports: usize) -> bool {
        let hosts = if self.overlays > 0 { self.ends } else { 0 };
        let rows = || self.rows().map(|(_, rows)| rows);
        ports + self.numbered + self.overlays + hosts < MAX_PORTS as usize
            && self.prefixes.iter().all(|number| *number <= route::CAPACITY as usize)
            && fits(rows(), rows().max().unwrap_or_default(), self.capacity)
    }
}

/// How many ranges of addresses, services and source ports a rule names at most.
fn ranges<'a>(rule: &'a Rule, peers: &mut Peers<'a, '_>) -> usize {
    let addresses = match &rule.peer {
        Peer::Any => 0,
        Peer::Prefix(_) => 1,
        Peer::Group(group) => peers.addresses(group),
    };
    let services = rule.port.as_ref().map_or(1, |list| list.ranges().len());
    let sources = rule.src_port.as_ref().map_or(0, |list| list.ranges().len());
    addresses + services + sources
}

/// How many addresses there are in the groups that rules name; each group is looked at once.
struct Peers<'a, 'g> {
    graph: &'g Graph,
    addresses: HashMap<&'a str, usize>,
}

impl<'a> Peers<'a, '_> {
    fn addresses(&mut self, group: &'a str) -> usize {
        let graph = self.graph;
        let count = |group: &str| inner(graph, group).into_iter().map(|group| addresses(graph, group)).sum();
        *self.addresses.entry(group).or_insert_with_key(|group| count(group))
    }
}

/// A group, and all that are in it.
fn inner<'g>(graph: &'g Graph, name: &'g str) -> Vec<&'g Entry> {
    let (mut todo, mut seen, mut found) = (vec![name], HashSet::new(), Vec::new());
    while let Some(name) = todo.pop() {
        let Some(entry) = graph.get(&ObjectId::new(Kind::Group, name)) else { continue };
        if let (true, Object::Group(group)) = (seen.insert(name), &entry.document.object) {
            todo.extend(group.groups.iter().map(String::as_str));
            found.push(&**entry);
        }
    }
    found
}

/// How many addresses a group has by itself.
fn addresses(graph: &Graph, entry: &Entry) -> usize {
    let Object::Group(group) = &entry.document.object else { return 0 };
    let listed = group.ports.iter().filter_map(|port| graph.get(&ObjectId::new(Kind::Port, port)));
    let selected = entry.ways.iter().filter_map(|step| match &step.to {
        Target::All(labels) => Some(graph.common(labels).filter_map(|port| graph.get(port))),
        Target::One(_) | Target::Selecting(_) => None,
    });
    let ips = listed
        .chain(selected.flatten())
        .map(|port| if let Object::Port(port) = &port.document.object { port.ip.len() } else { 0 });
    group.prefixes.len() + ips.sum::<usize>()
}
