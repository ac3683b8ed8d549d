//! Networks that are routed.

use std::{collections::BTreeMap, path::Path};

use switch_common::table::gateway::{Gateway, NAME};

use super::Hash;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The table.
pub struct Table(Hash<u32, Gateway>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// All rows.
    pub fn read(&self) -> Result<BTreeMap<u32, Gateway>, DataplaneError> {
        let mut rows = BTreeMap::new();
        self.0.scan(|network, row| rows.extend([(network, row)]))?;
        Ok(rows)
    }

    /// Writes a network's row.
    pub fn set(&mut self, network: u32, row: Gateway) -> Result<(), DataplaneError> {
        self.0.set(&network, row)
    }

    /// Removes it.
    pub fn remove(&mut self, network: u32) -> Result<(), DataplaneError> {
        self.0.remove(&network)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
