//! Who is in which group.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{Desired, Group, Port};

/// The members of a group, those of the groups in it among them.
#[derive(Clone, Debug, Default)]
pub struct Members<'a> {
    /// Ports in the order of their names, each once.
    pub ports: Vec<&'a Port>,
    /// Prefixes that were given, each once.
    pub prefixes: Vec<IpNet>,
}

impl Members<'_> {
    /// The addresses of all members, as prefixes of which none is within another.
    pub fn addresses(&self) -> Vec<IpNet> {
        let ips = self.ports.iter().flat_map(|port| &port.ip).copied().map(IpNet::from);
        IpNet::aggregate(&self.prefixes.iter().copied().chain(ips).collect())
    }
}

/// The members of all groups. What a group names and does not exist is left out, as is the last step of
/// a way from a group back to itself.
pub fn members(desired: &Desired) -> BTreeMap<&str, Members<'_>> {
    let labels = Labels::of(desired);
    let mut all: BTreeMap<&str, Members<'_>> = BTreeMap::new();
    for group in Order::of(&desired.groups).inner_first {
        let inner: Vec<&Members<'_>> =
            group.groups.iter().filter_map(|name| all.get(name.as_str())).collect();
        let mut ports: Vec<&Port> = group.ports.iter().filter_map(|name| desired.ports.get(name)).collect();
        ports.extend(labels.select(&group.selector));
        ports.extend(inner.iter().flat_map(|inner| &inner.ports));
        ports.sort_unstable_by_key(|port| port.name.as_str());
        ports.dedup_by_key(|port| port.name.as_str());
        let mut prefixes = group.prefixes.clone();
        prefixes.extend(inner.iter().flat_map(|inner| &inner.prefixes));
        prefixes.sort_unstable();
        prefixes.dedup();
        all.insert(&group.name, Members { ports, prefixes });
    }
    all
}

/// Ports by each of their labels.
struct Labels<'a>(BTreeMap<(&'a str, &'a str), Vec<&'a Port>>);

impl<'a> Labels<'a> {
    fn of(desired: &'a Desired) -> Self {
        let mut all: BTreeMap<_, Vec<&Port>> = BTreeMap::new();
        for port in desired.ports.values() {
            for (key, value) in port.label.iter() {
                all.entry((key.as_str(), value.as_str())).or_default().push(port);
            }
        }
        Self(all)
    }

    /// The ports that have all of these labels; without labels none.
    fn select(&self, selector: &'a BTreeMap<String, String>) -> impl Iterator<Item = &'a Port> {
        let lists = selector.iter().map(|(key, value)| self.0.get(&(key.as_str(), value.as_str())));
        // One that no port has is the shortest list of all.
        let fewest = lists.min_by_key(|ports| ports.map_or(0, Vec::len)).flatten();
        let all = |port: &&&Port| selector.iter().all(|(key, value)| port.label.get(key) == Some(value));
        fewest.into_iter().flatten().filter(all).copied()
    }
}

/// Groups in such an order that each comes after those in it.
#[derive(Default)]
pub(super) struct Order<'a> {
    /// The groups.
    pub(super) inner_first: Vec<&'a Group>,
    /// Ways from a group back to itself, without the group at their end.
    pub(super) cycles: Vec<Vec<&'a str>>,
}

impl<'a> Order<'a> {
    /// The order of these groups.
    pub(super) fn of(groups: &'a BTreeMap<String, Group>) -> Self {
        let (mut order, mut done) = (Self::default(), BTreeSet::new());
        for group in groups.values() {
            order.visit(group, groups, &mut done);
        }
        order
    }

    /// Adds a group and those in it. Groups may be nested more deeply than functions can be.
    fn visit(&mut self, group: &'a Group, groups: &'a BTreeMap<String, Group>, done: &mut BTreeSet<&'a str>) {
        if done.contains(group.name.as_str()) {
            return;
        }
        let mut way = vec![(group, group.groups.iter())];
        let mut open = BTreeSet::from([group.name.as_str()]);
        while let Some((group, rest)) = way.last_mut() {
            let Some(name) = rest.next() else {
                done.insert(&group.name);
                open.remove(group.name.as_str());
                self.inner_first.push(group);
                way.pop();
                continue;
            };
            if open.contains(name.as_str()) {
                let names = way.iter().map(|(group, _)| group.name.as_str());
                self.cycles.push(names.skip_while(|other| other != name).collect());
            } else if let Some(inner) = groups.get(name).filter(|_| !done.contains(name.as_str())) {
                open.insert(&inner.name);
                way.push((inner, inner.groups.iter()));
            }
        }
    }
}
