//! The row of a flow: what is kept when it is written again.

use switch_common::{shared::Shared, table::flow::Flow};

/// True if the decision is the one that is known already.
#[inline(always)]
pub(super) fn is_same(known: &Flow, flow: &Flow) -> bool {
    let words = (known.from ^ flow.from)
        | (known.new ^ flow.new)
        | (known.rules[0] ^ flow.rules[0])
        | (known.rules[1] ^ flow.rules[1]);
    let numbers = (known.new_end ^ flow.new_end)
        | (known.tag ^ flow.tag)
        | (known.ingress ^ flow.ingress)
        | (known.egress ^ flow.egress)
        | (known.action ^ flow.action)
        | (known.back ^ flow.back)
        | u32::from(known.slot ^ flow.slot)
        | u32::from(known.sender ^ flow.sender);
    words == 0 && numbers == 0
}

/// The first packet of a flow.
#[inline(always)]
pub(super) fn first(flow: &mut Flow, more: &mut More, state: u64) {
    flow.state = Shared::new(state);
    count(flow, more, flow.packets.get(), flow.bytes.get());
}

/// The decision holds on.
#[inline(always)]
pub(super) fn refresh(known: &Flow, flow: &Flow, state: u64, more: &mut More) {
    known.state.set(state);
    known.packets.add_local(1);
    known.bytes.add_local(flow.bytes.get());
    count(known, more, known.packets.get(), known.bytes.get());
    known.stamp.set(flow.stamp.get());
}

/// Another decision, for a flow that keeps its age and its counters.
#[inline(always)]
pub(super) fn renew(known: &Flow, flow: &mut Flow, state: u64, more: &mut More) {
    flow.born = known.born;
    flow.state = Shared::new(state);
    flow.packets.add_local(known.packets.get());
    flow.bytes.add_local(known.bytes.get());
    flow.counted_packets.set(known.counted_packets.get());
    flow.counted_bytes.set(known.counted_bytes.get());
    count(flow, more, flow.packets.get(), flow.bytes.get());
}

/// Packets and bytes that the rules of a flow have yet to count.
pub(super) type More = [u64; 2];

/// Says what came since the flow was counted last.
#[inline(always)]
fn count(flow: &Flow, more: &mut More, packets: u64, bytes: u64) {
    more[0] = packets.wrapping_sub(flow.counted_packets.get());
    more[1] = bytes.wrapping_sub(flow.counted_bytes.get());
    flow.counted_packets.set(packets);
    flow.counted_bytes.set(bytes);
}

/// Copies a flow, field by field: as a whole it would be copied by a call.
#[inline(always)]
pub(super) fn copy(from: &Flow, to: &mut Flow) {
    to.stamp = Shared::new(from.stamp.get());
    to.packets = Shared::new(from.packets.get());
    to.bytes = Shared::new(from.bytes.get());
    to.from = from.from;
    to.new = from.new;
    to.new_end = from.new_end;
    to.tag = from.tag;
    to.ingress = from.ingress;
    to.egress = from.egress;
    to.slot = from.slot;
    to.sender = from.sender;
    to.action = from.action;
    to.born = from.born;
    to.network = from.network;
    to.exit = from.exit;
    to.back = from.back;
    to.router = from.router;
    to.rules = from.rules;
    to.counted_packets = Shared::new(from.counted_packets.get());
    to.counted_bytes = Shared::new(from.counted_bytes.get());
}
