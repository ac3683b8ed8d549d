//! Packets to the router's own addresses.

use switch_common::{
    table::port::{self, Port},
    verdict::{DropReason, Verdict},
    wire::{eth, icmp, ipv4, ipv6, nd},
};

use super::{
    super::{
        Stop, account, classify, emit, parse,
        record::{self, Way},
    },
    Job, error, unreachable,
};
use crate::{
    chain::Fragment,
    ip::Ip,
    packet::Packet,
    step::Step,
    tables::{Scratch, Tables},
};

/// TTL and hop limit of answers.
const TTL: u8 = 64;

/// Has the packet answered, once the sender's policies were asked if it has any.
#[inline(always)]
pub(super) fn later<T: Tables>(tables: &T, job: &Job<'_>, scratch: &mut Scratch) -> Step {
    let discovery = scratch.ip.family == 6
        && scratch.ip.is_icmp()
        && matches!(scratch.ip.kind as u8, nd::NEIGHBOUR_SOLICITATION | nd::NEIGHBOUR_ADVERTISEMENT);
    if !job.port.is(port::FIREWALL) || discovery {
        return Step::serve();
    }
    let (new, place) = (eth::addresses(job.frame.destination, job.frame.source), job.place);
    let way = Way { egress: 0, row: None, new, mtu: u32::MAX, place, bridged: false };
    record::describe(tables, &job.arrival(), &way, scratch);
    scratch.screen = 0;
    scratch.serve = 1;
    Step::filter()
}

/// Answers the packet in the scratch memory.
#[inline(always)]
pub(super) fn serve<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    ifindex: u32,
    port: &Port,
    scratch: &mut Scratch,
) -> Result<Step, Stop> {
    let octets = packet.octets();
    let frame = parse::frame(packet, octets)?;
    let place = classify::frame(&frame, port)?;
    let gateway = tables.gateway(place.network.into()).ok_or(Stop::Pass)?;
    answer(packet, tables, &Job { ifindex, port, frame: &frame, place: &place, gateway, octets }, scratch)
}

/// Answers an echo request, and neighbour discovery; tells the sender of all else that it is not served.
#[inline(always)]
fn answer<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    job: &Job<'_>,
    scratch: &mut Scratch,
) -> Result<Step, Stop> {
    let ip = &scratch.ip;
    let kind = ip.kind as u8;
    if ip.fragment == Fragment::Later {
        // The answer to a datagram in parts has the same parts: which of them this is does not matter.
        return if ip.is_icmp() { turn(packet, tables, job, ip, false) } else { refuse() };
    }
    if !ip.is_icmp() {
        let code = if ip.ports == 0 { icmp::PROTOCOL } else { icmp::PORT };
        let message = unreachable(ip, code, icmp::PORT6);
        return error::about(tables, job, scratch, DropReason::NotForGateway, message);
    }
    if ip.family == 6 && matches!(kind, nd::NEIGHBOUR_SOLICITATION | nd::NEIGHBOUR_ADVERTISEMENT) {
        return Ok(Step::discover());
    }
    let request = if ip.family == 4 { icmp::ECHO } else { icmp::ECHO6 };
    if kind == request { turn(packet, tables, job, ip, true) } else { refuse() }
}

#[inline(always)]
fn refuse() -> Result<Step, Stop> {
    Err(Stop::Sender(DropReason::NotForGateway))
}

/// Makes the packet its own answer and sends it back.
#[inline(always)]
fn turn<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    job: &Job<'_>,
    ip: &Ip,
    first: bool,
) -> Result<Step, Stop> {
    rewrite(packet, job, ip, first).ok_or(Stop::Sender(DropReason::EditFailed))?;
    account::answered(tables, job.port.slot, job.octets);
    account::received(tables, job.port.slot, job.octets);
    Ok(Step::done(Verdict::Forward { ifindex: job.ifindex, path: emit::path(job.port) }.pack()))
}

#[inline(always)]
fn rewrite<P: Packet>(packet: &mut P, job: &Job<'_>, ip: &Ip, first: bool) -> Option<()> {
    if ip.family == 4 {
        let header = packet.at_mut::<{ ipv4::LEN }>(job.frame.payload)?;
        ipv4::turn(header);
        ipv4::renew(header, TTL);
        if first {
            icmp::answer(packet.at_mut(ip.upper)?, icmp::ECHO_REPLY);
        }
    } else {
        let header = packet.at_mut::<{ ipv6::LEN }>(job.frame.payload)?;
        ipv6::turn(header);
        let difference = ipv6::renew(header, TTL);
        packet.resum(difference);
        if first {
            icmp::answer(packet.at_mut(ip.upper)?, icmp::ECHO_REPLY6);
        }
    }
    let addresses = eth::addresses(job.frame.source, job.frame.destination);
    eth::readdress(packet.at_mut(0)?, addresses);
    Some(())
}
