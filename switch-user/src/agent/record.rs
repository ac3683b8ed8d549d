//! What the kernel holds after an operation, without asking it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use switch_common::table::route::Target;

use super::{
    image::{Hook, Link, LinkState, Observed, SettingState},
    op::Op,
};

impl Observed {
    /// Notes that an operation was done.
    pub fn record(&mut self, op: &Op) {
        match op {
            Op::Config(config) => self.config = *config,
            Op::Name(slot, holder) => drop(self.names.insert(*slot, holder.clone())),
            Op::Unname(slot) => drop(self.names.remove(slot)),
            Op::Guard(key) => drop(self.guard.insert(*key)),
            Op::Unguard(key) => drop(self.guard.remove(key)),
            Op::Station(key, ifindex) => drop(self.stations.insert(*key, *ifindex)),
            Op::Unstation(key) => drop(self.stations.remove(key)),
            Op::Policy(slot, policy) => drop(self.policies.insert(*slot, policy.version())),
            Op::Unpolicy(slot) => drop(self.policies.remove(slot)),
            Op::Port(ifindex, row) => drop(self.ports.insert(*ifindex, **row)),
            Op::Unport(ifindex) => drop(self.ports.remove(ifindex)),
            Op::Flood(key, members) => drop(self.flood.insert(*key, members.clone())),
            Op::Unflood(key) => drop(self.flood.remove(key)),
            Op::Neighbour(key, mac) => drop(self.neighbours.insert(*key, *mac)),
            Op::Unneighbour(key) => drop(self.neighbours.remove(key)),
            Op::Overlay(key, entry) => drop(self.overlay.insert(*key, *entry)),
            Op::Unoverlay(key) => drop(self.overlay.remove(key)),
            Op::Gateway(network, row) => drop(self.gateways.insert(*network, *row)),
            Op::Ungateway(network) => drop(self.gateways.remove(network)),
            Op::Target(number, target) => drop(self.targets().insert(*number, **target)),
            Op::Untarget(number) => drop(self.targets().remove(number)),
            Op::Routes4(rows) => Arc::make_mut(&mut self.routes.v4).extend(rows.iter().copied()),
            Op::Routes6(rows) => Arc::make_mut(&mut self.routes.v6).extend(rows.iter().copied()),
            Op::Unroutes4(keys) => forget(&mut self.routes.v4, keys),
            Op::Unroutes6(keys) => forget(&mut self.routes.v6, keys),
            Op::Epoch => {}
            Op::Sweep => self.strays = 0,
            Op::Set(..) | Op::Unset(..) => self.record_setting(op),
            Op::Attach(link) | Op::Replace(link) => drop(self.links.insert(*link, LinkState::Current)),
            Op::Detach(link) => drop(self.links.remove(link)),
        }
    }

    fn targets(&mut self) -> &mut BTreeMap<u64, Target> {
        Arc::make_mut(&mut self.routes.targets)
    }

    /// Whether a changed setting is ours is known to the record of settings; to say so here makes
    /// sure that it is asked when the setting is no longer needed.
    fn record_setting(&mut self, op: &Op) {
        if let Op::Set(ifindex, setting) = op {
            self.settings.insert((*ifindex, *setting), SettingState { right: true, ours: true });
        } else if let Op::Unset(ifindex, setting) = op {
            self.settings.remove(&(*ifindex, *setting));
        }
    }

    /// Links that run the pipeline, of whatever version.
    pub fn alive(&self) -> impl Iterator<Item = Link> {
        self.links.iter().filter(|(_, state)| **state != LinkState::Dead).map(|(link, _)| *link)
    }

    /// Devices that run native XDP.
    pub fn native(&self) -> BTreeSet<u32> {
        self.alive().filter(|link| link.hook == Hook::XdpNative).map(|link| link.ifindex).collect()
    }
}

fn forget<K: Ord + Clone>(routes: &mut Arc<BTreeMap<K, u64>>, keys: &[K]) {
    let routes = Arc::make_mut(routes);
    for key in keys {
        routes.remove(key);
    }
}
