//! Writes down where a bridged frame goes, as judgement does for one that is routed.

use switch_common::{
    table::port::Port,
    verdict::{DropReason, Verdict},
    wire::eth,
};

use super::{
    super::{
        Stop, account, bridge, classify, parse,
        record::{self, Arrival, Way},
    },
    is_between, is_discovery,
};
use crate::{
    frame::Frame,
    ip::{self, Ip},
    packet::Packet,
    step::Step,
    tables::{Scratch, Tables},
};

/// Octets of a frame that hold all headers looked at here.
const HEADERS: u32 = 256;

/// Describes the frame in the scratch memory; says whether policies are to be asked.
///
/// Starts from the frame alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn track<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Step {
    let ifindex = packet.ifindex();
    let (Some(port), Some(scratch)) = (tables.port(ifindex), tables.scratch()) else {
        return Step::done(Verdict::Drop(DropReason::UnknownPort).pack());
    };
    let step = walk(packet, tables, ifindex, port, scratch);
    step.unwrap_or_else(|stop| account::stopped(tables, port.slot, stop, Step::done(Verdict::Pass.pack())))
}

#[inline(always)]
fn walk<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    ifindex: u32,
    port: &Port,
    scratch: &mut Scratch,
) -> Result<Step, Stop> {
    scratch.epoch = tables.epoch().ok_or(Stop::Pass)?.now();
    packet.pull(HEADERS);
    let octets = packet.octets();
    let frame = parse::frame(packet, octets)?;
    let place = classify::frame(&frame, port)?;
    let target = bridge::target(tables, ifindex, &frame, &place)?;
    let asked = is_between(port.flags, target.port.map_or(0, |row| row.flags));
    let ip = &mut scratch.ip;
    let mut flaw = 0;
    match ip::read(packet, &frame, ip) {
        Ok(()) => {
            ip.network = place.network.into();
            record::fragment(tables, ip);
        }
        // What is no packet that can be read is none of a port's without a firewall.
        Err(reason) if asked && is_ip(&frame) => return Err(Stop::Sender(reason)),
        Err(_) => {
            flaw = is_ip(&frame).into();
            *ip = Ip::default();
            ip.kind = frame.ethertype.into();
            ip.network = place.network.into();
        }
    }
    let new = eth::addresses(frame.destination, frame.source);
    let mtu = target.port.map_or(u32::MAX, |row| row.mtu);
    let way = Way { egress: target.ifindex, row: target.port, new, mtu, place: &place, bridged: true };
    let arrival = Arrival { ifindex, port, frame: &frame, place: &place, octets };
    record::describe(tables, &arrival, &way, scratch);
    scratch.flaw = flaw;
    scratch.screen = 1;
    scratch.serve = 0;
    if is_discovery(&scratch.ip) {
        scratch.screen = 0;
        return Ok(Step::deliver());
    }
    Ok(Step::filter())
}

#[inline(always)]
const fn is_ip(frame: &Frame) -> bool {
    matches!(frame.ethertype, eth::IPV4 | eth::IPV6)
}
