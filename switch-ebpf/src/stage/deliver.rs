//! Brings a frame of which it is decided where it goes into its final form.

use switch_common::{
    table::flow,
    verdict::{DropReason, Verdict},
};

use super::{Stop, account, emit, route, tunnel};
use crate::{
    packet::Packet,
    step::Step,
    tables::{Scratch, Tables},
};

/// Rewrites the frame as it stands in the scratch memory, and gives it its receiver's tag.
///
/// Starts from the frame alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn frame<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Step {
    let (Some(port), Some(scratch)) = (tables.port(packet.ifindex()), tables.scratch()) else {
        return Step::done(Verdict::Drop(DropReason::UnknownPort).pack());
    };
    let step = hand_over(packet, tables, scratch);
    step.unwrap_or_else(|stop| account::stopped(tables, port.slot, stop, Step::done(Verdict::Pass.pack())))
}

#[inline(always)]
fn hand_over<P: Packet, T: Tables>(packet: &mut P, tables: &T, scratch: &Scratch) -> Result<Step, Stop> {
    let routed = scratch.flow.action & flow::BRIDGED == 0;
    if routed {
        route::pass(packet, scratch).ok_or(Stop::Sender(DropReason::EditFailed))?;
    }
    let egress = scratch.flow.egress;
    if egress == 0 {
        return Ok(if routed { Step::everywhere() } else { Step::flood() });
    }
    let row = tables.port(egress).ok_or(Stop::Sender(DropReason::NoReceiver))?;
    let mut place = scratch.place.unpack();
    if let Err(stop) = emit::frame(packet, egress, row, &mut place) {
        return tunnel::refused(tables, row, stop);
    }
    Ok(Step::note(egress, emit::path(row)))
}
