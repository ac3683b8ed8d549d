//! A trie of prefixes, which aya fills one entry at a time and this does by many thousands.

use std::{collections::BTreeMap, os::fd::AsFd, path::Path, sync::Arc};

use aya::maps::MapData;
use zerocopy::IntoBytes;

use super::{Raw, failed, open, scan, status};
use crate::{
    agent::dataplane::{DataplaneError, sys},
    report::TableStatus,
};

/// A trie from prefix `K` to a number.
pub(in super::super) struct Trie<K: Raw + Ord> {
    name: &'static str,
    map: MapData,
    prefix: std::marker::PhantomData<K>,
}

impl<K: Raw + Ord> Trie<K> {
    pub(super) fn open(name: &'static str, pin: &Path) -> Result<Self, DataplaneError> {
        Ok(Self { name, map: open(name, pin)?, prefix: std::marker::PhantomData })
    }

    /// All entries; `expected` itself if it is the same.
    pub(super) fn read(
        &self,
        expected: &Arc<BTreeMap<K, u64>>,
    ) -> Result<Arc<BTreeMap<K, u64>>, DataplaneError> {
        if !expected.is_empty() && self.is(expected)? {
            return Ok(Arc::clone(expected));
        }
        let mut entries = Vec::new();
        scan(self.name, &self.map, |key: K, value: u64| entries.push((key, value)))?;
        Ok(Arc::new(entries.into_iter().collect()))
    }

    fn is(&self, expected: &BTreeMap<K, u64>) -> Result<bool, DataplaneError> {
        let (mut found, mut same) = (0, true);
        scan(self.name, &self.map, |key: K, value: u64| {
            found += 1;
            same &= expected.get(&key) == Some(&value);
        })?;
        Ok(same && found == expected.len())
    }

    /// Writes entries in their order.
    pub(super) fn write(&mut self, rows: &[(K, u64)]) -> Result<(), DataplaneError> {
        let keys: Vec<K> = rows.iter().map(|(key, _)| *key).collect();
        let values: Vec<u64> = rows.iter().map(|(_, value)| *value).collect();
        let fd = self.map.fd().as_fd();
        match sys::update(fd, rows.len(), keys.as_bytes(), values.as_bytes()) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                let info = self.map.info().map_err(|error| failed(self.name, "read", error))?;
                Err(DataplaneError::Full { table: self.name, capacity: info.max_entries() })
            }
            done => done.map_err(|error| failed(self.name, "write", error)),
        }
    }

    /// Removes entries in their order; they need not be there.
    pub(super) fn erase(&mut self, keys: &[K]) -> Result<(), DataplaneError> {
        let fd = self.map.fd().as_fd();
        sys::delete(fd, keys.len(), keys.as_bytes()).map_err(|error| failed(self.name, "write", error))
    }

    pub(super) fn status(&self, entries: u64) -> Result<TableStatus, DataplaneError> {
        status(self.name, &self.map, Some(entries))
    }
}
