//! The way of a frame through the switch: the one place that knows the order of the stages.

use switch_common::{
    table::{
        config::Config,
        port::{self, Port},
    },
    verdict::{DropReason, Packed, Path, Verdict},
    wire::eth,
};

use crate::{
    packet::Packet,
    stage::{
        NO_PORT, Stop, account, admit, bridge, classify, emit, filter, flood,
        flow::{self, At},
        guard, learn, parse, respond, route, tunnel,
    },
    step::{Left, Step},
    tables::Tables,
};

/// Decides about a frame and brings it into its final form: the whole pipeline, at TC.
#[inline(always)]
pub fn switch<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Packed {
    let Some(config) = tables.config() else { return Verdict::Pass.pack() };
    if packet.is_at(config.tunnels) {
        let verdict = packet.leave(tables);
        if verdict != Packed::PUNT {
            return verdict;
        }
    }
    // Most frames are bridged: they shall not pay for more than this.
    if flow::may_be(packet, config) || is_tracked(packet, tables, config) {
        let verdict = packet.known(tables);
        if verdict != Packed::PUNT {
            return verdict;
        }
    }
    let mut step = packet.walk(tables, Way::Whole);
    if step.left() == Left::Respond {
        step = packet.respond(tables);
    } else if step.left() == Left::Judge {
        step = packet.judge(tables);
        if matches!(step.left(), Left::Filter | Left::Deliver) {
            packet.back(tables);
        }
    }
    if step == Step::BRIDGE {
        step = packet.walk(tables, Way::Bridge);
    }
    if step.left() == Left::Track {
        step = packet.track(tables);
    }
    if step.left() == Left::Filter {
        packet.seek(tables);
        step = packet.prepare(tables);
    }
    if step.left() == Left::Filter {
        step = P::filter(tables);
    }
    if step.left() == Left::Deliver {
        step = packet.deliver(tables);
    } else if step.left() == Left::Serve {
        step = packet.serve(tables);
    }
    finish(packet, tables, step)
}

/// Sends the frame on if it belongs to a known flow; [`Packed::PUNT`] if it does not.
///
/// Starts from the frame alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn known<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Packed {
    let octets = packet.octets();
    let (Some(config), Ok(frame)) = (tables.config(), parse::frame(packet, octets)) else {
        return Packed::PUNT;
    };
    flow::known(packet, tables, config, &frame, octets, At::Tc).unwrap_or(Packed::PUNT)
}

/// True if the frame may be bridged to or from a port with a firewall.
#[inline(always)]
fn is_tracked<P: Packet, T: Tables>(packet: &P, tables: &T, config: &Config) -> bool {
    config.firewalls != 0 && tables.port(packet.ifindex()).is_some_and(|port| port.is(port::TRACKED))
}

/// Does what is left when the way of a frame is decided.
#[inline(always)]
fn finish<P: Packet, T: Tables>(packet: &mut P, tables: &T, step: Step) -> Packed {
    match step.left() {
        Left::Note => return noted(packet, tables, step),
        Left::Flood => {
            let sender = packet.ifindex();
            screen(packet, tables, sender);
            return flood::frame(packet, tables);
        }
        Left::Everywhere => {
            screen(packet, tables, 0);
            return packet.everywhere(tables);
        }
        Left::TooBig => {
            let step = packet.too_big(tables);
            if step.left() == Left::Refuse {
                return route::refuse(packet, tables, step);
            }
        }
        Left::Refuse | Left::Reset => return route::refuse(packet, tables, step),
        Left::Complain => return route::complain(packet, tables, step),
        Left::Ask => packet.ask(tables),
        Left::Discover => return route::discover(packet, tables, step),
        Left::Nothing
        | Left::Respond
        | Left::Judge
        | Left::Track
        | Left::Filter
        | Left::Serve
        | Left::Deliver => {}
    }
    step.verdict()
}

/// Sends the copies that firewalls have to be asked for, and remembers the connection that they may begin.
#[inline(always)]
fn screen<P: Packet, T: Tables>(packet: &mut P, tables: &T, sender: u32) {
    if packet.screened(tables, sender) {
        packet.remember(tables);
    }
}

