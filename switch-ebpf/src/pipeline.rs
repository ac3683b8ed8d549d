//! The way of a frame through the switch: the one place that knows the order of the stages.

use switch_common::{
    table::port::Port,
    verdict::{DropReason, Path, Verdict},
};

use crate::{
    packet::Packet,
    stage::{Stop, account, admit, bridge, classify, emit, guard, learn, parse},
    tables::Tables,
};

/// The slot that counts frames of devices that are no port.
const NO_PORT: u32 = 0;

/// Decides about a frame and brings it into its final form: the whole pipeline, at TC.
#[inline(always)]
pub fn switch<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Verdict {
    let ifindex = packet.ifindex();
    let Some(port) = tables.port(ifindex) else {
        return drop(tables, NO_PORT, DropReason::UnknownPort);
    };
    match walk(packet, tables, ifindex, port) {
        Ok(verdict) => verdict,
        Err(Stop::Pass) => Verdict::Pass,
        Err(Stop::Sender(reason)) => drop(tables, port.slot, reason),
        Err(Stop::Receiver(slot, reason)) => drop(tables, slot, reason),
    }
}

/// Counts the drop and ends the frame.
#[inline(always)]
fn drop<T: Tables>(tables: &T, slot: u32, reason: DropReason) -> Verdict {
    account::dropped(tables, slot, reason);
    Verdict::Drop(reason)
}

/// The stages in their order.
#[inline(always)]
fn walk<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    ifindex: u32,
    port: &Port,
) -> Result<Verdict, Stop> {
    let octets = packet.octets();
    let frame = parse::frame(packet, octets)?;
    admit::frame(&frame, port)?;
    let mut place = classify::frame(&frame, port)?;
    let station = learn::station(tables, &frame, &place);
    guard::frame(packet, tables, ifindex, port, &frame, station)?;
    learn::source(tables, ifindex, port, &frame, &place, station)?;
    let target = bridge::target(tables, ifindex, &frame, &place)?;
    let Some(receiver) = target.port else {
        packet.flood(tables, ifindex, place)?;
        account::flooded(tables, port.slot, octets);
        return Ok(Verdict::Flooded);
    };
    emit::frame(packet, target.ifindex, receiver, &mut place)?;
    account::forwarded(tables, port.slot, receiver.slot, octets);
    Ok(Verdict::Forward { ifindex: target.ifindex, path: emit::path(receiver) })
}

/// Forwards what needs no decision: the cache of the pipeline, at XDP on uplinks.
///
/// Whatever is not plain forwarding from a known station to a known station is [`Verdict::Punt`]:
/// the pipeline gets the frame as it came, and decides and counts it.
#[inline(always)]
pub fn cache<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Verdict {
    shortcut(packet, tables).unwrap_or(Verdict::Punt)
}

/// The stages of the cache in their order; `Err` for a frame that is not for it.
#[inline(always)]
fn shortcut<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Result<Verdict, Stop> {
    let ifindex = packet.ifindex();
    let port = tables.port(ifindex).ok_or(Stop::Pass)?;
    guard::is_off(port)?;
    let octets = packet.octets();
    let frame = parse::frame(packet, octets)?;
    admit::frame(&frame, port)?;
    let mut place = classify::frame(&frame, port)?;
    learn::is_known(tables, ifindex, learn::station(tables, &frame, &place))?;
    let target = bridge::target(tables, ifindex, &frame, &place)?;
    let receiver = target.port.ok_or(Stop::Pass)?;
    emit::takes_xdp(receiver)?;
    emit::frame(packet, target.ifindex, receiver, &mut place)?;
    account::forwarded(tables, port.slot, receiver.slot, octets);
    Ok(Verdict::Forward { ifindex: target.ifindex, path: Path::Device })
}
