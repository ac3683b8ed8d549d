//! Routes and their targets.

use std::{collections::BTreeMap, sync::Arc};

use switch_common::table::route::{Key4, Key6, NAME4, NAME6, TARGETS, Target};

use super::{Hash, Trie};
use crate::{
    agent::{
        dataplane::{DataplaneError, home::Home},
        image::Routes,
    },
    report::TableStatus,
};

/// The tables.
pub struct Table {
    v4: Trie<Key4>,
    v6: Trie<Key6>,
    targets: Hash<u64, Target>,
}

impl Table {
    pub(in super::super) fn open(home: &Home) -> Result<Self, DataplaneError> {
        Ok(Self {
            v4: Trie::open(NAME4, &home.map(NAME4))?,
            v6: Trie::open(NAME6, &home.map(NAME6))?,
            targets: Hash::open(TARGETS, &home.map(TARGETS))?,
        })
    }

    /// All rows. Those that are as planned are not copied.
    pub fn read(&self, planned: &Routes) -> Result<Routes, DataplaneError> {
        let mut targets = BTreeMap::new();
        self.targets.scan(|number, target| targets.extend([(number, target)]))?;
        let targets =
            if targets == *planned.targets { Arc::clone(&planned.targets) } else { Arc::new(targets) };
        Ok(Routes { v4: self.v4.read(&planned.v4)?, v6: self.v6.read(&planned.v6)?, targets })
    }

    /// Adds a target.
    pub fn add(&mut self, number: u64, target: &Target) -> Result<(), DataplaneError> {
        self.targets.set(&number, *target)
    }

    /// Removes a target.
    pub fn remove(&mut self, number: u64) -> Result<(), DataplaneError> {
        self.targets.remove(&number)
    }

    /// Writes IPv4 routes.
    pub fn write4(&mut self, rows: &[(Key4, u64)]) -> Result<(), DataplaneError> {
        self.v4.write(rows)
    }

    /// Writes IPv6 routes.
    pub fn write6(&mut self, rows: &[(Key6, u64)]) -> Result<(), DataplaneError> {
        self.v6.write(rows)
    }

    /// Removes IPv4 routes.
    pub fn erase4(&mut self, keys: &[Key4]) -> Result<(), DataplaneError> {
        self.v4.erase(keys)
    }

    /// Removes IPv6 routes.
    pub fn erase6(&mut self, keys: &[Key6]) -> Result<(), DataplaneError> {
        self.v6.erase(keys)
    }

    /// Sizes of the tables, given how many routes there are.
    pub fn status(&self, [v4, v6]: [u64; 2]) -> Result<[TableStatus; 3], DataplaneError> {
        Ok([self.v4.status(v4)?, self.v6.status(v6)?, self.targets.status()?])
    }
}
