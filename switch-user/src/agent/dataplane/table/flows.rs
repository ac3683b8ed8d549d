//! Flows of one family: the established ones, and those that are half-open.

use std::path::PathBuf;

use switch_common::table::flow::{self, Flow, Key4, Key6, NAME4, NAME6, OPENING4, OPENING6};
use zerocopy::transmute;

use super::{Hash, Raw};
use crate::{
    agent::dataplane::{DataplaneError, home::Home},
    report::TableStatus,
};

/// An entry, read as plain numbers.
type Cells = [u64; size_of::<Flow>() / 8];

/// What names the flows of a family.
pub trait Key: Raw + Ord {
    /// The table of established flows, and that of half-open ones.
    const NAMES: [&'static str; 2];
    /// The key of the other direction, whose packets come in by this door.
    #[must_use]
    fn mirror(&self, door: u32) -> Self;
    /// Ports, door and protocol.
    fn about(&self) -> u64;

    /// The protocol.
    fn protocol(&self) -> u8 {
        flow::protocol(self.about())
    }
}

impl Key for Key4 {
    const NAMES: [&'static str; 2] = [NAME4, OPENING4];

    fn mirror(&self, door: u32) -> Self {
        Self::mirror(self, door)
    }

    fn about(&self) -> u64 {
        self.about
    }
}

impl Key for Key6 {
    const NAMES: [&'static str; 2] = [NAME6, OPENING6];

    fn mirror(&self, door: u32) -> Self {
        Self::mirror(self, door)
    }

    fn about(&self) -> u64 {
        self.about
    }
}

/// A table of flows.
pub struct Table<K: Raw>(Hash<K, Cells>);

impl<K: Key + Raw> Table<K> {
    /// The established flows.
    pub fn established(home: &Home) -> Result<Self, DataplaneError> {
        let [name, _] = K::NAMES;
        Hash::open(name, &home.sized(name)).map(Self)
    }

    /// The half-open flows.
    pub fn half_open(home: &Home) -> Result<Self, DataplaneError> {
        let [_, name] = K::NAMES;
        Hash::open(name, &home.map(name)).map(Self)
    }

    /// Visits all entries.
    pub fn visit(&self, mut visit: impl FnMut(K, Flow)) -> Result<(), DataplaneError> {
        self.0.scan(|key, cells| visit(key, transmute!(cells)))
    }

    /// One entry.
    pub fn get(&self, key: &K) -> Result<Option<Flow>, DataplaneError> {
        Ok(self.0.get(key)?.map(|cells| transmute!(cells)))
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &K) -> Result<(), DataplaneError> {
        self.0.remove(key)
    }

    /// Takes over the flows of other tables, unless they are here already. True if all had room.
    pub(in super::super) fn absorb(&mut self, others: &[PathBuf]) -> Result<bool, DataplaneError> {
        let [name, _] = K::NAMES;
        for pin in others {
            let mut flows: Vec<(K, Cells)> = Vec::new();
            Hash::open(name, pin)?.scan(|key, cells| flows.push((key, cells)))?;
            for (key, cells) in flows {
                if self.0.get(&key)?.is_some() {
                    continue;
                }
                match self.0.set(&key, cells) {
                    Err(DataplaneError::Full { .. }) => return Ok(false),
                    done => done?,
                }
            }
        }
        Ok(true)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
