//! Counts what became of a frame.

use switch_common::{
    shared::Shared,
    table::hits::{self, Hits},
    verdict::{DropReason, Packed, Verdict},
};

use super::Stop;
use crate::{step::Step, tables::Tables};

/// One frame went from a port to another.
#[inline(always)]
pub fn forwarded<T: Tables>(tables: &T, sender: u32, receiver: u32, octets: u32) {
    sent(tables, sender, octets);
    received(tables, receiver, octets);
}

/// One frame of a port went to everyone in its network; the copies are counted where they are made.
#[inline(always)]
pub fn flooded<T: Tables>(tables: &T, sender: u32, octets: u32) {
    sent(tables, sender, octets);
    if let Some(stats) = tables.stats(sender) {
        stats.flooded.add_local(1);
    }
}

/// One frame was routed from a port to another.
#[inline(always)]
pub fn routed<T: Tables>(tables: &T, sender: u32, receiver: u32, octets: u32) {
    if let Some(stats) = tables.stats(sender) {
        stats.out_packets.add_local(1);
        stats.out_bytes.add_local(u64::from(octets));
        stats.routed.add_local(1);
    }
    received(tables, receiver, octets);
}

/// One frame of a port was for the switch itself.
#[inline(always)]
pub fn answered<T: Tables>(tables: &T, sender: u32, octets: u32) {
    sent(tables, sender, octets);
    if let Some(stats) = tables.stats(sender) {
        stats.answered.add_local(1);
    }
}

/// A frame could not be given its receiver's tag.
#[inline(always)]
pub fn untagged<T: Tables>(tables: &T, receiver: u32) -> Packed {
    drop(tables, receiver, DropReason::TagFailed)
}

/// A frame or copy went to a port's VM.
#[inline(always)]
pub fn received<T: Tables>(tables: &T, receiver: u32, octets: u32) {
    if let Some(stats) = tables.stats(receiver) {
        stats.in_packets.add_local(1);
        stats.in_bytes.add_local(u64::from(octets));
    }
}

/// A rule, or a policy's default, decided about packets of the port in this slot; 0 for none.
#[inline(always)]
pub fn hit<T: Tables>(tables: &T, rule: u64, slot: u32, [packets, bytes]: [u64; 2]) {
    if rule == 0 {
        return;
    }
    let key = hits::Key { rule, slot, reserved: 0 };
    let now = tables.now();
    if let Some(hits) = tables.hits(&key) {
        hits.packets.add(packets);
        hits.bytes.add(bytes);
        hits.last.set(now);
        return;
    }
    let first = Hits { packets: Shared::new(packets), bytes: Shared::new(bytes), last: Shared::new(now) };
    if !tables.first_hit(&key, &first)
        && let Some(stats) = tables.stats(slot)
    {
        stats.hits_full.add_local(packets);
    }
}

/// A frame or copy ends here.
#[inline(always)]
pub fn dropped<T: Tables>(tables: &T, slot: u32, reason: DropReason) {
    if let Some(drops) = tables.drops(slot)
        && let Some(frames) = drops.of(reason)
    {
        frames.add_local(1);
    }
}

/// What becomes of a frame that goes no further at a stage, of the port in this slot; `pass` if it is
/// not the stage's business.
#[inline(always)]
pub fn stopped<T: Tables>(tables: &T, sender: u32, stop: Stop, pass: Step) -> Step {
    match stop {
        Stop::Pass => pass,
        Stop::Sender(reason) => Step::done(drop(tables, sender, reason)),
        Stop::Receiver(slot, reason) => Step::done(drop(tables, slot, reason)),
    }
}

/// The same, as what becomes of it.
#[inline(always)]
pub fn drop<T: Tables>(tables: &T, slot: u32, reason: DropReason) -> Packed {
    dropped(tables, slot, reason);
    Verdict::Drop(reason).pack()
}

/// A frame of a port's VM was accepted.
#[inline(always)]
fn sent<T: Tables>(tables: &T, sender: u32, octets: u32) {
    if let Some(stats) = tables.stats(sender) {
        stats.out_packets.add_local(1);
        stats.out_bytes.add_local(u64::from(octets));
    }
}
