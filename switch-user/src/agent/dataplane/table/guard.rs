//! Addresses that guarded ports may send from.

use std::{collections::BTreeSet, path::Path};

use switch_common::table::guard::{Key, NAME};

use super::Hash;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The table.
pub struct Table(Hash<Key, u32>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// All rows.
    pub fn read(&self) -> Result<BTreeSet<Key>, DataplaneError> {
        let mut keys = BTreeSet::new();
        self.0.scan(|key, _| keys.extend([key]))?;
        Ok(keys)
    }

    /// Allows an address.
    pub fn allow(&mut self, key: &Key) -> Result<(), DataplaneError> {
        self.0.set(key, 1)
    }

    /// Forbids an address.
    pub fn forbid(&mut self, key: &Key) -> Result<(), DataplaneError> {
        self.0.remove(key)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
