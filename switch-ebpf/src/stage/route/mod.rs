//! Sends a frame that was sent to the router into another network, or answers it.

mod ask;
mod error;
mod lookup;
mod neighbour;
mod own;
mod source;

pub use ask::{ask, request};
pub use error::{complain, error, prohibited, refuse, too_big};
pub use lookup::{key, link_local, target};
pub use neighbour::heard;

use switch_common::{
    addr::{MacWord, is_same},
    table::{
        config::Config,
        gateway::Gateway,
        port::{self, Form, Port},
        route::{self, Target},
    },
    verdict::{DropReason, Packed, Verdict},
    wire::{eth, icmp, ipv4, ipv6, tcp, vlan},
};

use self::neighbour::State;
use super::{
    Stop, account, classify, parse,
    record::{self, Arrival, Way},
};
use crate::{
    frame::{Audience, Frame, Outer, Place},
    ip::{self, Ip},
    packet::{Packet, Tag},
    step::Step,
    tables::{Scratch, Tables},
};

/// The longest packet whose header says how long it is.
const JUMBO: u64 = 65_535 + ipv6::LEN as u64;

/// Octets of a frame that hold all headers looked at here.
const HEADERS: u32 = 256;

/// The router's address as the ports or uplinks see it that a frame came from or goes to.
#[inline(always)]
pub fn mac(config: &Config, port: &Port) -> MacWord {
    let word = if port.is(port::UPLINK) { config.host_mac } else { config.gateway_mac };
    MacWord::from_octets(word.to_le_bytes())
}

/// True if the frame was sent to the router.
#[inline(always)]
pub fn is_for(config: &Config, port: &Port, frame: &Frame) -> bool {
    frame.destination == mac(config, port)
}

/// What the first stages found out, and the tables of the network.
struct Job<'a> {
    ifindex: u32,
    port: &'a Port,
    frame: &'a Frame,
    place: &'a Place,
    gateway: &'a Gateway,
    octets: u32,
}

impl Job<'_> {
    /// What the first stages found out.
    #[inline(always)]
    const fn arrival(&self) -> Arrival<'_> {
        let Self { ifindex, port, frame, place, octets, .. } = *self;
        Arrival { ifindex, port, frame, place, octets }
    }
}

/// Answers neighbour discovery that was sent to the router alone.
#[inline(always)]
pub fn discover<P: Packet, T: Tables>(packet: &mut P, tables: &T, step: Step) -> Packed {
    let answer = packet.respond(tables);
    if answer != Step::BRIDGE {
        return answer.verdict();
    }
    if let Some(port) = tables.port(packet.ifindex()) {
        account::dropped(tables, port.slot, step.reason());
    }
    step.verdict()
}

/// Decides about the packet and rewrites it; says what is left to do.
///
/// [`Step::BRIDGE`] if its network has no router. Starts from the frame alone, because a hook may have
/// the verifier look at this by itself.
#[inline(always)]
pub fn judge<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Step {
    let ifindex = packet.ifindex();
    let (Some(port), Some(scratch)) = (tables.port(ifindex), tables.scratch()) else {
        return Step::BRIDGE;
    };
    let step = walk(packet, tables, ifindex, port, scratch);
    step.unwrap_or_else(|stop| account::stopped(tables, port.slot, stop, Step::BRIDGE))
}

/// Does what a packet to one of the router's own addresses asks for: it was judged before.
#[inline(always)]
pub fn serve<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Step {
    let ifindex = packet.ifindex();
    let (Some(port), Some(scratch)) = (tables.port(ifindex), tables.scratch()) else {
        return Step::done(Verdict::Drop(DropReason::UnknownPort).pack());
    };
    let step = own::serve(packet, tables, ifindex, port, scratch);
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
    let gateway = tables.gateway(place.network.into()).ok_or(Stop::Pass)?;
    let config = tables.config().ok_or(Stop::Pass)?;
    if place.tagged_inside {
        return Err(Stop::Sender(DropReason::NotForGateway));
    }
    ip::read(packet, &frame, &mut scratch.ip).map_err(Stop::Sender)?;
    if scratch.ip.options != 0 {
        return Err(Stop::Sender(DropReason::IpOptions));
    }
    scratch.ip.network = place.network.into();
    record::fragment(tables, &mut scratch.ip);
    let job = Job { ifindex, port, frame: &frame, place: &place, gateway, octets };
    decide(packet, tables, config, &job, scratch)
}

