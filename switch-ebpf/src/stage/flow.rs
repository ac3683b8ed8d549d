//! Sends the packets of a known flow on: one look-up instead of all other stages.

use switch_common::{
    table::{
        config::Config,
        flow::{self, Flow, Key4, Key6},
    },
    verdict::{Packed, Path, Verdict},
    wire::{
        eth::{self, Eth},
        icmp::{self, Icmp},
        ipv4::{self, Ipv4},
        ipv6::{self, Ipv6},
        tcp::{self, Tcp},
        vlan,
    },
};

use super::account;
use crate::{
    frame::Frame,
    ip,
    packet::{Packet, Tag},
    tables::Tables,
};

/// Octets that tell an IPv4 packet's flow: the header, and ports or an echo's identifier.
const HEAD4: usize = ipv4::LEN + 8;
/// The same for IPv6.
const HEAD6: usize = ipv6::LEN + 8;

/// A frame to the router.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    /// Interface index of the device that it came from.
    ifindex: u32,
    /// The frame.
    frame: &'a Frame,
    /// Its octets.
    octets: u32,
    /// It was sent to the host's address, not to the gateway's.
    to_host: bool,
    /// It was sent to one of them.
    routed: bool,
}

/// Which hook asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// TC, where all flows are known.
    Tc,
    /// XDP: flows that are established, to receivers that take frames from there.
    Xdp,
}

/// True if the frame was sent to the router.
#[inline(always)]
pub fn may_be<P: Packet>(packet: &P, config: &Config) -> bool {
    let Some(octets) = packet.at::<{ eth::LEN }>(0) else { return false };
    let destination = Eth(octets).destination().get();
    destination == config.gateway_mac || destination == config.host_mac
}

/// Rewrites the frame of a known flow and says where it goes; `None` for a frame that has to be judged.
///
/// Which port the frame came from need not be known: the flow says what was true of it.
#[inline(always)]
pub fn known<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    config: &Config,
    frame: &Frame,
    octets: u32,
    at: At,
) -> Option<Packed> {
    let to_host = frame.destination.get() == config.host_mac;
    let routed = to_host || frame.destination.get() == config.gateway_mac;
    if !routed && config.firewalls == 0 {
        return None;
    }
    let arrival = Arrival { ifindex: packet.ifindex(), frame, octets, to_host, routed };
    match frame.ethertype {
        eth::IPV4 => known4(packet, tables, &arrival, at),
        eth::IPV6 => known6(packet, tables, &arrival, at),
        _ => None,
    }
}

#[inline(always)]
fn known4<P: Packet, T: Tables>(packet: &mut P, tables: &T, arrival: &Arrival<'_>, at: At) -> Option<Packed> {
    let offset = arrival.frame.payload;
    let octets = packet.at::<HEAD4>(offset)?;
    let header = Ipv4(octets.first_chunk()?);
    let plain = header.is_plain() && !header.is_fragment() && arrival.may_pass(header.ttl());
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
        about: flow::about(ports(protocol, ipv4::ICMP, upper), arrival.door(), protocol),
    };
    let flow = match tables.flow4(&key) {
        Some(flow) => flow,
        None if at == At::Tc => tables.opening4(&key)?,
        None => return None,
    };
    let layer = Layer { header: ipv4::LEN as u32, upper: offset + ipv4::LEN, protocol };
    let tag = judge(packet, tables, arrival, flow, at, &layer)?;
    if arrival.routed {
        ipv4::pass(packet.at_mut::<{ ipv4::LEN }>(offset)?);
    }
    send(packet, tables, arrival, flow, tag)
}

