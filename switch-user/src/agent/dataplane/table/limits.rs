//! What a port's packets may cause. The datapath keeps the account; the time of grace is written here.

use std::{mem::offset_of, path::Path, time::Duration};

use switch_common::table::limit::{Limit, NAME};

use super::{List, fdb};
use crate::agent::dataplane::DataplaneError;

/// How long a port's new firewall takes packets of connections that it has not seen begin. As long as
/// TCP needs to try again a few times after a move.
const GRACE: Duration = Duration::from_mins(1);

/// The cells of a row.
type Cells = [u64; size_of::<Limit>() / 8];

/// The table.
pub struct Table(List<Cells>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        List::open(NAME, pin).map(Self)
    }

    /// Begins the time of grace of the port in a slot.
    pub fn begin_grace(&mut self, slot: u32) -> Result<(), DataplaneError> {
        let mut cells = self.0.get(slot)?;
        let grace = u64::try_from(GRACE.as_nanos()).unwrap_or(u64::MAX);
        cells[offset_of!(Limit, grace) / 8] = fdb::now()?.saturating_add(grace);
        self.0.set(slot, cells)
    }
}
