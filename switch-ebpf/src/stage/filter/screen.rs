//! Asks for the copies of a flooded frame, one by one.

use switch_common::table::rules;

use super::{GRACE, MIRRORED, RECEIVER, TRIAL, has_grace, note};
use crate::{
    packet::Packet,
    tables::{Scratch, Tables},
};

/// True if the port with a firewall at a device gets a copy of the frame in the scratch memory.
///
/// A packet to one station that nobody knows is of one connection, and its copies are for whoever has that.
#[inline(always)]
pub fn lets_in<P: Packet, T: Tables>(tables: &T, ifindex: u32, slot: u32) -> bool {
    let Some(scratch) = tables.scratch() else { return false };
    if scratch.flaw != 0 || scratch.matched != 0 && scratch.matched != ifindex {
        return false;
    }
    if scratch.related != 0 {
        return true;
    }
    if scratch.adopted != 0 {
        return adopts::<P, T>(tables, scratch, ifindex, slot);
    }
    let what = P::admit(tables, ifindex, RECEIVER | scratch.mirrored);
    let allowed = what & rules::ACTION == rules::ALLOW;
    if allowed {
        note(scratch, what);
    }
    allowed
}

/// True for a packet of a connection that nobody saw begin, and that might have.
#[inline(always)]
fn adopts<P: Packet, T: Tables>(tables: &T, scratch: &Scratch, ifindex: u32, slot: u32) -> bool {
    let grace = scratch.adopted == GRACE || has_grace(tables, slot as u16);
    let what = P::admit(tables, ifindex, RECEIVER | TRIAL);
    if what & rules::ACTION == rules::ALLOW && (grace || what & rules::WITHOUT_STATE != 0) {
        return true;
    }
    grace && P::admit(tables, ifindex, RECEIVER | TRIAL | MIRRORED) & rules::ACTION == rules::ALLOW
}
