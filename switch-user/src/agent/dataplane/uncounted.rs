//! What the rules of flows let through and the datapath has not counted yet.
//!
//! The datapath counts a flow's packets when it judges the flow, for the rule that lets the sender send
//! them and for the one that lets the receiver have them.

use std::collections::{BTreeMap, BTreeSet};

use switch_common::table::{
    flow::{Flow, Key4, Key6, age},
    hits::Key,
};

use super::{
    DataplaneError,
    home::Home,
    table::{
        flows,
        hits::{More, Table},
    },
};

/// What is to be added, by rule and port.
#[derive(Default)]
pub struct Uncounted(BTreeMap<Key, More>);

impl Uncounted {
    /// A flow was removed: its rules get what they have not counted, but for ports whose device is gone,
    /// because their slot may be another one's.
    pub(super) fn note(&mut self, flow: &Flow, gone: &BTreeSet<u32>, now: u64) {
        let rest = rest(flow, now);
        let sides = [(flow.ingress, flow.sender), (flow.egress, flow.slot)];
        for (rule, (device, slot)) in flow.rules.into_iter().zip(sides) {
            if rule != 0 && rest.packets != 0 && !gone.contains(&device) {
                let sum = self.0.entry(Key { rule, slot: slot.into(), reserved: 0 }).or_default();
                *sum = sum.and(rest);
            }
        }
    }

    /// What the flows that there are have not counted.
    pub fn of_all(home: &Home, now: u64) -> Result<Self, DataplaneError> {
        let mut all = Self::default();
        all.note_all(&flows::Table::<Key4>::established(home)?, now)?;
        all.note_all(&flows::Table::<Key4>::half_open(home)?, now)?;
        all.note_all(&flows::Table::<Key6>::established(home)?, now)?;
        all.note_all(&flows::Table::<Key6>::half_open(home)?, now)?;
        Ok(all)
    }

    fn note_all<K: flows::Key>(&mut self, table: &flows::Table<K>, now: u64) -> Result<(), DataplaneError> {
        table.visit(|_, flow| self.note(&flow, &BTreeSet::new(), now))
    }

    /// What is to be added to the hits of a rule at a port.
    pub fn of(&self, key: &Key) -> More {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// Adds it to the hits of the rules.
    pub(super) fn settle(&self, home: &Home) -> Result<(), DataplaneError> {
        if self.0.is_empty() { Ok(()) } else { Table::open(home)?.add(&self.0) }
    }
}

/// What came since a flow was counted last. CPUs that counted at the same moment may have counted too much.
fn rest(flow: &Flow, now: u64) -> More {
    More {
        packets: flow.packets.get().saturating_sub(flow.counted_packets.get()),
        bytes: flow.bytes.get().saturating_sub(flow.counted_bytes.get()),
        last: now.saturating_sub(age(flow.stamp.get(), now)),
    }
}

#[cfg(test)]
mod tests {
    use switch_common::{shared::Shared, table::flow::stamp};

    use super::*;

    const NOW: u64 = 1 << 40;

    fn flow(packets: u64, counted: u64) -> Flow {
        Flow {
            stamp: Shared::new(stamp(1, NOW - (5 << 20))),
            packets: Shared::new(packets),
            bytes: Shared::new(100 * packets),
            counted_packets: Shared::new(counted),
            counted_bytes: Shared::new(100 * counted),
            ingress: 7,
            egress: 9,
            sender: 1,
            slot: 2,
            rules: [11, 22],
            ..Flow::default()
        }
    }

    fn noted(flows: &[Flow], gone: &[u32]) -> Vec<(u64, u32, u64, u64)> {
        let mut uncounted = Uncounted::default();
        let gone = gone.iter().copied().collect();
        for flow in flows {
            uncounted.note(flow, &gone, NOW);
        }
        assert!(uncounted.0.values().all(|more| more.last == NOW - (5 << 20)));
        uncounted.0.iter().map(|(key, more)| (key.rule, key.slot, more.packets, more.bytes)).collect()
    }

    #[test]
    fn both_rules_get_the_rest_at_their_ports() {
        assert_eq!(noted(&[flow(9, 4), flow(3, 1)], &[]), [(11, 1, 7, 700), (22, 2, 7, 700)]);
    }

    #[test]
    fn nothing_is_added_where_nothing_is_left_or_nobody_is() {
        assert_eq!(noted(&[flow(9, 9), flow(3, 4)], &[]), []);
        assert_eq!(noted(&[flow(9, 4)], &[9]), [(11, 1, 5, 500)]);
        assert_eq!(noted(&[Flow { rules: [0, 22], ..flow(9, 4) }], &[7]), [(22, 2, 5, 500)]);
    }
}
