//! Policies: their compiled rules, and the pointers to them.

use std::collections::BTreeMap;

use switch_common::table::{
    policy,
    rules::{NAME, Row},
};
use zerocopy::IntoBytes;

use super::{
    List, failed,
    pool::{Memory, Pool, Region},
};
use crate::{
    agent::{
        compiled::{Compiled, Version},
        dataplane::{DataplaneError, home::Home, readers, sys},
    },
    report::TableStatus,
};

/// Rows that are written by one call.
const BATCH: usize = 4096;

/// The tables.
pub struct Table {
    memory: Maps,
    /// Who has which rows: found out before the first write.
    pool: Option<Pool>,
}

impl Table {
    pub(in super::super) fn open(home: &Home) -> Result<Self, DataplaneError> {
        let rows = List::open(NAME, &home.sized(NAME))?;
        let heads = List::open(policy::NAME, &home.sized(policy::NAME))?;
        Ok(Self { memory: Maps { rows, heads }, pool: None })
    }

    /// The versions of all policies.
    pub fn read(&self) -> Result<BTreeMap<u32, Version>, DataplaneError> {
        let headed = self.memory.heads()?.into_iter();
        headed.map(|(slot, first)| Ok((slot, Version::of(&self.memory.rows.get(first)?)))).collect()
    }

    /// Writes a policy: all of it or, if there is no room, nothing.
    pub fn put(&mut self, slot: u32, policy: &Compiled) -> Result<(), DataplaneError> {
        let (pool, memory) = self.pool()?;
        pool.put(memory, slot, policy.rows())
    }

    /// Removes a policy.
    pub fn remove(&mut self, slot: u32) -> Result<(), DataplaneError> {
        let (pool, memory) = self.pool()?;
        pool.remove(memory, slot)
    }

    /// Sizes of the tables.
    pub fn status(&self) -> Result<[TableStatus; 2], DataplaneError> {
        let versions = self.read()?;
        let used = versions.values().map(|version| u64::from(version.rows)).sum();
        let policies = u64::try_from(versions.len()).ok();
        Ok([
            TableStatus { entries: Some(used), ..self.memory.rows.status()? },
            TableStatus { entries: policies, ..self.memory.heads.status()? },
        ])
    }

    fn pool(&mut self) -> Result<(&mut Pool, &mut Maps), DataplaneError> {
        let pool = match self.pool.take() {
            Some(pool) => pool,
            None => Pool::new(self.memory.rows.capacity()?, self.memory.regions()?),
        };
        Ok((self.pool.insert(pool), &mut self.memory))
    }
}

/// The maps.
struct Maps {
    rows: List<Row>,
    /// First rows of policies, by slot.
    heads: List<u64>,
}

impl Maps {
    /// The first rows of all policies.
    fn heads(&self) -> Result<BTreeMap<u32, u32>, DataplaneError> {
        let mut heads = BTreeMap::new();
        self.heads.scan(|slot, first| {
            let first = u32::try_from(first).ok().filter(|first| *first != 0);
            heads.extend(first.map(|first| (slot, first)));
        })?;
        Ok(heads)
    }

    fn regions(&self) -> Result<BTreeMap<u32, Region>, DataplaneError> {
        let region = |(slot, first)| {
            let Version { rows, .. } = Version::of(&self.rows.get(first)?);
            Ok((slot, Region { first, rows }))
        };
        self.heads()?.into_iter().map(region).collect()
    }
}

impl Memory for Maps {
    fn write(&mut self, first: u32, rows: &[Row]) -> Result<(), DataplaneError> {
        let mut next = first;
        for rows in rows.chunks(BATCH) {
            let numbers: Vec<u32> = (next..).take(rows.len()).collect();
            sys::update(self.rows.fd(), rows.len(), numbers.as_bytes(), rows.as_bytes())
                .map_err(|error| failed(NAME, "write", error))?;
            next = numbers.last().map_or(next, |last| last + 1);
        }
        Ok(())
    }

    fn read(&self, region: Region) -> Result<Vec<Row>, DataplaneError> {
        (region.first..).take(region.rows as usize).map(|row| self.rows.get(row)).collect()
    }

    fn point(&mut self, slot: u32, first: u32) -> Result<(), DataplaneError> {
        self.heads.set(slot, first.into())
    }

    fn wait(&mut self) {
        readers::wait();
    }
}
