//! Sends the packets of a known flow on: one look-up instead of all other stages.

use switch_common::{
    table::{
        flow::{self, Flow, Key4, Key6},
        port::Port,
    },
    verdict::{Packed, Path, Verdict},
    wire::{
        eth,
        icmp::{self, Icmp},
        ipv4::{self, Ipv4},
        ipv6::{self, Ipv6},
        tcp::{self, Tcp},
        vlan,
    },
};

use super::account;
use crate::{
    frame::{Frame, Place},
    ip,
    packet::{Packet, Tag},
    tables::Tables,
};

/// Octets that tell an IPv4 packet's flow: the header, and ports or an echo's identifier.
const HEAD4: usize = ipv4::LEN + 8;
/// The same for IPv6.
const HEAD6: usize = ipv6::LEN + 8;

/// A frame to the router, and where it came from.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// Interface index of the device.
    pub ifindex: u32,
    /// Its port.
    pub port: &'a Port,
    /// The frame.
    pub frame: &'a Frame,
    /// Its place.
    pub place: &'a Place,
    /// Its octets.
    pub octets: u32,
}

/// Which hook asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// TC, where all flows are known.
    Tc,
    /// XDP: flows that are established, to receivers that take frames from there.
    Xdp,
}

/// Rewrites the frame of a known flow and says where it goes; `None` for a frame that has to be judged.
#[inline(always)]
pub fn known<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    arrival: &Arrival<'_>,
    at: At,
) -> Option<Packed> {
    match arrival.frame.ethertype {
        eth::IPV4 => known4(packet, tables, arrival, at),
        eth::IPV6 => known6(packet, tables, arrival, at),
        _ => None,
    }
}

#[inline(always)]
fn known4<P: Packet, T: Tables>(packet: &mut P, tables: &T, arrival: &Arrival<'_>, at: At) -> Option<Packed> {
    let offset = arrival.frame.payload;
    let octets = packet.at::<HEAD4>(offset)?;
    let header = Ipv4(octets.first_chunk()?);
    let plain = header.is_plain() && !header.is_fragment() && header.ttl() > 1;
    if !plain || !has_length(packet, arrival, header.total_len().into(), HEAD4 as u32) {
        return None;
    }
    if !header.has_right_checksum() {
        return None;
    }
    let protocol = header.protocol();
    let upper: &[u8; 8] = octets.last_chunk()?;
    if protocol == ipv4::ICMP && !matches!(upper[0], icmp::ECHO | icmp::ECHO_REPLY) {
        return None;
    }
    let key = Key4 {
        addresses: header.addresses(),
        about: flow::about(ports(protocol, ipv4::ICMP, upper), arrival.place.network, protocol),
    };
    let flow = match tables.flow4(&key) {
        Some(flow) => flow,
        None if at == At::Tc => tables.opening4(&key)?,
        None => return None,
    };
    let layer = Layer { header: ipv4::LEN as u32, upper: offset + ipv4::LEN, protocol };
    let Goes { tag } = judge(packet, tables, arrival, flow, at, &layer)?;
    let header = packet.at_mut::<{ ipv4::LEN }>(offset)?;
    ipv4::pass(header);
    send(packet, tables, arrival, flow, tag)
}

#[inline(always)]
fn known6<P: Packet, T: Tables>(packet: &mut P, tables: &T, arrival: &Arrival<'_>, at: At) -> Option<Packed> {
    let offset = arrival.frame.payload;
    let octets = packet.at::<HEAD6>(offset)?;
    let header = Ipv6(octets.first_chunk()?);
    let payload = u32::from(header.payload_len());
    let claimed = if payload == 0 { 0 } else { payload + ipv6::LEN as u32 };
    let plain = header.is_valid() && header.hop_limit() > 1;
    if !plain || !has_length(packet, arrival, claimed, HEAD6 as u32) {
        return None;
    }
    let protocol = header.next_header();
    let upper: &[u8; 8] = octets.last_chunk()?;
    if protocol == ipv6::ICMPV6 && !matches!(upper[0], icmp::ECHO6 | icmp::ECHO_REPLY6) {
        return None;
    }
    let key = Key6 {
        source: header.source_words(),
        destination: header.destination_words(),
        about: flow::about(ports(protocol, ipv6::ICMPV6, upper), arrival.place.network, protocol),
    };
    let flow = match tables.flow6(&key) {
        Some(flow) => flow,
        None if at == At::Tc => tables.opening6(&key)?,
        None => return None,
    };
    let layer = Layer { header: ipv6::LEN as u32, upper: offset + ipv6::LEN, protocol };
    let Goes { tag } = judge(packet, tables, arrival, flow, at, &layer)?;
    let header = packet.at_mut::<{ ipv6::LEN }>(offset)?;
    let difference = ipv6::pass(header);
    packet.resum(difference);
    send(packet, tables, arrival, flow, tag)
}

