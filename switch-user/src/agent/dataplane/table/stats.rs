//! Counters of ports.

use std::path::Path;

use switch_common::table::stats::{NAME, Stats};
use zerocopy::transmute;

use super::CpuList;
use crate::{
    agent::dataplane::DataplaneError,
    report::{Counters, TableStatus},
};

/// The cells of a row, read as plain numbers.
type Cells = [u64; size_of::<Stats>() / 8];

/// The table.
pub struct Table(CpuList<Cells>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        CpuList::open(NAME, pin).map(Self)
    }

    /// Counters of a slot, one row a CPU.
    pub fn read(&self, slot: u32) -> Result<Vec<Counters>, DataplaneError> {
        Ok(self.0.get(slot)?.into_iter().map(counters).collect())
    }

    /// Sets all counters of a slot to zero.
    pub fn zero(&mut self, slot: u32) -> Result<(), DataplaneError> {
        self.0.zero(slot)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}

fn counters(cells: Cells) -> Counters {
    let row: Stats = transmute!(cells);
    Counters {
        in_packets: row.in_packets.get(),
        in_bytes: row.in_bytes.get(),
        out_packets: row.out_packets.get(),
        out_bytes: row.out_bytes.get(),
        flooded: row.flooded.get(),
        learned: row.learned.get(),
        moved: row.moved.get(),
        limited: row.limited.get(),
        full: row.full.get(),
        routed: row.routed.get(),
        answered: row.answered.get(),
        limited_errors: row.limited_errors.get(),
        flow_full: row.flow_full.get(),
        hits_full: row.hits_full.get(),
    }
}