#[inline(always)]
fn known6<P: Packet, T: Tables>(packet: &mut P, tables: &T, arrival: &Arrival<'_>, at: At) -> Option<Packed> {
    let offset = arrival.frame.payload;
    let octets = packet.at::<HEAD6>(offset)?;
    let header = Ipv6(octets.first_chunk()?);
    let payload = u32::from(header.payload_len());
    let claimed = if payload == 0 { 0 } else { payload + ipv6::LEN as u32 };
    let plain = header.is_valid() && arrival.may_pass(header.hop_limit());
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
        about: flow::about(ports(protocol, ipv6::ICMPV6, upper), arrival.door(), protocol),
    };
    let flow = match tables.flow6(&key) {
        Some(flow) => flow,
        None if at == At::Tc => tables.opening6(&key)?,
        None => return None,
    };
    let layer = Layer { header: ipv6::LEN as u32, upper: offset + ipv6::LEN, protocol };
    let tag = judge(packet, tables, arrival, flow, at, &layer)?;
    if arrival.routed {
        let difference = ipv6::pass(packet.at_mut::<{ ipv6::LEN }>(offset)?);
        packet.resum(difference);
    }
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
        ipv4::TCP | ipv4::UDP | ipv4::SCTP => ip::ports(upper),
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

impl Arrival<'_> {
    /// True if the packet may pass with this TTL or hop limit.
    #[inline(always)]
    const fn may_pass(&self, ttl: u8) -> bool {
        !self.routed || ttl > 1
    }

    /// True for a flow whose packets are sent to where this one was sent.
    #[inline(always)]
    const fn is_to(&self, flow: &Flow) -> bool {
        const MAC: u64 = (1 << 48) - 1;
        if self.routed {
            flow.action & flow::BRIDGED == 0 && (flow.action & flow::HOST != 0) == self.to_host
        } else {
            flow.action & flow::BRIDGED != 0 && flow.new & MAC == self.frame.destination.get()
        }
    }

    /// The door that the frame came in by.
    #[inline(always)]
    const fn door(&self) -> u32 {
        flow::door(self.ifindex, self.frame.tag.tci)
    }
}

/// The tag for this frame if the flow's decision holds for it.
#[inline(always)]
fn judge<P: Packet, T: Tables>(
    packet: &P,
    tables: &T,
    arrival: &Arrival<'_>,
    flow: &Flow,
    at: At,
    layer: &Layer,
) -> Option<Tag> {
    let Arrival { frame, ifindex, .. } = *arrival;
    let mtu = flow.mtu();
    let same = flow.from == Flow::source(frame.source, mtu)
        && flow.ingress == ifindex
        && arrival.is_to(flow)
        && (flow.action & flow::TAGGED != 0) == frame.tag.is_some();
    let epoch = tables.epoch()?.now();
    if !same || !flow::is_fresh(flow.stamp.get(), epoch, tables.now()) {
        return None;
    }
    if at == At::Xdp && flow.action & flow::XDP == 0 {
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
    if frame.length > mtu {
        let segment = packet.segment();
        if segment == 0 || segment + head > mtu {
            return None;
        }
    }
    let tci = frame.tag.tci & !vlan::VID | flow.tag as u16 & vlan::VID;
    Some(Tag { tpid: (flow.tag >> 16) as u16, tci })
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
    if arrival.routed {
        eth::readdress(packet.at_mut(0)?, [flow.new, flow.new_end.into()]);
    }
    flow.packets.add_local(1);
    flow.bytes.add_local(arrival.octets.into());
    if arrival.routed {
        account::routed(tables, flow.sender.into(), flow.slot.into(), arrival.octets);
    } else {
        account::forwarded(tables, flow.sender.into(), flow.slot.into(), arrival.octets);
    }
    if action & flow::POP != 0 && packet.pop().is_err() {
        return Some(account::untagged(tables, flow.slot.into()));
    }
    if action & flow::PUSH != 0 && packet.push(tag).is_err() {
        return Some(account::untagged(tables, flow.slot.into()));
    }
    let path = if action & flow::PEER != 0 { Path::Peer } else { Path::Device };
    Some(Verdict::Forward { ifindex, path }.pack())
}
