//! The tables in memory.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use switch_common::{
    shared::Shared,
    table::{config, drops, fdb, flood, guard, learn, port, stats},
    verdict::DropReason,
};
use switch_ebpf::tables::{Learning, Tables};
use switch_user::agent::image::{Members, TableImage};

/// Rows never move once they are there: the pipeline holds references into the table.
type Leaked<T> = &'static T;

/// Tables that behave like the kernel's.
pub struct MemTables {
    config: config::Config,
    ports: BTreeMap<u32, port::Port>,
    guard: BTreeSet<guard::Key>,
    flood: BTreeMap<flood::Key, flood::Chunk>,
    fdb: RefCell<BTreeMap<fdb::Key, Leaked<fdb::Entry>>>,
    /// Most rows of the forwarding database.
    pub fdb_capacity: usize,
    /// The clock.
    pub now: Cell<u64>,
    learned: BTreeMap<u32, learn::Learned>,
    stats: BTreeMap<u32, stats::Stats>,
    drops: BTreeMap<u32, drops::Drops>,
}

impl MemTables {
    /// Tables with the rows of an image.
    pub fn new(image: &TableImage) -> Self {
        let slots = || image.ports.values().map(|port| port.slot).chain([0]);
        let station =
            |ifindex: &u32| fdb::Entry { ifindex: *ifindex, flags: fdb::STATIC, seen: Shared::default() };
        let stations = image.stations.iter().map(|(key, ifindex)| (*key, leak(station(ifindex))));
        Self {
            config: image.config,
            ports: image.ports.clone(),
            guard: image.guard.clone(),
            flood: image.flood.iter().map(|(key, members)| (*key, chunk(members))).collect(),
            fdb: RefCell::new(stations.collect()),
            fdb_capacity: 1024,
            now: Cell::new(1),
            learned: slots().map(|slot| (slot, learn::Learned::default())).collect(),
            stats: slots().map(|slot| (slot, stats::Stats::default())).collect(),
            drops: slots().map(|slot| (slot, drops::Drops::default())).collect(),
        }
    }

    /// How many frames were dropped for this reason in this slot.
    pub fn dropped(&self, slot: u32, reason: DropReason) -> u64 {
        self.drops.get(&slot).and_then(|drops| drops.of(reason)).map_or(0, Shared::get)
    }

    /// Where a station is believed to be.
    pub fn at(&self, key: fdb::Key) -> Option<u32> {
        self.station(&key).map(|entry| entry.ifindex)
    }
}

fn leak<T>(value: T) -> Leaked<T> {
    Box::leak(Box::new(value))
}

/// Members as the kernel has them.
pub fn chunk(members: &Members) -> flood::Chunk {
    let mut chunk = flood::Chunk {
        untagged: u16::try_from(members.untagged.len()).unwrap_or_default(),
        total: u16::try_from(members.untagged.len() + members.tagged.len()).unwrap_or_default(),
        last: members.last,
        ..flood::Chunk::default()
    };
    for (member, ifindex) in chunk.members.iter_mut().zip(members.untagged.iter().chain(&members.tagged)) {
        *member = *ifindex;
    }
    chunk
}

impl Tables for MemTables {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn config(&self) -> Option<&config::Config> {
        Some(&self.config)
    }

    fn port(&self, ifindex: u32) -> Option<&port::Port> {
        self.ports.get(&ifindex)
    }

    fn station(&self, key: &fdb::Key) -> Option<&fdb::Entry> {
        self.fdb.borrow().get(key).copied()
    }

    fn learn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning {
        let mut fdb = self.fdb.borrow_mut();
        if fdb.contains_key(key) {
            return Learning::Raced;
        }
        if fdb.len() >= self.fdb_capacity {
            return Learning::Full;
        }
        fdb.insert(*key, leak(entry.clone()));
        Learning::Done
    }

    fn relearn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning {
        match self.fdb.borrow_mut().get_mut(key) {
            Some(row) => {
                *row = leak(entry.clone());
                Learning::Done
            }
            None => Learning::Raced,
        }
    }

    fn learned(&self, slot: u32) -> Option<&learn::Learned> {
        self.learned.get(&slot)
    }

    fn forgotten(&self, _slot: u32) -> u64 {
        0
    }

    fn may_send(&self, key: &guard::Key) -> bool {
        self.guard.contains(key)
    }

    fn members(&self, key: &flood::Key) -> Option<&flood::Chunk> {
        self.flood.get(key)
    }

    fn stats(&self, slot: u32) -> Option<&stats::Stats> {
        self.stats.get(&slot)
    }

    fn drops(&self, slot: u32) -> Option<&drops::Drops> {
        self.drops.get(&slot)
    }
}
