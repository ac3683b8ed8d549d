//! The forwarding database: configured stations, and those that the datapath learned.

use std::{collections::BTreeMap, path::Path, time::Duration};

use nix::time::{ClockId, clock_getres, clock_gettime};
use switch_common::table::{
    config::Config,
    fdb::{Entry, Key, NAME, STATIC},
    port::Port,
};
use zerocopy::transmute;

use super::{Hash, count::Tally, failed};
use crate::{
    agent::{dataplane::DataplaneError, image::backs},
    report::TableStatus,
};

/// An entry, read as plain numbers.
type Cells = [u64; size_of::<Entry>() / 8];

/// The table.
pub struct Table(Hash<Key, Cells>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// Visits all entries.
    pub fn visit(&self, mut visit: impl FnMut(Key, Entry)) -> Result<(), DataplaneError> {
        self.0.scan(|key, cells| visit(key, transmute!(cells)))
    }

    /// Where a station is.
    pub fn get(&self, key: &Key) -> Result<Option<Entry>, DataplaneError> {
        Ok(self.0.get(key)?.map(|cells| transmute!(cells)))
    }

    /// The configured stations, and how many learned ones no row of `ports` accounts for.
    pub fn read(&self, ports: &BTreeMap<u32, Port>) -> Result<(BTreeMap<Key, u32>, usize), DataplaneError> {
        let (mut stations, mut strays) = (BTreeMap::new(), 0);
        self.visit(|key, entry| {
            if entry.is_static() {
                stations.insert(key, entry.ifindex);
            } else if is_stray(ports, key, &entry) {
                strays += 1;
            }
        })?;
        Ok((stations, strays))
    }

    /// Configures a station, whatever was known of it.
    pub fn set(&mut self, key: &Key, ifindex: u32) -> Result<(), DataplaneError> {
        self.0.set(key, transmute!(Entry { ifindex, flags: STATIC, ..Entry::default() }))
    }

    /// Removes a station.
    pub fn remove(&mut self, key: &Key) -> Result<(), DataplaneError> {
        self.0.remove(key)
    }

    /// Removes the `count` learned stations that were not seen for the longest time.
    pub fn evict(&mut self, count: usize) -> Result<(), DataplaneError> {
        let mut learned = Vec::new();
        self.visit(|key, entry| {
            if !entry.is_static() {
                learned.push((entry.seen.get(), key));
            }
        })?;
        learned.sort_unstable();
        learned.iter().take(count).try_for_each(|(_, key)| self.0.remove(key))
    }

    /// Takes over learned stations of another table, unless more is known of them here. True if all had room.
    pub fn absorb(&mut self, other: &Self) -> Result<bool, DataplaneError> {
        let mut learned = Vec::new();
        other.visit(|key, entry| {
            if !entry.is_static() {
                learned.push((key, entry));
            }
        })?;
        for (key, entry) in learned {
            let known: Option<Entry> = self.0.get(&key)?.map(|cells| transmute!(cells));
            if known.is_some_and(|known| known.is_static() || known.seen.get() >= entry.seen.get()) {
                continue;
            }
            match self.0.set(&key, transmute!(entry)) {
                Err(DataplaneError::Full { .. }) => return Ok(false),
                done => done?,
            }
        }
        Ok(true)
    }

    /// Removes learned stations that were not seen for `ageing_ns`, and those that no row of
    /// `ports` accounts for; says what is left and what was removed.
    pub fn sweep(&mut self, ports: &BTreeMap<u32, Port>, ageing_ns: u64) -> Result<Tally, DataplaneError> {
        // The datapath, whose clock may be behind, decides what is believed; here only room is made.
        let now = now()?.saturating_sub(Config::BEHIND_NS);
        let ends = |key: Key, entry: &Entry| is_stray(ports, key, entry) || !entry.is_fresh(now, ageing_ns);
        let slot = |entry: &Entry| ports.get(&entry.ifindex).map(|port| port.slot);
        let (mut tally, mut ending) = (Tally::default(), Vec::new());
        self.visit(|key, entry| {
            if entry.is_static() {
            } else if ends(key, &entry) {
                ending.push(key);
            } else if let Some(slot) = slot(&entry) {
                *tally.kept.entry(slot).or_default() += 1;
            }
        })?;
        for key in ending {
            // A frame may have come meanwhile, or a configuration.
            let entry: Option<Entry> = self.0.get(&key)?.map(|cells| transmute!(cells));
            let Some(entry) = entry.filter(|entry| !entry.is_static()) else { continue };
            let gone = ends(key, &entry);
            if gone {
                self.0.remove(&key)?;
            }
            let side = if gone { &mut tally.removed } else { &mut tally.kept };
            if let Some(slot) = slot(&entry) {
                *side.entry(slot).or_default() += 1;
            }
        }
        Ok(tally)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}

fn is_stray(ports: &BTreeMap<u32, Port>, key: Key, entry: &Entry) -> bool {
    !ports.get(&entry.ifindex).is_some_and(|port| backs(port, key.network))
}

/// The clock of the datapath, in nanoseconds.
pub fn now() -> Result<u64, DataplaneError> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE);
    let time = time.map_err(|error| failed(NAME, "read the clock for", error))?;
    Ok(nanoseconds(time.into()))
}

/// Nanoseconds between two ticks of that clock.
pub fn tick() -> Result<u64, DataplaneError> {
    let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE);
    Ok(nanoseconds(tick.map_err(|error| failed(NAME, "read the clock for", error))?.into()))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
