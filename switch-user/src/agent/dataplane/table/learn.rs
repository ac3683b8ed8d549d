//! How many addresses each port has learned: a count with two writers, of which the agent is one.

use std::{collections::BTreeMap, path::Path};

use switch_common::table::learn::{FORGOTTEN, Learned, NAME};
use zerocopy::transmute;

use super::List;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The cells of a row of the datapath, read as plain numbers.
type Cells = [u64; size_of::<Learned>() / 8];

/// Both tables: the datapath's, and the agent's.
pub struct Table {
    learned: List<Cells>,
    forgotten: List<u64>,
}

/// What both sides had counted at one moment.
pub struct Count(BTreeMap<u32, Slot>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    cells: Cells,
    forgotten: u64,
}

/// What was found in the forwarding database.
#[derive(Default)]
pub struct Tally {
    /// Learned entries that are there, by slot.
    pub kept: BTreeMap<u32, u64>,
    /// Entries that the agent removed, by slot.
    pub removed: BTreeMap<u32, u64>,
}

impl Table {
    pub(in super::super) fn open(learned: &Path, forgotten: &Path) -> Result<Self, DataplaneError> {
        Ok(Self { learned: List::open(NAME, learned)?, forgotten: List::open(FORGOTTEN, forgotten)? })
    }

    /// What both sides count at this moment.
    pub fn count(&self) -> Result<Count, DataplaneError> {
        let mut slots = BTreeMap::new();
        self.learned.scan(|slot, cells| slots.extend([(slot, Slot { cells, forgotten: 0 })]))?;
        self.forgotten.scan(|slot, forgotten| {
            if let Some(count) = slots.get_mut(&slot) {
                count.forgotten = forgotten;
            }
        })?;
        Ok(Count(slots))
    }

    /// Makes the counts agree with what was found, given the counts before the search began.
    ///
    /// A slot where the datapath learned meanwhile cannot be compared: there only what was removed
    /// is added, and the next search settles the rest. So an error, such as from an agent that was
    /// killed between a removal and its note, does not outlive the next quiet moment.
    pub fn settle(&mut self, before: &Count, tally: &Tally) -> Result<(), DataplaneError> {
        for (slot, now) in self.count()?.0 {
            let removed = tally.removed.get(&slot).copied().unwrap_or_default();
            let kept = tally.kept.get(&slot).copied().unwrap_or_default();
            let quiet = before.0.get(&slot) == Some(&now);
            let forgotten = if quiet { exact(now.cells, kept) } else { now.forgotten.wrapping_add(removed) };
            if forgotten != now.forgotten {
                self.forgotten.set(slot, forgotten)?;
            }
        }
        Ok(())
    }

    /// Starts the count of a slot again.
    pub fn zero(&mut self, slot: u32) -> Result<(), DataplaneError> {
        self.learned.set(slot, [0; 2])?;
        self.forgotten.set(slot, 0)
    }

    /// Sizes of the tables.
    pub fn status(&self) -> Result<[TableStatus; 2], DataplaneError> {
        Ok([self.learned.status()?, self.forgotten.status()?])
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
