//! A dataplane in memory, which refuses what the kernel would refuse, and more if it is told to.

use std::collections::{BTreeMap, BTreeSet};

use switch_common::table::{config::Config, fdb, flood, guard, port::Port};

use super::{Dataplane, DataplaneError};
use crate::agent::{
    diff::Op,
    facts::Facts,
    image::{Holder, Hook, Link, LinkState, Members, Observed, Setting, SettingState, backs},
};

/// The tables, hooks and settings of a host that does not exist.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) config: Config,
    pub(crate) names: BTreeMap<u32, Holder>,
    pub(crate) ports: BTreeMap<u32, Port>,
    pub(crate) fdb: BTreeMap<fdb::Key, (u32, bool)>,
    pub(crate) guard: BTreeSet<guard::Key>,
    pub(crate) flood: BTreeMap<flood::Key, Members>,
    pub(crate) links: BTreeMap<Link, LinkState>,
    pub(crate) changed: BTreeSet<(u32, Setting)>,
    pub(crate) capacity: u32,
    pub(crate) clsact: bool,
    /// Slots whose counters were zeroed, in order.
    pub(crate) zeroed: Vec<u32>,
    /// Everything that was done, in order.
    pub(crate) log: Vec<Op>,
    /// Devices whose driver has no XDP.
    pub(crate) without_xdp: BTreeSet<u32>,
    /// Whether the next operations fail; when it is used up, none does.
    pub(crate) faults: Vec<bool>,
}

impl Fake {
    /// A station is seen at a device, as the datapath would learn it.
    pub(crate) fn learn(&mut self, key: fdb::Key, ifindex: u32) {
        if self.ports.get(&ifindex).is_some_and(|row| backs(row, key.network)) {
            self.fdb.entry(key).or_insert((ifindex, false));
        }
    }

    fn stray(&self, key: fdb::Key, ifindex: u32) -> bool {
        !self.ports.get(&ifindex).is_some_and(|row| backs(row, key.network))
    }

    fn attach(&mut self, link: Link, facts: &Facts) -> Result<(), DataplaneError> {
        if facts.device(link.ifindex).is_none() {
            return Err(DataplaneError::NoDevice(link.ifindex));
        }
        let other_mode =
            |other: &Link| other.ifindex == link.ifindex && other.hook.is_xdp() && *other != link;
        let busy = link.hook.is_xdp() && self.links.keys().any(other_mode);
        let unprepared = match link.hook {
            Hook::XdpNative => !self.changed.contains(&(link.ifindex, Setting::NoLro)),
            Hook::Clsact => !self.changed.contains(&(link.ifindex, Setting::Clsact)),
            Hook::Tcx | Hook::XdpGeneric => false,
        };
        let unable = link.hook == Hook::XdpNative && self.without_xdp.contains(&link.ifindex);
        if busy || unprepared || unable {
            return Err(refusal("attach to", link));
        }
        self.links.insert(link, LinkState::Current);
        Ok(())
    }

    fn sweep(&mut self) {
        let strays: Vec<fdb::Key> = self
            .fdb
            .iter()
            .filter(|(key, (ifindex, fixed))| !fixed && self.stray(**key, *ifindex))
            .map(|(key, _)| *key)
            .collect();
        for key in strays {
            self.fdb.remove(&key);
        }
    }
}

fn refusal(action: &'static str, link: Link) -> DataplaneError {
    let source = "operation not supported".into();
    DataplaneError::Link { action, device: link.ifindex.to_string(), hook: link.hook, source }
}

impl Dataplane for Fake {
    fn tc(&self) -> Hook {
        if self.clsact { Hook::Clsact } else { Hook::Tcx }
    }

    fn tick_ns(&self) -> u64 {
        4_000_000
    }

    fn prepare(&mut self, capacity: u32) -> Result<bool, DataplaneError> {
        let changed = self.capacity != capacity;
        if changed {
            self.capacity = capacity;
            self.fdb.retain(|_, (_, fixed)| !*fixed);
            for state in self.links.values_mut() {
                *state = LinkState::Outdated;
            }
        }
        Ok(changed)
    }

    fn observe(&mut self, facts: &Facts) -> Result<Observed, DataplaneError> {
        let mut observed = Observed {
            names: self.names.clone(),
            ports: self.ports.clone(),
            guard: self.guard.clone(),
            flood: self.flood.clone(),
            links: self.links.clone(),
            ..Observed::default()
        };
        observed.config = self.config;
        for (key, (ifindex, fixed)) in &self.fdb {
            if *fixed {
                observed.stations.insert(*key, *ifindex);
            } else if self.stray(*key, *ifindex) {
                observed.strays += 1;
            }
        }
        for link in observed.links.iter_mut().filter(|(link, _)| facts.device(link.ifindex).is_none()) {
            *link.1 = LinkState::Dead;
        }
        observed.settings =
            self.changed.iter().map(|at| (*at, SettingState { right: true, ours: true })).collect();
        Ok(observed)
    }

    fn apply(&mut self, op: &Op, facts: &Facts) -> Result<(), DataplaneError> {
        if self.faults.pop().unwrap_or_default() {
            return Err(DataplaneError::Full { table: "fake", capacity: 0 });
        }
        self.log.push(op.clone());
        match op {
            Op::Config(config) => self.config = *config,
            Op::Name(slot, holder) => {
                self.zeroed.push(*slot);
                self.names.insert(*slot, holder.clone());
            }
            Op::Unname(slot) => drop(self.names.remove(slot)),
            Op::Guard(key) => drop(self.guard.insert(*key)),
            Op::Unguard(key) => drop(self.guard.remove(key)),
            Op::Station(key, ifindex) => drop(self.fdb.insert(*key, (*ifindex, true))),
            Op::Unstation(key) => drop(self.fdb.remove(key)),
            Op::Port(ifindex, row) => drop(self.ports.insert(*ifindex, **row)),
            Op::Unport(ifindex) => drop(self.ports.remove(ifindex)),
            Op::Flood(key, members) => drop(self.flood.insert(*key, members.clone())),
            Op::Unflood(key) => drop(self.flood.remove(key)),
            Op::Sweep => self.sweep(),
            Op::Set(ifindex, setting) => drop(self.changed.insert((*ifindex, *setting))),
            Op::Unset(ifindex, setting) => drop(self.changed.remove(&(*ifindex, *setting))),
            Op::Attach(link) => self.attach(*link, facts)?,
            Op::Replace(link) => match self.links.get_mut(link) {
                Some(state) => *state = LinkState::Current,
                None => return Err(refusal("replace the program at", *link)),
            },
            Op::Detach(link) => drop(self.links.remove(link)),
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), DataplaneError> {
        Ok(())
    }
}
