//! What stands for overlay networks and other hosts on the underlay.

use std::{collections::BTreeMap, path::Path};

use switch_common::table::overlay::{Entry, Key, NAME};

use super::Hash;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The table.
pub struct Table(Hash<Key, Entry>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// All rows.
    pub fn read(&self) -> Result<BTreeMap<Key, Entry>, DataplaneError> {
        let mut rows = BTreeMap::new();
        self.0.scan(|key, entry| rows.extend([(key, entry)]))?;
        Ok(rows)
    }

    /// Writes a row.
    pub fn set(&mut self, key: &Key, entry: Entry) -> Result<(), DataplaneError> {
        self.0.set(key, entry)
    }

    /// Removes a row.
    pub fn remove(&mut self, key: &Key) -> Result<(), DataplaneError> {
        self.0.remove(key)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
