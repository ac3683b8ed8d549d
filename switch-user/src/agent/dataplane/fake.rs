//! A dataplane in memory, which refuses what the kernel would refuse, and more if it is told to.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use switch_common::{
    addr::Mac,
    table::{
        config::Config,
        fdb, flood,
        gateway::Gateway,
        guard, neighbour, overlay,
        port::Port,
        route::{Key4, Key6, Target},
        rules::Row,
    },
};

use super::{
    Dataplane, DataplaneError, Sizes,
    table::pool::{Memory, Pool, Region},
};
use crate::agent::{
    compiled::Compiled,
    diff::Op,
    facts::Facts,
    image::{Holder, Hook, Link, LinkState, Members, Observed, Routes, Setting, SettingState, backs},
    plan::Underlay,
};

/// Rows that are not kept: what matters is where there is room.
struct Nowhere;

impl Memory for Nowhere {
    fn write(&mut self, _: u32, _: &[Row]) -> Result<(), DataplaneError> {
        Ok(())
    }

    fn read(&self, _: Region) -> Result<Vec<Row>, DataplaneError> {
        Ok(Vec::new())
    }

    fn point(&mut self, _: u32, _: u32) -> Result<(), DataplaneError> {
        Ok(())
    }

    fn wait(&mut self) {}
}

/// The tables, hooks and settings of a host that does not exist.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    pub(crate) config: Config,
    pub(crate) names: BTreeMap<u32, Holder>,
    pub(crate) policies: BTreeMap<u32, Arc<Compiled>>,
    /// Where they are.
    pub(in crate::agent) pool: Option<Pool>,
    pub(crate) ports: BTreeMap<u32, Port>,
    pub(crate) fdb: BTreeMap<fdb::Key, (u32, bool)>,
    pub(crate) guard: BTreeSet<guard::Key>,
    pub(crate) flood: BTreeMap<flood::Key, Members>,
    /// Neighbours, and whether they were configured.
    pub(crate) neighbours: BTreeMap<neighbour::Key, (Mac, bool)>,
    pub(crate) overlay: BTreeMap<overlay::Key, overlay::Entry>,
    pub(crate) gateways: BTreeMap<u32, Gateway>,
    pub(crate) routes4: BTreeMap<Key4, u64>,
    pub(crate) routes6: BTreeMap<Key6, u64>,
    pub(crate) targets: BTreeMap<u64, Target>,
    /// How often what was judged was to be judged again.
    pub(crate) epoch: u64,
    pub(crate) links: BTreeMap<Link, LinkState>,
    pub(crate) changed: BTreeSet<(u32, Setting)>,
    pub(crate) sizes: Sizes,
    pub(crate) clsact: bool,
    /// Slots whose counters were zeroed, in order.
    pub(crate) zeroed: Vec<u32>,
    /// Everything that was done, in order.
    pub(crate) log: Vec<Op>,
    /// Devices whose driver has no XDP.
    pub(crate) without_xdp: BTreeSet<u32>,
    /// Whether the next operations fail; when it is used up, none does.
    pub(crate) faults: Vec<bool>,
    /// No device has the address of the host.
    pub(crate) without_address: bool,
    /// There is a device for tunnels.
    pub(crate) tunnels: bool,
}