/// True if the frame has as many octets as its header claims. One that is still to be cut up may
/// claim nothing.
#[inline(always)]
fn has_length<P: Packet>(packet: &P, arrival: &Arrival<'_>, claimed: u32, least: u32) -> bool {
    if claimed == 0 { packet.segment() != 0 } else { claimed >= least && claimed <= arrival.frame.length }
}

/// Ports as in a flow's key, of which an echo has its identifier twice.
#[inline(always)]
fn ports(protocol: u8, icmp: u8, upper: &[u8; 8]) -> u32 {
    match protocol {
        ipv4::TCP | ipv4::UDP => ip::ports(upper),
        _ if protocol == icmp => Icmp(upper).ports(),
        _ => 0,
    }
}

/// What is behind the IP header.
struct Layer {
    /// Octets of the IP header.
    header: u32,
    /// Offset of what is behind it.
    upper: usize,
    /// What that is.
    protocol: u8,
}

/// The frame goes the way of its flow, with this tag.
struct Goes {
    tag: Tag,
}

/// Whether the flow's decision holds for this frame.
#[inline(always)]
fn judge<P: Packet, T: Tables>(
    packet: &P,
    tables: &T,
    arrival: &Arrival<'_>,
    flow: &Flow,
    at: At,
    layer: &Layer,
) -> Option<Goes> {
    let Arrival { frame, ifindex, .. } = *arrival;
    let addresses = eth::addresses(frame.destination, frame.source);
    let same = flow.old[0] == addresses[0] && flow.old[1] == addresses[1] && flow.ingress == ifindex;
    let fresh = tables.now().wrapping_sub(flow.seen.get()) < Flow::REJUDGE_NS;
    let epoch = tables.epoch()?.now();
    if !same || !fresh || flow.epoch.get() != epoch || (at == At::Xdp && flow.action & flow::XDP == 0) {
        return None;
    }
    let mut head = layer.header + 8;
    if layer.protocol == ipv4::TCP {
        let tcp = Tcp(packet.at::<{ tcp::LEN }>(layer.upper)?);
        if tcp.flags() & (tcp::SYN | tcp::FIN | tcp::RST) != 0 {
            return None;
        }
        head = layer.header + tcp.header_len();
    }
    if frame.length > flow.mtu {
        let segment = packet.segment();
        if segment == 0 || segment + head > flow.mtu {
            return None;
        }
    }
    let tci = frame.tag.tci & !vlan::VID | flow.tag as u16 & vlan::VID;
    Some(Goes { tag: Tag { tpid: (flow.tag >> 16) as u16, tci } })
}

/// Gives the frame its new addresses and tag, and counts it.
#[inline(always)]
fn send<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    arrival: &Arrival<'_>,
    flow: &Flow,
    tag: Tag,
) -> Option<Packed> {
    let (ifindex, action) = (flow.egress, flow.action);
    eth::readdress(packet.at_mut(0)?, flow.new);
    flow.packets.add_local(1);
    flow.bytes.add_local(arrival.octets.into());
    account::routed(tables, arrival.port.slot, flow.slot, arrival.octets);
    if action & flow::POP != 0 && packet.pop().is_err() {
        return Some(account::untagged(tables, flow.slot));
    }
    if action & flow::PUSH != 0 && packet.push(tag).is_err() {
        return Some(account::untagged(tables, flow.slot));
    }
    let path = if action & flow::PEER != 0 { Path::Peer } else { Path::Device };
    Some(Verdict::Forward { ifindex, path }.pack())
}
