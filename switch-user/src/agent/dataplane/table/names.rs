//! Who has which slot.

use std::{collections::BTreeMap, path::Path};

use switch_common::table::names::{NAME, Name};

use super::List;
use crate::{
    agent::{dataplane::DataplaneError, image::Holder},
    report::TableStatus,
};

const FREE: Name = Name { bytes: [0; 64] };

/// The table.
pub struct Table(List<Name>);

impl Table {
    pub(in super::super) fn open(pin: &Path) -> Result<Self, DataplaneError> {
        List::open(NAME, pin).map(Self)
    }

    /// All slots that somebody has.
    pub fn read(&self) -> Result<BTreeMap<u32, Holder>, DataplaneError> {
        let mut holders = BTreeMap::new();
        self.0.scan(|slot, row| holders.extend(holder(&row).map(|holder| (slot, holder))))?;
        Ok(holders)
    }

    /// Gives a slot to a holder.
    pub fn give(&mut self, slot: u32, holder: &Holder) -> Result<(), DataplaneError> {
        self.0.set(slot, name(holder))
    }

    /// Frees a slot.
    pub fn free(&mut self, slot: u32) -> Result<(), DataplaneError> {
        self.0.set(slot, FREE)
    }

    /// Size of the table.
    pub fn status(&self) -> Result<TableStatus, DataplaneError> {
        self.0.status()
    }
}

/// Names have at most 63 bytes, which the model sees to.
fn name(holder: &Holder) -> Name {
    let (kind, text) = match holder {
        Holder::Uplink(name) => (b'u', name),
        Holder::Port(name) => (b'p', name),
        Holder::Router(name) => (b'r', name),
        Holder::Policy(name) => (b'f', name),
        Holder::Host(name) => (b'h', name),
        Holder::Network(name) => (b'n', name),
    };
    let mut row = FREE;
    for (place, byte) in row.bytes.iter_mut().zip(std::iter::once(kind).chain(text.bytes())) {
        *place = byte;
    }
    row
}

fn holder(row: &Name) -> Option<Holder> {
    let (kind, rest) = row.bytes.split_first()?;
    let text = rest.split(|byte| *byte == 0).next()?;
    let text = String::from_utf8(text.to_vec()).ok()?;
    match kind {
        b'u' => Some(Holder::Uplink(text)),
        b'p' => Some(Holder::Port(text)),
        b'r' => Some(Holder::Router(text)),
        b'f' => Some(Holder::Policy(text)),
        b'h' => Some(Holder::Host(text)),
        b'n' => Some(Holder::Network(text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_survive_the_table() {
        for before in [
            Holder::Uplink("eth1".into()),
            Holder::Port("p".repeat(63)),
            Holder::Router("r1".into()),
            Holder::Policy("web".into()),
            Holder::Host("h2".into()),
            Holder::Network("green".into()),
        ] {
            assert_eq!(holder(&name(&before)), Some(before));
        }
        assert_eq!(holder(&FREE), None);
    }
}