/// The device for tunnels.
pub(crate) const TUNNELS: u32 = 900;

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
        if facts.device(link.ifindex).is_none() && link.ifindex != TUNNELS {
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

    fn pool(&mut self) -> &mut Pool {
        self.pool.get_or_insert_with(|| Pool::new(self.sizes.rules, BTreeMap::new()))
    }

    fn put(&mut self, slot: u32, policy: &Arc<Compiled>) -> Result<(), DataplaneError> {
        self.pool().put(&mut Nowhere, slot, policy.rows())?;
        self.policies.insert(slot, Arc::clone(policy));
        Ok(())
    }

    /// The routes that are there; the planned ones if they are the same.
    fn routes(&self, planned: &Routes) -> Routes {
        let (v4, v6, targets) = (self.routes4.clone(), self.routes6.clone(), self.targets.clone());
        let routes = Routes { v4: Arc::new(v4), v6: Arc::new(v6), targets: Arc::new(targets) };
        if routes == *planned { planned.clone() } else { routes }
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

    fn underlay(&mut self, address: IpAddr) -> Result<Underlay, DataplaneError> {
        if self.without_address {
            return Err(DataplaneError::NoAddress(address));
        }
        self.tunnels = true;
        Ok(Underlay::new(address, TUNNELS, 1500))
    }

    fn no_underlay(&mut self) -> Result<(), DataplaneError> {
        self.tunnels = false;
        Ok(())
    }

    fn prepare(&mut self, sizes: Sizes) -> Result<bool, DataplaneError> {
        let changed = self.sizes != sizes;
        if changed {
            if self.sizes.rules != sizes.rules {
                self.policies.clear();
                self.pool = None;
            }
            self.sizes = sizes;
            self.fdb.retain(|_, (_, fixed)| !*fixed);
            for state in self.links.values_mut() {
                *state = LinkState::Outdated;
            }
        }
        Ok(changed)
    }

    fn observe(&mut self, facts: &Facts, planned: &Routes) -> Result<Observed, DataplaneError> {
        let mut observed = Observed {
            names: self.names.clone(),
            policies: self.policies.iter().map(|(slot, policy)| (*slot, policy.version())).collect(),
            ports: self.ports.clone(),
            guard: self.guard.clone(),
            flood: self.flood.clone(),
            overlay: self.overlay.clone(),
            gateways: self.gateways.clone(),
            routes: self.routes(planned),
            links: self.links.clone(),
            ..Observed::default()
        };
        observed.config = self.config;
        let fixed = self.neighbours.iter().filter(|(_, (_, fixed))| *fixed);
        observed.neighbours = fixed.map(|(key, (mac, _))| (*key, *mac)).collect();
        for (key, (ifindex, fixed)) in &self.fdb {
            if *fixed {
                observed.stations.insert(*key, *ifindex);
            } else if self.stray(*key, *ifindex) {
                observed.strays += 1;
            }
        }
        for link in observed
            .links
            .iter_mut()
            .filter(|(link, _)| facts.device(link.ifindex).is_none() && link.ifindex != TUNNELS)
        {
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
            Op::Policy(slot, policy) => self.put(*slot, policy)?,
            Op::Unpolicy(slot) => {
                self.pool().remove(&mut Nowhere, *slot)?;
                self.policies.remove(slot);
            }
            Op::Port(ifindex, row) => drop(self.ports.insert(*ifindex, **row)),
            Op::Unport(ifindex) => drop(self.ports.remove(ifindex)),
            Op::Flood(key, members) => drop(self.flood.insert(*key, members.clone())),
            Op::Unflood(key) => drop(self.flood.remove(key)),
            Op::Neighbour(key, mac) => drop(self.neighbours.insert(*key, (*mac, true))),
            Op::Unneighbour(key) => drop(self.neighbours.remove(key)),
            Op::Overlay(key, entry) => drop(self.overlay.insert(*key, *entry)),
            Op::Unoverlay(key) => drop(self.overlay.remove(key)),
            Op::Gateway(network, row) => drop(self.gateways.insert(*network, *row)),
            Op::Ungateway(network) => drop(self.gateways.remove(network)),
            Op::Target(number, target) => drop(self.targets.insert(*number, **target)),
            Op::Untarget(number) => drop(self.targets.remove(number)),
            Op::Routes4(rows) => self.routes4.extend(rows.iter().copied()),
            Op::Routes6(rows) => self.routes6.extend(rows.iter().copied()),
            Op::Unroutes4(keys) => self.routes4.retain(|key, _| !keys.contains(key)),
            Op::Unroutes6(keys) => self.routes6.retain(|key, _| !keys.contains(key)),
            Op::Epoch => self.epoch += 1,
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
