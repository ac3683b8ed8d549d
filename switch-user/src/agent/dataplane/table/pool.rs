//! Which rows of the table of rules belong to which policy.
//!
//! A new version of a policy is written beside the old one, into the first gap that has room for it, and
//! then the policy's pointer is switched over. The rows of the old version become a gap when no program
//! looks at them any more.
//!
//! No version may be moved onto its own rows, so gaps that are too small for what lies behind them could
//! not be brought together. Therefore one gap is always kept that the largest policy fits into: through it
//! any policy gets to the other side of a small gap. Whoever keeps to [`fits`](crate::classifier::fits)
//! finds room, however often policies come, grow and go.

use std::collections::BTreeMap;

use switch_common::table::rules::Row;

use crate::agent::dataplane::DataplaneError;

/// Rows in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::agent) struct Region {
    /// The first of them.
    pub(in crate::agent) first: u32,
    /// How many they are.
    pub(in crate::agent) rows: u32,
}

impl Region {
    /// The row behind them.
    const fn end(self) -> u32 {
        self.first.saturating_add(self.rows)
    }
}

/// The rows and pointers themselves.
pub(in crate::agent) trait Memory {
    /// Writes rows.
    fn write(&mut self, first: u32, rows: &[Row]) -> Result<(), DataplaneError>;
    /// Reads rows.
    fn read(&self, region: Region) -> Result<Vec<Row>, DataplaneError>;
    /// Lets a policy begin at this row; 0 for none.
    fn point(&mut self, slot: u32, first: u32) -> Result<(), DataplaneError>;
    /// Waits until nobody looks at what no pointer leads to.
    fn wait(&mut self);
}

/// Who has which rows.
#[derive(Clone)]
pub(in crate::agent) struct Pool {
    capacity: u32,
    /// Regions of policies, by slot.
    regions: BTreeMap<u32, Region>,
    /// Regions that somebody may still look at.
    retired: Vec<Region>,
    /// A former agent may have retired some just now.
    inherited: bool,
}

impl Pool {
    /// A pool of so many rows, of which the first is never used, with the policies that are there.
    pub(in crate::agent) const fn new(capacity: u32, regions: BTreeMap<u32, Region>) -> Self {
        Self { capacity, regions, retired: Vec::new(), inherited: true }
    }

    /// Writes a policy.
    pub(in crate::agent) fn put(
        &mut self,
        memory: &mut impl Memory,
        slot: u32,
        rows: &[Row],
    ) -> Result<(), DataplaneError> {
        let needed = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let Some(first) = self.room(memory, needed)? else { return Err(self.full(needed)) };
        self.place(memory, slot, Region { first, rows: needed }, rows)
    }

    /// Removes a policy.
    pub(in crate::agent) fn remove(
        &mut self,
        memory: &mut impl Memory,
        slot: u32,
    ) -> Result<(), DataplaneError> {
        memory.point(slot, 0)?;
        self.retired.extend(self.regions.remove(&slot));
        Ok(())
    }

    /// The first row of a gap for so many rows, which is made if all gaps together have room.
    fn room(&mut self, memory: &mut impl Memory, rows: u32) -> Result<Option<u32>, DataplaneError> {
        loop {
            if self.inherited {
                memory.wait();
                self.inherited = false;
            } else if let Some(first) = self.careful_gap(rows) {
                return Ok(Some(first));
            } else if !self.retired.is_empty() {
                memory.wait();
                self.retired.clear();
            } else if self.free() < rows || !self.bring_together(memory)? {
                return Ok(self.gap(rows));
            }
        }
    }

    /// The first gap for so many rows beside which there still is one for the largest policy.
    fn careful_gap(&self, rows: u32) -> Option<u32> {
        let largest = self.regions.values().map(|region| region.rows).max().unwrap_or_default().max(rows);
        let gaps = self.gaps();
        let found = gaps.iter().find(|gap| {
            let left = gap.rows.checked_sub(rows);
            let other = gaps.iter().any(|other| other != *gap && other.rows >= largest);
            left.is_some_and(|left| other || left >= largest)
        });
        found.map(|gap| gap.first)
    }

    /// Moves a policy towards the first row. False if all gaps are one, or no policy can be moved.
    fn bring_together(&mut self, memory: &mut impl Memory) -> Result<bool, DataplaneError> {
        if let Some((slot, region, first)) = self.next_move() {
            self.shift(memory, slot, region, first)?;
            return Ok(true);
        }
        let Some((slot, region, first, through)) = self.next_detour() else { return Ok(false) };
        self.shift(memory, slot, region, through)?;
        memory.wait();
        self.retired.clear();
        self.shift(memory, slot, Region { first: through, ..region }, first)?;
        Ok(true)
    }

