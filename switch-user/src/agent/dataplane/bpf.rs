//! The dataplane in the kernel.

use std::{collections::BTreeSet, net::IpAddr, path::Path, sync::Arc};

use aya::util::KernelVersion;
use switch_common::table::{
    fdb,
    port::{self, Port},
};

use super::{
    Dataplane, DataplaneError, Sizes,
    home::{self, Home, Tables},
    hook, inventory,
    object::Programs,
    resize, sweep,
};
use crate::{
    agent::{
        diff::Op,
        facts::Facts,
        image::{Holder, Hook, Observed, Routes, Setting},
        plan::Underlay,
    },
    netlink::{owned::Owned, qdisc, request},
};

/// The BPF object; empty if this binary was built without one.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/dvs.bpf.o"));

/// Learned stations that make room at once when a configured one finds the table full.
const EVICTED: usize = 1024;

/// The kernel's tables and hooks, and the settings of its devices.
pub struct Bpf {
    home: Arc<Home>,
    owned: Owned,
    tc: Hook,
    tick_ns: u64,
    loaded: Loaded,
}

/// What was loaded for tables of certain sizes.
struct Loaded {
    sizes: Sizes,
    programs: Programs,
    tables: Tables,
    /// Something of a former version or capacity is still there.
    leftovers: bool,
}

impl Bpf {
    /// Takes possession of a state directory and loads the programs. What is pinned is adopted;
    /// nothing of it is changed.
    ///
    /// # Errors
    /// When the programs or tables cannot be loaded, or the record of settings cannot be read.
    pub fn open(
        state: &Path,
        home: Arc<Home>,
        tc: Option<Hook>,
        sizes: Sizes,
    ) -> Result<Self, DataplaneError> {
        home.make()?;
        let mut owned = Owned::open(&state.join("owned.json"))?;
        if owned.moved() {
            inventory::release_dead_links(&home)?;
        }
        owned.settle()?;
        let loaded = Loaded::load(&home, sizes)?;
        let tick_ns = super::table::fdb::tick()?;
        Ok(Self { home, owned, tc: tc.unwrap_or_else(best_hook), tick_ns, loaded })
    }

    fn name(&mut self, slot: u32, holder: &Holder) -> Result<(), DataplaneError> {
        let tables = &mut self.loaded.tables;
        tables.stats.zero(slot)?;
        tables.drops.zero(slot)?;
        tables.learn.zero(slot)?;
        tables.openings.zero(slot)?;
        tables.hits.forget(slot)?;
        tables.names.give(slot, holder)
    }

    /// Writes the row of a port. Connections may have been there before its firewall.
    fn port(&mut self, ifindex: u32, row: &Port) -> Result<(), DataplaneError> {
        let tables = &mut self.loaded.tables;
        let had_firewall = tables.ports.get(ifindex)?.is_some_and(|row| row.is(port::FIREWALL));
        if row.is(port::FIREWALL) && !had_firewall {
            tables.limits.begin_grace(row.slot)?;
        }
        tables.ports.set(ifindex, row)
    }

    fn set(&mut self, ifindex: u32, setting: Setting, facts: &Facts) -> Result<(), DataplaneError> {
        let device = facts.device(ifindex).ok_or(DataplaneError::NoDevice(ifindex))?;
        Ok(self.owned.change(device, setting)?)
    }
}

impl Loaded {
    fn load(home: &Home, sizes: Sizes) -> Result<Self, DataplaneError> {
        let programs = Programs::load(OBJECT, home, sizes)?;
        let mut tables = home.tables()?;
        tables.epoch.begin()?;
        let versions = home.other_versions()?;
        for version in &versions {
            home.adopt_links(version)?;
        }
        let others = resize::absorb(home, &mut tables)?;
        let leftovers = !others.is_empty() || !versions.is_empty();
        Ok(Self { sizes, programs, tables, leftovers })
    }

    /// Configures a station. What was learned makes room for it.
    fn station(&mut self, home: &Home, key: fdb::Key, ifindex: u32) -> Result<(), DataplaneError> {
        match self.tables.fdb.set(&key, ifindex) {
            Err(DataplaneError::Full { .. }) => {
                self.tables.fdb.evict(EVICTED)?;
                sweep::sweep(home, &mut self.tables)?;
                self.tables.fdb.set(&key, ifindex)
            }
            done => done,
        }
    }
}

impl Dataplane for Bpf {
    fn tc(&self) -> Hook {
        self.tc
    }

    fn tick_ns(&self) -> u64 {
        self.tick_ns
    }

    fn underlay(&mut self, address: IpAddr) -> Result<Underlay, DataplaneError> {
        let ifindex = request::device_of(address)?.ok_or(DataplaneError::NoAddress(address))?;
        let devices = request::devices()?;
        let carrier = devices.iter().find(|device| device.ifindex == ifindex);
        let underlay = Underlay::new(address, 0, carrier.ok_or(DataplaneError::NoAddress(address))?.mtu);
        let device = self.owned.tunnels(underlay.mtu)?;
        Ok(Underlay { device, ..underlay })
    }

    fn no_underlay(&mut self) -> Result<(), DataplaneError> {
        Ok(self.owned.remove_tunnels()?)
    }

    fn prepare(&mut self, sizes: Sizes) -> Result<bool, DataplaneError> {
        // The pins may be gone with their file system, and with them all links.
        if self.loaded.sizes == sizes && self.home.sized(fdb::NAME).exists() {
            return Ok(false);
        }
        self.home.make()?;
        self.loaded = Loaded::load(&self.home, sizes)?;
        Ok(true)
    }

