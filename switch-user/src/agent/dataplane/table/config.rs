//! Settings of the switch.

use std::path::Path;

use switch_common::table::config::{Config, NAME};

use super::List;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The table of one row.
pub struct Table(List<Config>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        List::open(NAME, pin).map(Self)
    }

    /// The settings.
    pub fn read(&self) -> Result<Config, DataplaneError> {
        self.0.get(0)
    }

    /// Replaces the settings.
    pub fn write(&mut self, config: Config) -> Result<(), DataplaneError> {
        self.0.set(0, config)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
