//! Drops by port and reason.

use std::path::Path;

use switch_common::{
    shared::Shared,
    table::drops::{Drops, NAME},
    verdict::DropReason,
};
use zerocopy::transmute;

use super::CpuList;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The cells of a row, read as plain numbers.
type Cells = [u64; size_of::<Drops>() / 8];

/// The table.
pub struct Table(CpuList<Cells>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        CpuList::open(NAME, pin).map(Self)
    }

    /// Frames of a slot by reason, the sum over all CPUs, without the reasons that did not occur.
    pub fn read(&self, slot: u32) -> Result<Vec<(DropReason, u64)>, DataplaneError> {
        let rows: Vec<Drops> = self.0.get(slot)?.into_iter().map(|cells| transmute!(cells)).collect();
        let sum = |reason: DropReason| rows.iter().filter_map(|row| row.of(reason)).map(Shared::get).sum();
        let all = DropReason::ALL.iter().map(|reason| (*reason, sum(*reason)));
        Ok(all.filter(|(_, frames)| *frames > 0).collect())
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
