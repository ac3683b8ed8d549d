//! Ports by the index of their device.

use std::{collections::BTreeMap, path::Path};

use switch_common::table::port::{NAME, Port};

use super::Hash;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The table.
pub struct Table(Hash<u32, Port>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// All rows.
    pub fn read(&self) -> Result<BTreeMap<u32, Port>, DataplaneError> {
        let mut rows = BTreeMap::new();
        self.0.scan(|ifindex, row| rows.extend([(ifindex, row)]))?;
        Ok(rows)
    }

    /// Writes the row of a device.
    pub fn set(&mut self, ifindex: u32, row: &Port) -> Result<(), DataplaneError> {
        self.0.set(&ifindex, *row)
    }

    /// Removes the row of a device.
    pub fn remove(&mut self, ifindex: u32) -> Result<(), DataplaneError> {
        self.0.remove(&ifindex)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
