//! Asks for the copies of a flooded frame, one by one.

use switch_common::{table::rules, verdict::DropReason};

use super::{GRACE, MIRRORED, RECEIVER, TRIAL, has_grace, note};
use crate::{
    packet::Packet,
    tables::{Scratch, Tables},
};

/// Why a port with a firewall gets no copy of the frame in the scratch memory, if it gets none.
///
/// A packet to one station that nobody knows is of one connection, and its copies are for whoever has that.
#[inline(always)]
pub fn refusal<P: Packet, T: Tables>(tables: &T, ifindex: u32, slot: u32) -> Option<DropReason> {
    let Some(scratch) = tables.scratch() else { return Some(DropReason::PolicyIn) };
    if let Some(flaw) = DropReason::from_number(scratch.flaw as u16) {
        return Some(flaw);
    }
    if scratch.matched != 0 && scratch.matched != ifindex {
        return Some(DropReason::NoConnection);
    }
    if scratch.related != 0 {
        return None;
    }
    if scratch.adopted != 0 {
        return if is_adopted::<P, T>(tables, scratch, ifindex, slot) {
            None
        } else {
            Some(DropReason::NoConnection)
        };
    }
    let what = P::admit(tables, ifindex, RECEIVER | scratch.mirrored);
    if what & rules::ACTION != rules::ALLOW {
        return Some(DropReason::PolicyIn);
    }
    note(scratch, what);
    None
}

/// True for a packet of a connection that nobody saw begin, and that might have.
#[inline(always)]
fn is_adopted<P: Packet, T: Tables>(tables: &T, scratch: &Scratch, ifindex: u32, slot: u32) -> bool {
    let grace = scratch.adopted == GRACE || has_grace(tables, slot as u16);
    let what = P::admit(tables, ifindex, RECEIVER | TRIAL);
    if what & rules::ACTION == rules::ALLOW && (grace || what & rules::WITHOUT_STATE != 0) {
        return true;
    }
    grace && P::admit(tables, ifindex, RECEIVER | TRIAL | MIRRORED) & rules::ACTION == rules::ALLOW
}
