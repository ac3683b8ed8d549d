//! What rules and defaults decided about.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use switch_common::table::hits::{Hits, Key, NAME};
use zerocopy::transmute;

use super::Hash;
use crate::{
    agent::dataplane::{DataplaneError, home::Home},
    report::TableStatus,
};

/// An entry, read as plain numbers.
type Cells = [u64; size_of::<Hits>() / 8];

/// The table.
pub struct Table(Hash<Key, Cells>);

/// What a rule decided about and nobody has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct More {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the last of them was judged, or before that.
    pub last: u64,
}

impl More {
    /// This and another.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            packets: self.packets.wrapping_add(other.packets),
            bytes: self.bytes.wrapping_add(other.bytes),
            last: self.last.max(other.last),
        }
    }
}

impl Table {
    /// Opens the table.
    ///
    /// # Errors
    /// When it is missing or has another layout.
    pub fn open(home: &Home) -> Result<Self, DataplaneError> {
        Self::open_at(&home.sized(NAME))
    }

    fn open_at(pin: &Path) -> Result<Self, DataplaneError> {
        Hash::open(NAME, pin).map(Self)
    }

    /// Moves what is in another table here. False if there was not room for all of it.
    ///
    /// Programs may still count there: what they do after this is found there the next time.
    pub(in super::super) fn absorb(&mut self, pin: &Path) -> Result<bool, DataplaneError> {
        let mut other = Self::open_at(pin)?;
        let mut all = true;
        for key in other.keys(|_| true)? {
            let Some([packets, bytes, last]) = other.0.get(&key)? else { continue };
            other.0.remove(&key)?;
            all &= self.add_one(&key, More { packets, bytes, last })?;
        }
        Ok(all)
    }

    /// Visits all entries.
    pub fn visit(&self, mut visit: impl FnMut(Key, Hits)) -> Result<(), DataplaneError> {
        self.0.scan(|key, cells| visit(key, transmute!(cells)))
    }

    /// Adds what the datapath has not counted. Without room it is lost, as it is in the datapath.
    ///
    /// A row is written whole, so what the datapath counts between our look and our write is lost too.
    pub fn add(&mut self, more: &BTreeMap<Key, More>) -> Result<(), DataplaneError> {
        more.iter().try_for_each(|(key, more)| self.add_one(key, *more).map(drop))
    }

    /// Adds to one count; false if there is no room for it.
    fn add_one(&mut self, key: &Key, more: More) -> Result<bool, DataplaneError> {
        let [packets, bytes, last] = self.0.get(key)?.unwrap_or_default();
        let sum = More { packets, bytes, last }.and(more);
        match self.0.set(key, [sum.packets, sum.bytes, sum.last]) {
            Err(DataplaneError::Full { .. }) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Removes all of a slot.
    pub fn forget(&mut self, slot: u32) -> Result<(), DataplaneError> {
        let all = self.keys(|key| key.slot == slot)?;
        self.remove(&all)
    }

    /// The keys of entries like these.
    pub fn keys(&self, is: impl Fn(&Key) -> bool) -> Result<BTreeSet<Key>, DataplaneError> {
        let mut keys = BTreeSet::new();
        self.0.scan(|key, _| keys.extend(is(&key).then_some(key)))?;
        Ok(keys)
    }

    /// Removes entries.
    pub fn remove<'a>(&mut self, keys: impl IntoIterator<Item = &'a Key>) -> Result<(), DataplaneError> {
        keys.into_iter().try_for_each(|key| self.0.remove(key))
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