    /// Moves a policy.
    fn shift(
        &mut self,
        memory: &mut impl Memory,
        slot: u32,
        from: Region,
        first: u32,
    ) -> Result<(), DataplaneError> {
        let content = memory.read(from)?;
        self.place(memory, slot, Region { first, ..from }, &content)
    }

    /// Writes a version of a policy into a gap and switches over.
    fn place(
        &mut self,
        memory: &mut impl Memory,
        slot: u32,
        region: Region,
        rows: &[Row],
    ) -> Result<(), DataplaneError> {
        memory.write(region.first, rows)?;
        memory.point(slot, region.first)?;
        self.retired.extend(self.regions.insert(slot, region));
        Ok(())
    }

    /// The first policy that fits into a gap before it, and the first row of that.
    fn next_move(&self) -> Option<(u32, Region, u32)> {
        self.in_order().into_iter().find_map(|(region, slot)| {
            let first = self.gap(region.rows).filter(|first| *first < region.first)?;
            Some((slot, region, first))
        })
    }

    /// The policy behind the first gap, the first row of that, and of a gap that it fits into.
    fn next_detour(&self) -> Option<(u32, Region, u32, u32)> {
        let hole = self.gaps().into_iter().next()?;
        let (region, slot) = self.in_order().into_iter().find(|(region, _)| region.first == hole.end())?;
        Some((slot, region, hole.first, self.gap(region.rows)?))
    }

    /// Where policies are, with their slots.
    fn in_order(&self) -> Vec<(Region, u32)> {
        let mut regions: Vec<(Region, u32)> =
            self.regions.iter().map(|(slot, region)| (*region, *slot)).collect();
        regions.sort_unstable();
        regions
    }

    /// The first row of the first gap that has room for so many rows.
    fn gap(&self, rows: u32) -> Option<u32> {
        self.gaps().into_iter().find(|gap| gap.rows >= rows).map(|gap| gap.first)
    }

    /// All gaps, in their order.
    fn gaps(&self) -> Vec<Region> {
        let mut taken: Vec<Region> = self.regions.values().chain(&self.retired).copied().collect();
        taken.sort_unstable();
        let (mut gaps, mut first) = (Vec::new(), 1);
        for region in taken {
            if region.first > first {
                gaps.push(Region { first, rows: region.first - first });
            }
            first = first.max(region.end());
        }
        if self.capacity > first {
            gaps.push(Region { first, rows: self.capacity - first });
        }
        gaps
    }

    /// Rows that nobody has.
    fn free(&self) -> u32 {
        self.gaps().iter().map(|gap| gap.rows).sum()
    }

