//! What is known of a store.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;

use crate::store::{Key, Record};

/// Records that are at hand without asking etcd.
const RECENT: usize = 64;
/// Records of more documents are not kept at hand.
const SMALL: usize = 256;

/// All documents at one generation. They are kept as texts, which take a fraction of the memory.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) generation: u64,
    pub(super) documents: Arc<BTreeMap<Key, Box<str>>>,
    /// The last records without a gap.
    recent: VecDeque<Record>,
}

impl State {
    /// These documents at a generation.
    pub(super) fn new(generation: u64, documents: BTreeMap<Key, Box<str>>) -> Self {
        Self { generation, documents: Arc::new(documents), recent: VecDeque::new() }
    }

    /// Makes the next write again; false if the record tells of another one.
    pub(super) fn replay(&mut self, record: &Record) -> bool {
        if record.generation != self.generation + 1 {
            return false;
        }
        let documents = Arc::make_mut(&mut self.documents);
        for (key, row) in &record.rows {
            match &row.new {
                Some(document) => drop(documents.insert(key.clone(), document.to_string().into())),
                None => drop(documents.remove(key)),
            }
        }
        self.generation = record.generation;
        if record.rows.len() > SMALL {
            self.recent.clear();
        } else {
            self.recent.push_back(record.clone());
            self.recent.drain(..self.recent.len().saturating_sub(RECENT));
        }
        true
    }

    /// The records after a generation, if they are at hand.
    pub(super) fn since(&self, generation: u64) -> Option<Vec<Record>> {
        let wanted = usize::try_from(self.generation.checked_sub(generation)?).ok()?;
        let skipped = self.recent.len().checked_sub(wanted)?;
        Some(self.recent.iter().skip(skipped).cloned().collect())
    }

    /// A document.
    pub(super) fn document(&self, key: &Key) -> Result<Option<Value>, (Key, serde_json::Error)> {
        let text = self.documents.get(key);
        text.map(|text| serde_json::from_str(text).map_err(|error| (key.clone(), error))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::store::Batch;

    fn record(generation: u64, rows: usize) -> Record {
        let key = |name: usize| Key { kind: "Port".into(), name: name.to_string() };
        let batch: Batch = (0..rows).map(|name| (key(name), Some(generation.into()))).collect();
        Record::new(generation, "-", &batch, |_| Ok::<_, Infallible>(None)).unwrap()
    }

    fn generations(state: &State, since: u64) -> Option<Vec<u64>> {
        Some(state.since(since)?.into_iter().map(|record| record.generation).collect())
    }

    #[test]
    fn the_last_records_are_at_hand() {
        let mut state = State::new(5, BTreeMap::new());
        assert_eq!((generations(&state, 5), generations(&state, 4)), (Some(vec![]), None));
        assert!(!state.replay(&record(7, 1)), "there is a gap");
        (6..100).for_each(|generation| assert!(state.replay(&record(generation, 1))));
        assert_eq!(generations(&state, 97), Some(vec![98, 99]));
        assert_eq!(generations(&state, 35).map(|all| all.len()), Some(64));
        assert_eq!((generations(&state, 34), generations(&state, 100)), (None, None));
    }

    #[test]
    fn a_large_record_is_a_gap_in_memory() {
        let mut state = State::default();
        assert!(
            state.replay(&record(1, 1)) && state.replay(&record(2, SMALL + 1)) && state.replay(&record(3, 1))
        );
        assert_eq!((generations(&state, 2), generations(&state, 1)), (Some(vec![3]), None));
        assert_eq!(state.documents.len(), SMALL + 1);
    }
}
