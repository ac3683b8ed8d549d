//! What failed in a reconciliation, and what is better left out then.

use std::{borrow::Cow, collections::BTreeSet};

use switch_common::table::port::{Port, TRACKED};

use super::{
    diff::Op,
    image::{Observed, policies},
};

/// What could not be done.
#[derive(Default)]
pub(super) struct Failures {
    devices: BTreeSet<u32>,
    policies: BTreeSet<u32>,
    routing: bool,
}

impl Failures {
    /// Notes that an operation failed.
    pub(super) fn note(&mut self, op: &Op) {
        self.devices.extend(op.device());
        self.routing |= op.routes();
        if let Op::Policy(slot, _) = op {
            self.policies.insert(*slot);
        }
    }

    /// What is to be done of an operation: all of it, unless it relies on one that failed. What would
    /// open a port of which something failed is left out, and so is what relies on routing.
    pub(super) fn rest_of<'a>(&mut self, op: &'a Op, known: &Observed) -> Option<Cow<'a, Op>> {
        if let Op::Port(ifindex, row) = op
            && self.lacks_policy(row)
        {
            self.devices.insert(*ifindex);
            return held(*ifindex, row, known).map(Cow::Owned);
        }
        if is_needed(op, known) || is_premature(op, known) {
            return None;
        }
        let closed = op.opens() && op.device().is_some_and(|device| self.devices.contains(&device));
        let relies = op.relies() && self.routing;
        // A port that was to leave, or to lose its firewall, may still be there.
        let unasked = matches!(op, Op::Config(config) if config.firewalls == 0) && !self.devices.is_empty();
        (!closed && !relies && !unasked).then_some(Cow::Borrowed(op))
    }

    fn lacks_policy(&self, row: &Port) -> bool {
        policies(row).any(|slot| self.policies.contains(&slot))
    }
}

/// True for the end of a policy that a port still names, because its row could not be written.
fn is_needed(op: &Op, known: &Observed) -> bool {
    let is_named = |slot: &u32| known.ports.values().any(|row| policies(row).any(|named| named == *slot));
    if let Op::Unpolicy(slot) = op {
        is_named(slot)
    } else if let Op::Unname(slot) = op {
        known.policies.contains_key(slot) || is_named(slot)
    } else {
        false
    }
}

/// True for another program of a port whose policies are not yet in the tables that it works on.
fn is_premature(op: &Op, known: &Observed) -> bool {
    let Op::Replace(link) = op else { return false };
    let row = known.ports.get(&link.ifindex);
    row.is_some_and(|row| policies(row).any(|slot| !known.policies.contains_key(&slot)))
}

/// The old row of a device instead of its new one. Only whether its frames may go to a port with a
/// firewall is news that such a port relies on.
fn held(ifindex: u32, row: &Port, known: &Observed) -> Option<Op> {
    let old = known.ports.get(&ifindex)?;
    let held = Port { flags: old.flags | row.flags & TRACKED, ..*old };
    (held != *old).then(|| Op::Port(ifindex, Box::new(held)))
}
