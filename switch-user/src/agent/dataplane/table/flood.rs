//! Members of networks.

use std::{collections::BTreeMap, path::Path};

use switch_common::table::flood::{CHUNK, Chunk, Key, NAME};

use super::Hash;
use crate::{
    agent::{dataplane::DataplaneError, image::Members},
    report::TableStatus,
};

/// The table.
pub struct Table(Hash<Key, Chunk>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// All rows.
    pub fn read(&self) -> Result<BTreeMap<Key, Members>, DataplaneError> {
        let mut rows = BTreeMap::new();
        self.0.scan(|key, chunk| rows.extend([(key, members(&chunk))]))?;
        Ok(rows)
    }

    /// Writes a chunk.
    pub fn set(&mut self, key: &Key, members: &Members) -> Result<(), DataplaneError> {
        self.0.set(key, chunk(members))
    }

    /// Removes a chunk.
    pub fn remove(&mut self, key: &Key) -> Result<(), DataplaneError> {
        self.0.remove(key)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}

fn members(chunk: &Chunk) -> Members {
    let all = chunk.members.get(..usize::from(chunk.total)).unwrap_or(&chunk.members);
    let (untagged, tagged) = all.split_at(usize::from(chunk.untagged).min(all.len()));
    Members {
        untagged: untagged.iter().copied().collect(),
        tagged: tagged.iter().copied().collect(),
        last: chunk.last,
    }
}

/// Those that get frames untagged come first. The slots of a chunk bound their number.
fn chunk(members: &Members) -> Chunk {
    let mut chunk = Chunk { last: members.last, ..Chunk::default() };
    let all = members.untagged.iter().chain(&members.tagged);
    for (place, ifindex) in chunk.members.iter_mut().zip(all) {
        *place = *ifindex;
        chunk.total += 1;
    }
    chunk.untagged = u16::try_from(members.untagged.len().min(CHUNK)).unwrap_or(chunk.total);
    chunk
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn members_survive_the_table(
            untagged in btree_set(1u32..500, 0..100),
            tagged in btree_set(500u32..999, 0..100),
            last in 0u32..16,
        ) {
            let before = Members { untagged, tagged, last };
            let chunk = chunk(&before);
            prop_assert_eq!(usize::from(chunk.untagged), before.untagged.len());
            prop_assert!(chunk.members[usize::from(chunk.total)..].iter().all(|ifindex| *ifindex == 0));
            prop_assert_eq!(members(&chunk), before);
        }
    }

    #[test]
    fn a_full_chunk_fits() {
        let untagged: BTreeSet<u32> = (1..=256).collect();
        let before = Members { untagged, ..Members::default() };
        assert_eq!(members(&chunk(&before)), before);
    }
}