/// Remembers the packet's connection. One that a firewall allows and nobody can remember ends here:
/// its answers would.
#[inline(always)]
fn noted<P: Packet, T: Tables>(packet: &mut P, tables: &T, step: Step) -> Packed {
    if packet.note(tables) { step.verdict() } else { Verdict::Drop(DropReason::ConnectionsFull).pack() }
}

/// How much of the way a frame walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All of it.
    Whole,
    /// The last part: it was admitted, and nobody answers or routes it.
    Bridge,
}

/// The stages in their order, up to the step that is left.
///
/// Starts from the frame alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn walk<P: Packet, T: Tables>(packet: &mut P, tables: &T, way: Way) -> Step {
    let ifindex = packet.ifindex();
    let Some(port) = tables.port(ifindex) else {
        return Step::done(account::drop(tables, NO_PORT, DropReason::UnknownPort));
    };
    let step = stages(packet, tables, way, ifindex, port);
    step.unwrap_or_else(|stop| account::stopped(tables, port.slot, stop, Step::done(Verdict::Pass.pack())))
}

#[inline(always)]
fn stages<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    way: Way,
    ifindex: u32,
    port: &Port,
) -> Result<Step, Stop> {
    let octets = packet.octets();
    let frame = parse::frame(packet, octets)?;
    let config = tables.config().ok_or(Stop::Pass)?;
    admit::frame(config, &frame, port)?;
    let mut place = classify::frame(&frame, port)?;
    if way == Way::Whole {
        let station = learn::station(tables, &frame, &place);
        guard::frame(packet, tables, ifindex, port, &frame, station)?;
        learn::source(tables, ifindex, port, &frame, &place, station)?;
        if route::is_for(config, port, &frame) && frame.ethertype != eth::ARP {
            return Ok(Step::judge());
        }
        if respond::concerns(packet, &frame) {
            return Ok(Step::respond());
        }
    }
    let target = bridge::target(tables, ifindex, &frame, &place)?;
    let flags = target.port.map_or(0, |receiver| receiver.flags);
    let copied = target.port.is_none() && port.is(port::TRACKED);
    if (copied || filter::is_between(port.flags, flags)) && filter::concerns(&frame) {
        return Ok(Step::track());
    }
    let Some(receiver) = target.port else {
        return flood::later(tables, &place);
    };
    if let Err(stop) = emit::frame(packet, target.ifindex, receiver, &mut place) {
        return tunnel::refused(tables, receiver, stop);
    }
    account::forwarded(tables, port.slot, receiver.slot, octets);
    Ok(Step::done(Verdict::Forward { ifindex: target.ifindex, path: emit::path(receiver) }.pack()))
}

/// Forwards what needs no decision: the cache of the pipeline, at XDP on uplinks.
///
/// Whatever is not plain forwarding from a known station to a known station, or a known flow, is
/// [`Verdict::Punt`]: the pipeline gets the frame as it came, and decides and counts it.
#[inline(always)]
pub fn cache<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Packed {
    shortcut(packet, tables).unwrap_or(Packed::PUNT)
}

/// The stages of the cache in their order; `Err` for a frame that is not for it.
#[inline(always)]
fn shortcut<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Result<Packed, Stop> {
    let ifindex = packet.ifindex();
    let octets = packet.octets();
    let frame = parse::frame(packet, octets)?;
    let config = tables.config().ok_or(Stop::Pass)?;
    if let Some(verdict) = flow::known(packet, tables, config, &frame, octets, At::Xdp) {
        return Ok(verdict);
    }
    let port = tables.port(ifindex).ok_or(Stop::Pass)?;
    guard::is_off(port)?;
    admit::frame(config, &frame, port)?;
    let mut place = classify::frame(&frame, port)?;
    if route::is_for(config, port, &frame) || respond::concerns(packet, &frame) {
        return Err(Stop::Pass);
    }
    learn::is_known(tables, ifindex, learn::station(tables, &frame, &place))?;
    let target = bridge::target(tables, ifindex, &frame, &place)?;
    let receiver = target.port.ok_or(Stop::Pass)?;
    if filter::is_between(port.flags, receiver.flags) {
        return Err(Stop::Pass);
    }
    emit::takes_xdp(receiver)?;
    emit::frame(packet, target.ifindex, receiver, &mut place)?;
    account::forwarded(tables, port.slot, receiver.slot, octets);
    Ok(Verdict::Forward { ifindex: target.ifindex, path: Path::Device }.pack())
}
