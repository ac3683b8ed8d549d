//! Which devices of a host may be meant for which ports. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::seen::Seen;
use crate::netlink::Device;

/// Ports that may get a device here, each with the names that devices for it have, the best one first.
#[derive(Debug, Default)]
pub(super) struct Candidates<'v> {
    names: BTreeMap<&'v str, Vec<&'v str>>,
    ports: BTreeMap<&'v str, BTreeSet<&'v str>>,
}

impl<'v> Candidates<'v> {
    /// Adds a port whose device has one of these names.
    pub(super) fn add(&mut self, port: &'v str, names: impl IntoIterator<Item = &'v str>) {
        for name in names {
            self.names.entry(port).or_default().push(name);
            self.ports.entry(name).or_default().insert(port);
        }
    }

    /// Adds a port that is known by the device of its configuration, and else by its own name.
    pub(super) fn add_configured(&mut self, port: &'v str, device: Option<&'v str>) {
        self.add(port, device.into_iter().chain([port]));
    }

    /// Ports with devices, by the names by which these are meant for them. Of the ports for which a device may be
    /// meant, `choose` says which one gets it; of several devices a port has the one of the best name.
    pub(super) fn assign<'s, T>(
        &self,
        seen: &Seen,
        devices: impl Iterator<Item = (&'s Device, T)>,
        choose: impl Fn(Vec<&'v str>, T) -> Option<&'v str>,
    ) -> BTreeMap<String, String> {
        let mut best: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (device, fact) in devices {
            let meant = self.meant(device, seen);
            let Some(port) = choose(meant.keys().copied().collect(), fact) else { continue };
            let Some(found) = meant.get(port).copied() else { continue };
            let known = best.entry(port).or_insert(found);
            *known = found.min(*known);
        }
        best.into_iter().map(|(port, (_, name))| (port.to_owned(), name.to_owned())).collect()
    }

    /// The ports that a device may be meant for, each with the best name by which it is, and how good that is. A name
    /// may lead to another device: an alias does, if that has it as its name.
    fn meant(&self, device: &Device, seen: &Seen) -> BTreeMap<&'v str, (usize, &'v str)> {
        let leads = |name: &str| seen.named(name).is_some_and(|found| found.ifindex == device.ifindex);
        let names = device.names().filter(|name| self.ports.contains_key(name.as_str()) && leads(name));
        let names: BTreeSet<&str> = names.map(String::as_str).collect();
        let ports = names.iter().filter_map(|name| self.ports.get(name)).flatten();
        let best = |port: &&'v str| {
            let all = self.names.get(port)?.iter().copied().enumerate();
            Some((*port, all.into_iter().find(|(_, name)| names.contains(name))?))
        };
        ports.filter_map(best).collect()
    }
}