    fn observe(&mut self, facts: &Facts, planned: &Routes) -> Result<Observed, DataplaneError> {
        let clsact = qdisc::clsact_devices()?;
        self.owned.retain(|ifindex| facts.device(ifindex).is_some())?;
        let links = inventory::links(&mut self.loaded.programs, &self.home, facts, &clsact)?;
        let tables = &self.loaded.tables;
        let ports = tables.ports.read()?;
        let (stations, strays) = tables.fdb.read(&ports)?;
        let settings = inventory::settings(&self.owned, facts, &ports, &clsact)?;
        Ok(Observed {
            config: tables.config.read()?,
            names: tables.names.read()?,
            policies: tables.rules.read()?,
            ports,
            stations,
            strays,
            guard: tables.guard.read()?,
            flood: tables.flood.read()?,
            overlay: tables.overlay.read()?,
            gateways: tables.gateways.read()?,
            routes: tables.routes.read(planned)?,
            neighbours: tables.neighbours.read()?,
            links,
            settings,
        })
    }

    fn apply(&mut self, op: &Op, facts: &Facts) -> Result<(), DataplaneError> {
        let Loaded { programs, tables, .. } = &mut self.loaded;
        match op {
            Op::Config(config) => tables.config.write(*config),
            Op::Name(slot, holder) => self.name(*slot, holder),
            Op::Unname(slot) => tables.names.free(*slot),
            Op::Guard(key) => tables.guard.allow(key),
            Op::Unguard(key) => tables.guard.forbid(key),
            Op::Station(key, ifindex) => self.loaded.station(&self.home, *key, *ifindex),
            Op::Unstation(key) => tables.fdb.remove(key),
            Op::Policy(slot, policy) => tables.rules.put(*slot, policy),
            Op::Unpolicy(slot) => tables.rules.remove(*slot),
            Op::Port(ifindex, row) => self.port(*ifindex, row),
            Op::Unport(ifindex) => tables.ports.remove(*ifindex),
            Op::Flood(key, members) => tables.flood.set(key, members),
            Op::Unflood(key) => tables.flood.remove(key),
            Op::Neighbour(key, mac) => tables.neighbours.set(key, *mac),
            Op::Unneighbour(key) => tables.neighbours.remove(key),
            Op::Overlay(key, entry) => tables.overlay.set(key, *entry),
            Op::Unoverlay(key) => tables.overlay.remove(key),
            Op::Gateway(network, row) => tables.gateways.set(*network, *row),
            Op::Ungateway(network) => tables.gateways.remove(*network),
            Op::Target(number, target) => tables.routes.add(*number, target),
            Op::Untarget(number) => tables.routes.remove(*number),
            Op::Routes4(rows) => tables.routes.write4(rows),
            Op::Routes6(rows) => tables.routes.write6(rows),
            Op::Unroutes4(keys) => tables.routes.erase4(keys),
            Op::Unroutes6(keys) => tables.routes.erase6(keys),
            Op::Epoch => self.home.advance(&mut tables.epoch),
            Op::Sweep => sweep::sweep(&self.home, tables).map(drop),
            Op::Set(ifindex, setting) => self.set(*ifindex, *setting, facts),
            Op::Unset(ifindex, _) if facts.device(*ifindex).is_none() => Ok(()),
            Op::Unset(ifindex, setting) => Ok(self.owned.undo(*ifindex, *setting)?),
            Op::Attach(link) => hook::attach(programs, &self.home, *link),
            Op::Replace(link) => hook::replace(programs, &self.home, *link),
            Op::Detach(link) => hook::detach(&self.home, *link),
        }
    }

    fn settle(&mut self) -> Result<(), DataplaneError> {
        if !self.loaded.leftovers {
            return Ok(());
        }
        // Until a moment ago programs may have learned into the old tables.
        let others = resize::absorb(&self.home, &mut self.loaded.tables)?;
        others.iter().try_for_each(|pin| home::remove(pin))?;
        for version in self.home.other_versions()? {
            Home::remove_version(&version)?;
        }
        sweep::sweep(&self.home, &mut self.loaded.tables)?;
        self.loaded.leftovers = false;
        Ok(())
    }
}

fn best_hook() -> Hook {
    let tcx = KernelVersion::current().is_ok_and(|version| version >= KernelVersion::new(6, 6, 0));
    if tcx { Hook::Tcx } else { Hook::Clsact }
}

/// Removes everything of ours from the kernel, and gives devices back the settings that they had.
/// True if there was anything.
///
/// # Errors
/// When something cannot be removed. What could be is removed.
pub fn teardown(state: &Path, home: &Home) -> Result<bool, DataplaneError> {
    let mut owned = Owned::open(&state.join("owned.json"))?;
    if owned.moved() {
        tracing::warn!("settings of devices in another network namespace stay as they are");
    }
    let mounted = home.is_mounted()?;
    if mounted {
        let tables = super::object::pinned_tables(home)?;
        release_filters(&tables)?;
        for (_, pin) in home.pinned_links()? {
            hook::unpin(&pin)?;
        }
    }
    let changed: Vec<(u32, Setting)> = owned.iter().collect();
    for (ifindex, setting) in &changed {
        if nix::net::if_::if_indextoname(*ifindex).is_ok() {
            owned.undo(*ifindex, *setting)?;
        }
    }
    owned.retain(|_| false)?;
    owned.remove_tunnels()?;
    if mounted {
        for version in home.versions()? {
            Home::remove_version(&version)?;
        }
        home.unmount()?;
    }
    Ok(mounted || !changed.is_empty())
}

/// Removes the clsact filters whose programs work on our tables.
fn release_filters(tables: &BTreeSet<u32>) -> Result<(), DataplaneError> {
    for ifindex in qdisc::clsact_devices()? {
        if inventory::has_our_filter(tables, ifindex)? {
            hook::detach_filter(ifindex)?;
        }
    }
    Ok(())
}
