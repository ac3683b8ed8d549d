//! In which order policies are written, so that the table of rules has room for each of them.
//!
//! Those that shrink come before those that grow. So whatever was configured, and whatever fits beside
//! it, there is room for every version, unless policies that leave are in the way: those that ports still
//! name cannot go before the ports have others. If there is no room for both, the ports are closed first:
//! what they had or shall have is then removed, and they open again with their new policies.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use switch_common::table::port::Port;

use super::{Op, leaving};
use crate::{
    agent::{
        compiled::Compiled,
        image::{Observed, TableImage, policies},
    },
    classifier::fits,
};

/// What is to be done with policies before ports get theirs.
#[derive(Default)]
pub(super) struct Change<'a> {
    /// Policies that are written, in this order.
    pub(super) written: Vec<(u32, &'a Arc<Compiled>)>,
    /// Policies that are removed before that.
    pub(super) early: BTreeSet<u32>,
    /// Devices whose port names one of these: it is closed until its new row is written.
    pub(super) closed: BTreeSet<u32>,
}

impl<'a> Change<'a> {
    /// Finds an order.
    pub(super) fn new(now: &Observed, goal: &'a TableImage) -> Self {
        let mut change = Self { written: written(now, goal), ..Self::default() };
        // Ports that leave are closed anyway.
        let staying = |(ifindex, _): &(&u32, &Port)| goal.ports.contains_key(ifindex);
        let staying: Vec<(&u32, &Port)> = now.ports.iter().filter(staying).collect();
        let named: BTreeSet<u32> = staying.iter().flat_map(|(_, row)| policies(row)).collect();
        let leaving = leaving(&now.policies, &goal.policies).map(|(slot, _)| *slot);
        let (needed, unused): (Vec<u32>, Vec<u32>) = leaving.partition(|slot| named.contains(slot));
        change.early.extend(unused);
        change.make_room(needed, now, goal.rule_capacity);
        let closed = staying.iter().filter(|(_, row)| policies(row).any(|slot| change.early.contains(&slot)));
        change.closed = closed.map(|(ifindex, _)| **ifindex).collect();
        change
    }

    /// Goes through the writes, and removes policies early where there would be no room: those that leave
    /// first, then former versions.
    fn make_room(&mut self, leaving: Vec<u32>, now: &Observed, capacity: u32) {
        let rows = now.policies.iter().filter(|(slot, _)| !self.early.contains(slot));
        let mut used: BTreeMap<u32, u32> = rows.map(|(slot, version)| (*slot, version.rows)).collect();
        let mut in_the_way = leaving;
        in_the_way.extend(self.written.iter().rev().map(|(slot, _)| *slot));
        let mut written = BTreeSet::new();
        for (slot, policy) in &self.written {
            let rows = policy.version().rows;
            let mut others = in_the_way.iter().filter(|other| !written.contains(*other));
            while !fits(used.values().copied(), rows, capacity)
                && let Some(other) = others.next()
            {
                if used.remove(other).is_some() {
                    self.early.insert(*other);
                }
            }
            used.insert(*slot, rows);
            written.insert(*slot);
        }
    }

    /// Closes ports and removes policies, as far as that must come first.
    pub(super) fn begin(&self, ops: &mut Vec<Op>) {
        ops.extend(self.closed.iter().map(|ifindex| Op::Unport(*ifindex)));
        ops.extend(self.early.iter().map(|slot| Op::Unpolicy(*slot)));
    }
}

/// Policies that are not what they should be: those that shrink, then those that grow.
fn written<'a>(now: &Observed, goal: &'a TableImage) -> Vec<(u32, &'a Arc<Compiled>)> {
    let stale =
        goal.policies.iter().filter(|(slot, policy)| now.policies.get(slot) != Some(&policy.version()));
    let mut stale: Vec<_> = stale.map(|(slot, policy)| (*slot, policy)).collect();
    stale.sort_by_key(|(slot, policy)| {
        now.policies.get(slot).is_none_or(|version| version.rows < policy.version().rows)
    });
    stale
}
