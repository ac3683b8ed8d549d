//! How many entries each port has in a table: a count with two writers, of which the agent is one.
//!
//! The datapath counts what comes and what leaves, the agent what it removes.

use std::collections::BTreeMap;

use switch_common::table::{
    flow::{EXPIRED, OPENINGS, Opening},
    learn::{FORGOTTEN, Learned, NAME},
};
use zerocopy::transmute;

use super::List;
use crate::{
    agent::dataplane::{DataplaneError, home::Home},
    report::TableStatus,
};

/// The cells of a row of the datapath, read as plain numbers: what came, and what left.
type Cells = [u64; 2];

const _: () = assert!(size_of::<Learned>() == size_of::<Cells>());
const _: () = assert!(size_of::<Opening>() == size_of::<Cells>());

/// Both tables: the datapath's, and the agent's.
pub struct Table {
    moved: List<Cells>,
    removed: List<u64>,
}

/// What both sides had counted at one moment.
pub struct Count(BTreeMap<u32, Slot>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    cells: Cells,
    forgotten: u64,
}

/// What was found in the table.
#[derive(Default)]
pub struct Tally {
    /// Entries that are there, by slot.
    pub kept: BTreeMap<u32, u64>,
    /// Entries that the agent removed, by slot.
    pub removed: BTreeMap<u32, u64>,
}

impl Table {
    /// The count of learned stations.
    pub(in super::super) fn stations(home: &Home) -> Result<Self, DataplaneError> {
        Self::open(home, NAME, FORGOTTEN)
    }

    /// The count of half-open flows.
    pub(in super::super) fn half_open(home: &Home) -> Result<Self, DataplaneError> {
        Self::open(home, OPENINGS, EXPIRED)
    }

    fn open(home: &Home, moved: &'static str, removed: &'static str) -> Result<Self, DataplaneError> {
        Ok(Self {
            moved: List::open(moved, &home.map(moved))?,
            removed: List::open(removed, &home.map(removed))?,
        })
    }

    /// What both sides count at this moment.
    pub fn count(&self) -> Result<Count, DataplaneError> {
        let mut slots = BTreeMap::new();
        self.moved.scan(|slot, cells| slots.extend([(slot, Slot { cells, forgotten: 0 })]))?;
        self.removed.scan(|slot, forgotten| {
            if let Some(count) = slots.get_mut(&slot) {
                count.forgotten = forgotten;
            }
        })?;
        Ok(Count(slots))
    }

    /// Makes the counts agree with what was found, given the counts before the search began.
    ///
    /// A slot where the datapath counted meanwhile cannot be compared: there only what was removed
    /// is added, and the next search settles the rest. So an error, such as from an agent that was
    /// killed between a removal and its note, does not outlive the next quiet moment.
    pub fn settle(&mut self, before: &Count, tally: &Tally) -> Result<(), DataplaneError> {
        for (slot, now) in self.count()?.0 {
            let removed = tally.removed.get(&slot).copied().unwrap_or_default();
            let kept = tally.kept.get(&slot).copied().unwrap_or_default();
            let quiet = before.0.get(&slot) == Some(&now);
            let forgotten = if quiet { exact(now.cells, kept) } else { now.forgotten.wrapping_add(removed) };
            if forgotten != now.forgotten {
                self.removed.set(slot, forgotten)?;
            }
        }
        Ok(())
    }

    /// Starts the count of a slot again.
    pub fn zero(&mut self, slot: u32) -> Result<(), DataplaneError> {
        self.moved.set(slot, [0; 2])?;
        self.removed.set(slot, 0)
    }

    /// Sizes of the tables.
    pub fn status(&self) -> Result<[TableStatus; 2], DataplaneError> {
        Ok([self.moved.status()?, self.removed.status()?])
    }
}

/// The number of forgotten entries with which the count is what it is to be.
fn exact(cells: Cells, kept: u64) -> u64 {
    let learned: Learned = transmute!(cells);
    learned.count(0).wrapping_sub(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_number_makes_the_count_true() {
        let cells = [10, 3];
        let learned: Learned = transmute!(cells);
        assert_eq!(learned.count(exact(cells, 5)), 5);
        assert_eq!(learned.count(exact(cells, 9)), 9, "also if entries were there before the count began");
    }
}
