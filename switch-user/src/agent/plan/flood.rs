//! Who gets the copies of a network's frames.

use std::collections::BTreeMap;

use switch_common::{
    addr::VlanId,
    table::{
        flood::{self, CHUNK},
        port::Port,
    },
};

use super::Planner;

impl Planner<'_> {
    pub(super) fn join(&mut self, vlan: VlanId, row: &Port, untagged: bool) {
        let members = self.plan.image.flood.entry(chunk_key(vlan.get(), row.slot)).or_default();
        let side = if untagged { &mut members.untagged } else { &mut members.tagged };
        side.insert(row.ifindex);
    }

    /// Gives every network its first chunk, and tells that one which is the last.
    pub(super) fn finish_flood(&mut self) {
        let mut last: BTreeMap<u16, u16> = BTreeMap::new();
        for key in self.plan.image.flood.keys() {
            last.insert(key.network, key.chunk);
        }
        for (network, chunk) in last {
            let first = self.plan.image.flood.entry(flood::Key { network, chunk: 0 }).or_default();
            first.last = chunk.into();
        }
    }
}

/// The chunk of a slot. There are fewer slots than fit into the type.
fn chunk_key(network: u16, slot: u32) -> flood::Key {
    let chunk = u16::try_from(slot as usize / CHUNK).unwrap_or(u16::MAX);
    flood::Key { network, chunk }
}