    fn full(&self, needed: u32) -> DataplaneError {
        let largest = self.gaps().iter().map(|gap| gap.rows).max().unwrap_or_default();
        DataplaneError::NoRules { needed, free: self.free(), largest, capacity: self.capacity }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::classifier::fits;

    const CAPACITY: u32 = 64;

    /// Rows that refuse to be written while somebody may look at them.
    struct Fake {
        rows: Vec<Row>,
        heads: BTreeMap<u32, Region>,
        /// What programs may still look at.
        seen: Vec<Region>,
        waits: usize,
    }

    impl Fake {
        fn new() -> Self {
            let rows = vec![Row::default(); CAPACITY as usize];
            Self { rows, heads: BTreeMap::new(), seen: Vec::new(), waits: 0 }
        }

        fn content(&self, slot: u32) -> Option<Vec<Row>> {
            self.heads.get(&slot).map(|region| self.read(*region).unwrap())
        }

        /// Says in its first row how many rows a policy has.
        fn region(&self, first: u32) -> Region {
            Region { first, rows: u32::try_from(self.rows[first as usize].0[0]).unwrap() }
        }
    }

    impl Memory for Fake {
        fn write(&mut self, first: u32, rows: &[Row]) -> Result<(), DataplaneError> {
            let new = Region { first, rows: u32::try_from(rows.len()).unwrap() };
            assert!(first > 0 && new.end() <= CAPACITY, "{new:?}");
            for other in self.heads.values().chain(&self.seen) {
                assert!(new.end() <= other.first || other.end() <= new.first, "{new:?} {other:?}");
            }
            self.rows[first as usize..new.end() as usize].copy_from_slice(rows);
            Ok(())
        }

        fn read(&self, region: Region) -> Result<Vec<Row>, DataplaneError> {
            Ok(self.rows[region.first as usize..region.end() as usize].to_vec())
        }

        fn point(&mut self, slot: u32, first: u32) -> Result<(), DataplaneError> {
            self.seen.extend(self.heads.remove(&slot));
            if first != 0 {
                self.heads.insert(slot, self.region(first));
            }
            Ok(())
        }

        fn wait(&mut self) {
            self.seen.clear();
            self.waits += 1;
        }
    }

    /// A policy of so many rows, which are different from those of others.
    fn policy(rows: u32, mark: u32) -> Vec<Row> {
        (0..rows)
            .map(|row| Row([rows.into(), mark.into(), row.into(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
            .collect()
    }

    /// What is written to which slot: no rows to remove it. Now and then the agent is restarted.
    fn steps() -> impl Strategy<Value = Vec<(u32, u32, bool)>> {
        vec((1u32..6, 0u32..30, prop::bool::weighted(0.1)), 1..60)
    }

    proptest! {
        /// The memory refuses what overlaps. Whoever has kept to what fits finds room for what does.
        #[test]
        fn policies_are_what_was_written_last(steps in steps(), careful: bool) {
            let (mut memory, mut pool) = (Fake::new(), Pool::new(CAPACITY, BTreeMap::new()));
            let mut expected: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
            for (mark, (slot, rows, restart)) in (0..).zip(steps) {
                if restart {
                    pool = Pool::new(CAPACITY, memory.heads.clone());
                }
                let others = memory.heads.values().map(|region| region.rows);
                if careful && !fits(others, rows, CAPACITY) {
                    continue;
                }
                if rows == 0 {
                    pool.remove(&mut memory, slot).unwrap();
                    expected.remove(&slot);
                } else {
                    let policy = policy(rows, mark);
                    match pool.put(&mut memory, slot, &policy) {
                        Ok(()) => drop(expected.insert(slot, policy)),
                        Err(DataplaneError::NoRules { needed, largest, .. }) => {
                            prop_assert!(!careful && largest < needed);
                        }
                        Err(error) => return Err(TestCaseError::fail(error.to_string())),
                    }
                }
                for slot in 1..6 {
                    prop_assert_eq!(memory.content(slot), expected.get(&slot).cloned());
                }
                prop_assert_eq!(&pool.regions, &memory.heads);
            }
        }
    }

    #[test]
    fn gaps_are_brought_together_when_none_is_large_enough() {
        let (mut memory, mut pool) = (Fake::new(), Pool::new(CAPACITY, BTreeMap::new()));
        for slot in 1..=6 {
            pool.put(&mut memory, slot, &policy(10, slot)).unwrap();
        }
        for slot in [1, 3, 5] {
            pool.remove(&mut memory, slot).unwrap();
        }
        pool.put(&mut memory, 7, &policy(30, 7)).unwrap();
        assert_eq!(pool.regions[&7], Region { first: 31, rows: 30 });
        for slot in [2, 4, 6] {
            assert_eq!(memory.content(slot), Some(policy(10, slot)));
        }
    }

    #[test]
    fn a_policy_gets_to_the_other_side_of_a_gap_that_is_smaller() {
        let (mut memory, mut pool) = (Fake::new(), Pool::new(CAPACITY, BTreeMap::new()));
        for (slot, rows) in [(1, 7), (2, 14), (3, 14)] {
            pool.put(&mut memory, slot, &policy(rows, slot)).unwrap();
        }
        pool.remove(&mut memory, 1).unwrap();
        // 35 rows are free, 28 of them in one piece: for it, and for the largest one.
        pool.put(&mut memory, 4, &policy(15, 4)).unwrap();
        assert_eq!([2, 3, 4].map(|slot| pool.regions[&slot].first), [1, 15, 29]);
        for (slot, rows) in [(2, 14), (3, 14), (4, 15)] {
            assert_eq!(memory.content(slot), Some(policy(rows, slot)));
        }
    }

    #[test]
    fn without_room_the_old_version_stays_and_the_numbers_are_told() {
        let (mut memory, mut pool) = (Fake::new(), Pool::new(CAPACITY, BTreeMap::new()));
        pool.put(&mut memory, 1, &policy(40, 1)).unwrap();
        let error = pool.put(&mut memory, 1, &policy(41, 2)).unwrap_err();
        let numbers = DataplaneError::NoRules { needed: 41, free: 23, largest: 23, capacity: 64 };
        assert_eq!(error.to_string(), numbers.to_string());
        assert_eq!(memory.content(1), Some(policy(40, 1)));
    }

    #[test]
    fn many_policies_are_written_without_a_wait_each() {
        let (mut memory, mut pool) = (Fake::new(), Pool::new(CAPACITY, BTreeMap::new()));
        for round in 0..3 {
            for slot in 1..=5 {
                pool.put(&mut memory, slot, &policy(3, round)).unwrap();
            }
        }
        assert_eq!(memory.waits, 1, "only for what a former agent may have left");
    }
}