/// Looks at addresses and TTL, then at the route.
#[inline(always)]
fn decide<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    config: &Config,
    job: &Job<'_>,
    scratch: &mut Scratch,
) -> Result<Step, Stop> {
    let ip = &scratch.ip;
    let target = lookup::target(tables, job.gateway.vrf, ip.family, ip.destination);
    let link_local = lookup::link_local(config);
    let own = target.is_some_and(|target| target.kind == route::LOCAL)
        || ip.family == 6 && is_same(ip.destination, link_local);
    source::check(tables, job.gateway, job.place.network, ip, own, link_local).map_err(Stop::Sender)?;
    if ip.ttl == 0 {
        return Err(Stop::Sender(DropReason::TtlZero));
    }
    if own {
        return Ok(own::later(tables, job, scratch));
    }
    if ip.ttl == 1 {
        let kind = if ip.family == 4 { icmp::TIME_EXCEEDED } else { icmp::TIME_EXCEEDED6 };
        return error::about(tables, job, scratch, DropReason::TtlExceeded, (kind, 0, 0));
    }
    let Some(target) = target else {
        let message = unreachable(ip, icmp::NET, icmp::NO_ROUTE6);
        return error::about(tables, job, scratch, DropReason::NoRoute, message);
    };
    match target.kind {
        route::BLACKHOLE => Err(Stop::Sender(DropReason::Blackhole)),
        route::UNREACHABLE => {
            let message = unreachable(ip, icmp::HOST, icmp::NO_ROUTE6);
            error::about(tables, job, scratch, DropReason::Unreachable, message)
        }
        _ => forward(packet, tables, config, job, scratch, target),
    }
}

/// Type, code and further information of an error.
type Message = (u8, u8, u32);

/// "Destination unreachable", with the code of the packet's family.
#[inline(always)]
const fn unreachable(ip: &Ip, code: u8, code6: u8) -> Message {
    if ip.family == 4 { (icmp::UNREACHABLE, code, 0) } else { (icmp::UNREACHABLE6, code6, 0) }
}

/// Hands the packet to the next station.
#[inline(always)]
fn forward<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    config: &Config,
    job: &Job<'_>,
    scratch: &mut Scratch,
    target: &Target,
) -> Result<Step, Stop> {
    let ip = &scratch.ip;
    let family = ip.family;
    lookup::next::<P, T>(tables, target, ip, &mut scratch.next);
    let next = &scratch.next;
    let network = next.network as u16;
    let exit = tables.gateway(network.into()).ok_or(Stop::Sender(DropReason::NoRoute))?;
    let (station, state) = neighbour::resolve(tables, next, family, job.port.slot);
    match state {
        State::Known => {}
        State::Ask => return Ok(ask::about(tables, job, exit, scratch)),
        State::Wait => return Err(Stop::Sender(DropReason::NeighbourUnresolved)),
        State::Dead => {
            let message = unreachable(ip, icmp::HOST, icmp::ADDRESS6);
            return error::about(tables, job, scratch, DropReason::NeighbourDead, message);
        }
    }
    let station = MacWord::from_octets(station.to_le_bytes());
    let receiver = receiver(tables, network, station);
    let (egress, row) = match receiver {
        Some((ifindex, row)) => (ifindex, Some(row)),
        None => (0, None),
    };
    let mtu = row.map_or(exit.mtu, |row| if row.mtu < exit.mtu { row.mtu } else { exit.mtu });
    if !fits(packet, ip, mtu) {
        let (kind, code) =
            if family == 4 { (icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED) } else { (icmp::TOO_BIG6, 0) };
        return error::about(tables, job, scratch, DropReason::PacketTooBig, (kind, code, mtu));
    }
    let place = leave(job, exit, network);
    let gateway = MacWord::from_octets(config.gateway_mac.to_le_bytes());
    let new = eth::addresses(station, row.map_or(gateway, |row| mac(config, row)));
    let way = Way { egress, row, new, mtu, place: &place, bridged: false };
    record::describe(tables, &job.arrival(), &way, scratch);
    scratch.flow.router = job.gateway.vrf;
    scratch.screen = u32::from(config.firewalls != 0);
    scratch.serve = 0;
    Ok(if scratch.screen != 0 { Step::filter() } else { Step::deliver() })
}

