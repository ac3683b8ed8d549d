//! Which station has an IP address.

use std::{collections::BTreeMap, path::Path};

use switch_common::{
    addr::{Mac, MacWord},
    shared::Shared,
    table::neighbour::{Key, NAME, Neighbour, STATIC},
};
use zerocopy::transmute;

use super::Hash;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// An entry, read as plain numbers.
type Cells = [u64; size_of::<Neighbour>() / 8];

/// Learned neighbours that make room at once when a configured one finds the table full.
const EVICTED: usize = 1024;

/// The table.
pub struct Table(Hash<Key, Cells>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// Visits all entries.
    pub fn visit(&self, mut visit: impl FnMut(Key, Neighbour)) -> Result<(), DataplaneError> {
        self.0.scan(|key, cells| visit(key, transmute!(cells)))
    }

    /// What is known of an address.
    pub fn get(&self, key: &Key) -> Result<Option<Neighbour>, DataplaneError> {
        Ok(self.0.get(key)?.map(|cells| transmute!(cells)))
    }

    /// The configured neighbours.
    pub fn read(&self) -> Result<BTreeMap<Key, Mac>, DataplaneError> {
        let mut fixed = BTreeMap::new();
        self.visit(|key, row| {
            if row.is_static() {
                fixed.insert(key, mac(&row).unwrap_or_default());
            }
        })?;
        Ok(fixed)
    }

    /// Configures a neighbour, whatever was known of it. What was learned makes room for it.
    pub fn set(&mut self, key: &Key, mac: Mac) -> Result<(), DataplaneError> {
        let row = Neighbour { mac: Shared::new(mac.word().get()), flags: STATIC, ..Neighbour::default() };
        let cells: Cells = transmute!(row);
        match self.0.set(key, cells) {
            Err(DataplaneError::Full { .. }) => {
                self.evict(EVICTED)?;
                self.0.set(key, cells)
            }
            done => done,
        }
    }

    /// Replaces what was learned of an address.
    pub fn replace(&mut self, key: &Key, row: Neighbour) -> Result<(), DataplaneError> {
        self.0.set(key, transmute!(row))
    }

    /// Removes a neighbour.
    pub fn remove(&mut self, key: &Key) -> Result<(), DataplaneError> {
        self.0.remove(key)
    }

    /// Removes the `count` learned neighbours that were not heard for the longest time.
    fn evict(&mut self, count: usize) -> Result<(), DataplaneError> {
        let mut learned = Vec::new();
        self.visit(|key, row| {
            if !row.is_static() {
                learned.push((row.heard.get(), key));
            }
        })?;
        learned.sort_unstable();
        learned.iter().take(count).try_for_each(|(_, key)| self.0.remove(key))
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}

/// The address of a neighbour, if it is known.
pub fn mac(row: &Neighbour) -> Option<Mac> {
    let mac = MacWord::from_octets(row.mac.get().to_le_bytes()).mac();
    (!mac.is_zero()).then_some(mac)
}
