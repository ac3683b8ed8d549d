//! The tables of what the datapath has learned of stations and neighbours, for who keeps them true.

use switch_common::table::{config::Config, epoch, fdb, neighbour};

use super::{
    DataplaneError,
    home::Home,
    table::{self, fdb::now},
};

/// The tables, opened.
pub struct Learned {
    /// Where stations are.
    pub fdb: table::fdb::Table,
    /// Who has which address.
    pub neighbours: table::neighbours::Table,
    /// The age of the configuration.
    pub epoch: table::epoch::Table,
}

impl Learned {
    /// Opens the tables that are in use at this moment.
    ///
    /// # Errors
    /// When one is missing or has another layout.
    pub fn open(home: &Home) -> Result<Self, DataplaneError> {
        Ok(Self {
            fdb: table::fdb::Table::open(&home.sized(fdb::NAME))?,
            neighbours: table::neighbours::Table::open(&home.map(neighbour::NAME))?,
            epoch: table::epoch::Table::open(&home.map(epoch::NAME))?,
        })
    }

    /// The datapath's clock, at most that much behind ours.
    ///
    /// # Errors
    /// When the clock cannot be read.
    pub fn now(&self) -> Result<u64, DataplaneError> {
        Ok(now()?.saturating_sub(Config::BEHIND_NS))
    }
}