/// The port that a station is at, if it is known and in the network.
#[inline(always)]
fn receiver<T: Tables>(tables: &T, network: u16, station: MacWord) -> Option<(u32, &Port)> {
    let entry = tables.station(&switch_common::table::fdb::Key::of(network, station))?;
    let ageing = tables.config().map_or(0, |config| config.ageing_ns);
    if !entry.is_static() && !entry.is_fresh(tables.now(), ageing) {
        return None;
    }
    let port = tables.port(entry.ifindex)?;
    if port.form(network) == Form::Absent { None } else { Some((entry.ifindex, port)) }
}

/// True if every packet that the frame will be has room.
#[inline(always)]
fn fits<P: Packet>(packet: &P, ip: &Ip, mtu: u32) -> bool {
    if ip.length <= u64::from(mtu) {
        return true;
    }
    let segment = packet.segment();
    if segment == 0 {
        return false;
    }
    let mut head = (ip.upper - ip.offset) as u32 + 8;
    if ip.protocol == u64::from(ipv4::TCP) {
        let Some(octets) = packet.at::<{ tcp::LEN }>(ip.upper) else { return false };
        head = (ip.upper - ip.offset) as u32 + tcp::Tcp(octets).header_len();
    }
    // The header that says how long a jumbo packet is does not go on the wire (RFC 2675).
    let jumbo = ip.family == 6 && ip.length > JUMBO;
    let spared = if jumbo { ipv6::JUMBO_LEN } else { 0 };
    segment + head - spared <= mtu
}

/// The frame's place in the network that it goes to.
#[inline(always)]
fn leave(job: &Job<'_>, exit: &Gateway, network: u16) -> Place {
    Place {
        network,
        tag: Tag { tpid: exit.tpid, tci: job.frame.tag.tci & !vlan::VID | network },
        // A tag of the switch's, but not that of this network.
        outer: if job.place.outer == Outer::Payload { Outer::Payload } else { Outer::Priority },
        tagged_inside: false,
        length: job.place.length,
        audience: Audience::All,
    }
}

/// Lets the packet in the scratch memory pass the router; `None` if its headers cannot be written.
#[inline(always)]
pub fn pass<P: Packet>(packet: &mut P, scratch: &Scratch) -> Option<()> {
    let Scratch { ip, flow, .. } = scratch;
    if ip.family == 4 {
        ipv4::pass(packet.at_mut::<{ ipv4::LEN }>(ip.offset)?);
    } else {
        let difference = ipv6::pass(packet.at_mut::<{ ipv6::LEN }>(ip.offset)?);
        packet.resum(difference);
    }
    eth::readdress(packet.at_mut(0)?, [flow.new, flow.new_end.into()]);
    Some(())
}

/// The station's port is not known: a copy for every port of the network, and one for every uplink
/// with the address that the router has there.
#[inline(always)]
pub fn everywhere<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Packed {
    let failed = Verdict::Drop(DropReason::EditFailed).pack();
    let (Some(port), Some(config), Some(scratch)) =
        (tables.port(packet.ifindex()), tables.config(), tables.scratch())
    else {
        return failed;
    };
    let octets = packet.octets();
    scratch.place.set_audience(Audience::Ports);
    let ports = packet.flood(tables, 0);
    let Some(header) = packet.at_mut::<{ eth::LEN }>(0) else {
        return account::drop(tables, port.slot, DropReason::EditFailed);
    };
    eth::set_source(header, MacWord::from_octets(config.host_mac.to_le_bytes()));
    scratch.place.set_audience(Audience::Uplinks);
    let uplinks = packet.flood(tables, 0);
    if !ports && !uplinks {
        return account::drop(tables, port.slot, DropReason::NoReceiver);
    }
    account::flooded(tables, port.slot, octets);
    Verdict::Flooded.pack()
}
