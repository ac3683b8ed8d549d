//! The age of the configuration.

use std::path::Path;

use switch_common::table::epoch::{Epoch, NAME};
use zerocopy::transmute;

use super::List;
use crate::{agent::dataplane::DataplaneError, report::TableStatus};

/// The cells of the row, read as plain numbers.
type Cells = [u64; size_of::<Epoch>() / 8];

/// By how much the agent moves the epoch. A row is written whole, so what the datapath adds between
/// our look and our write is lost; it adds less than this, so the sum is another one all the same, in
/// its low half too, which is what flows remember.
const STEP: u64 = 256;

/// The table of one row.
pub struct Table(List<Cells>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        List::open(NAME, pin).map(Self)
    }

    /// Begins to count, unless it has begun before: 0 is the epoch of what nobody has judged.
    pub(in super::super) fn begin(&mut self) -> Result<(), DataplaneError> {
        if self.read()?.configured.get() == 0 { self.write(1) } else { Ok(()) }
    }

    /// Lets everything be judged again that was judged before. Only one at a time may do it.
    pub(in super::super) fn advance(&mut self) -> Result<(), DataplaneError> {
        let configured = self.read()?.configured.get();
        self.write(configured.wrapping_add(STEP).max(1))
    }

    fn read(&self) -> Result<Epoch, DataplaneError> {
        Ok(transmute!(self.0.get(0)?))
    }

    fn write(&mut self, configured: u64) -> Result<(), DataplaneError> {
        let epoch = self.read()?;
        epoch.configured.set(configured);
        self.0.set(0, transmute!(epoch))
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}
