//! Ports by the index of their device: the rows, and the two tables that lead to them.

use std::collections::BTreeMap;

use switch_common::table::port::{FAR, INDEX, INDEXED, NAME, Port, rows};

use super::{Hash, List};
use crate::{
    agent::dataplane::{DataplaneError, home::Home},
    report::TableStatus,
};

/// The index's word for a device that is no port.
const NONE: u32 = 0;

/// The tables.
pub struct Table {
    rows: List<Port>,
    index: List<u32>,
    far: Hash<u32, u32>,
}

impl Table {
    pub(in super::super) fn open(home: &Home) -> Result<Self, DataplaneError> {
        Ok(Self {
            rows: List::open(NAME, &home.map(NAME))?,
            index: List::open(INDEX, &home.map(INDEX))?,
            far: Hash::open(FAR, &home.map(FAR))?,
        })
    }

    /// All rows that are in use.
    pub fn read(&self) -> Result<BTreeMap<u32, Port>, DataplaneError> {
        let mut used = Vec::new();
        self.index.scan(|ifindex, row| used.extend((row != NONE).then_some((ifindex, row))))?;
        self.far.scan(|ifindex, row| used.extend((row != NONE).then_some((ifindex, row))))?;
        used.into_iter().map(|(ifindex, row)| Ok((ifindex, self.rows.get(row)?))).collect()
    }

    /// The row of a device, if it is a port.
    pub fn get(&self, ifindex: u32) -> Result<Option<Port>, DataplaneError> {
        let row = self.row_of(ifindex)?;
        if row == NONE { Ok(None) } else { self.rows.get(row).map(Some) }
    }

    /// True if the device is a port.
    pub fn has(&self, ifindex: u32) -> Result<bool, DataplaneError> {
        Ok(self.row_of(ifindex)? != NONE)
    }

    /// Writes the row of a device: into the one of the slot's two that is not in use.
    pub fn set(&mut self, ifindex: u32, port: &Port) -> Result<(), DataplaneError> {
        let current = self.row_of(ifindex)?;
        let [first, second] = rows(port.slot);
        let spare = if current == first { second } else { first };
        // The slot may have been another device's, which is gone.
        let former = self.rows.get(spare)?.ifindex;
        if former != ifindex && self.row_of(former)? == spare {
            self.point(former, NONE)?;
        }
        self.rows.set(spare, Port { ifindex, ..*port })?;
        self.point(ifindex, spare)
    }

    /// Removes the row of a device.
    pub fn remove(&mut self, ifindex: u32) -> Result<(), DataplaneError> {
        self.point(ifindex, NONE)
    }

    /// Sizes of the tables.
    pub fn status(&self) -> Result<[TableStatus; 3], DataplaneError> {
        let used = u64::try_from(self.read()?.len()).ok();
        let rows = TableStatus { entries: used, ..self.rows.status()? };
        Ok([rows, self.index.status()?, self.far.status()?])
    }

    /// The row that a device leads to.
    fn row_of(&self, ifindex: u32) -> Result<u32, DataplaneError> {
        if ifindex < INDEXED { self.index.get(ifindex) } else { Ok(self.far.get(&ifindex)?.unwrap_or(NONE)) }
    }

    /// Lets a device lead to a row.
    fn point(&mut self, ifindex: u32, row: u32) -> Result<(), DataplaneError> {
        match (ifindex < INDEXED, row) {
            (true, _) => self.index.set(ifindex, row),
            (false, NONE) => self.far.remove(&ifindex),
            (false, _) => self.far.set(&ifindex, row),
        }
    }
}
