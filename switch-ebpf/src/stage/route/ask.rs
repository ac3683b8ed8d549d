//! Asks a network for a station: ARP (RFC 826), neighbour solicitation (RFC 4861, 7.2.2).

use switch_common::{
    addr::{IpWords, Mac, MacWord, ip_octets},
    table::gateway::Gateway,
    verdict::DropReason,
    wire::{arp, eth, ipv6, nd, sum, vlan},
};

use super::{super::account, Job};
use crate::{
    frame::{Audience, Outer, Place},
    packet::{EditFailed, Packet, Tag},
    step::Step,
    tables::{Scratch, Tables},
};

/// Octets of the packet's frame that are kept, of zeros, behind the request: all up to a checksum that the kernel has
/// yet to compute, and cannot be made to forget. Behind ARP nobody looks. A receiver of IPv6 cuts off what is
/// behind the packet, and refuses to if the checksum is there (`pskb_trim_rcsum_slow`, net/core/skbuff.c), so
/// the rest is an option of the request, and is a whole number of units of it.
const REST: u32 = eth::LEN as u32 + 80;
/// The same for a packet whose checksum lies deeper, in a tunnel.
const LONG_REST: u32 = eth::LEN as u32 + 240;
/// Octets behind the Ethernet header: an ARP packet in the shortest frame that Ethernet has.
const ROOM4: u32 = 46;
/// The same for a neighbour solicitation.
const ROOM6: u32 = (ipv6::LEN + nd::MESSAGE_LEN) as u32;

/// Notes in the scratch memory who is to be asked for.
#[inline(always)]
pub(super) fn about<T: Tables>(tables: &T, job: &Job<'_>, exit: &Gateway, scratch: &mut Scratch) -> Step {
    let tagged = u64::from(job.place.outer != Outer::Payload);
    scratch.about = scratch.next.network | tagged << 24 | u64::from(exit.tpid) << 32;
    Step::ask(account::drop(tables, job.port.slot, DropReason::NeighbourUnresolved))
}

/// Makes the packet a request for the address in the scratch memory. It is lost with that, because
/// nobody holds it meanwhile. False if there was no memory.
#[inline(always)]
fn turn<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> bool {
    let Some(scratch) = tables.scratch() else { return false };
    let about = scratch.about;
    let place = Place {
        network: about as u16,
        tag: Tag { tpid: (about >> 32) as u16, tci: about as u16 & vlan::VID },
        outer: if about >> 24 & 1 == 0 { Outer::Payload } else { Outer::Priority },
        tagged_inside: false,
        length: ROOM6,
        audience: Audience::Ports,
    };
    scratch.place = place.pack();
    // The router asks, not the sender: nobody's policies are for that.
    scratch.screen = 0;
    room(packet, if scratch.ip.family == 4 { ROOM4 } else { ROOM6 }).is_ok()
}

/// Sends the request to all of a network: to ports from the gateway's MAC address, to uplinks from the
/// host's.
#[inline(always)]
pub fn ask<P: Packet, T: Tables>(packet: &mut P, tables: &T) {
    if turn(packet, tables) && send(packet, tables, Audience::Ports) {
        send(packet, tables, Audience::Uplinks);
    }
}

/// Writes the request for these, and sends it. False if nobody is in the network.
#[inline(always)]
fn send<P: Packet, T: Tables>(packet: &mut P, tables: &T, audience: Audience) -> bool {
    packet.request(tables, audience) && packet.flood(tables, 0)
}

/// Writes the request for these. False if the frame has no room for it.
///
/// Starts from the frame alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn request<P: Packet, T: Tables>(packet: &mut P, tables: &T, audience: Audience) -> bool {
    let (Some(config), Some(scratch)) = (tables.config(), tables.scratch()) else { return false };
    let mac = if audience == Audience::Ports { config.gateway_mac } else { config.host_mac };
    let mac = MacWord::from_octets(mac.to_le_bytes());
    let next = &scratch.next;
    let written = if scratch.ip.family == 4 {
        request4(packet, mac, next.address, next.own)
    } else {
        request6(packet, mac, next.address, next.own)
    };
    scratch.place.set_audience(audience);
    written.is_some()
}

/// Brings the frame to the length of a request.
#[inline(always)]
fn room<P: Packet>(packet: &mut P, octets: u32) -> Result<(), EditFailed> {
    if packet.resize(REST).is_err() {
        packet.resize(LONG_REST)?;
    }
    packet.insert(octets)?;
    // It goes to another network, which must not see it.
    let (mut word, mut octet) = (eth::LEN + octets as usize, 0);
    while octet < LONG_REST {
        let Some(rest) = packet.at_mut::<8>(word) else { break };
        *rest = [0; 8];
        (word, octet) = (word + 8, octet + 8);
    }
    octet = 0;
    while octet < 8 {
        let Some(rest) = packet.at_mut::<1>(word) else { break };
        *rest = [0];
        (word, octet) = (word + 1, octet + 1);
    }
    Ok(())
}

#[inline(always)]
fn request4<P: Packet>(packet: &mut P, mac: MacWord, address: IpWords, own: IpWords) -> Option<()> {
    let ([a, b, c, d, ..], [e, f, g, h, ..]) = (ip_octets(own), ip_octets(address));
    eth::write(packet.at_mut(0)?, Mac::BROADCAST.word(), mac, eth::ARP);
    let nobody = Mac::new([0; 6]).word();
    arp::write(packet.at_mut(eth::LEN)?, arp::REQUEST, (mac, [a, b, c, d]), (nobody, [e, f, g, h]));
    *packet.at_mut::<18>(eth::LEN + arp::LEN)? = [0; 18];
    Some(())
}

#[inline(always)]
fn request6<P: Packet>(packet: &mut P, mac: MacWord, address: IpWords, own: IpWords) -> Option<()> {
    let group = nd::solicited_node(address);
    eth::write(packet.at_mut(0)?, nd::group_mac(group), mac, eth::IPV6);
    let payload = packet.octets() - (eth::LEN + ipv6::LEN) as u32;
    ipv6::write(packet.at_mut(eth::LEN)?, payload as u16, ipv6::ICMPV6, nd::HOP_LIMIT, own, group);
    let padding = nd::padding(payload - nd::MESSAGE_LEN as u32);
    // What the kernel computes of zeros is all ones: it adds nothing.
    let sums = sum::pseudo_header(own, group, payload, ipv6::ICMPV6) + u64::from(u16::from_ne_bytes(padding));
    *packet.at_mut(eth::LEN + ipv6::LEN + nd::MESSAGE_LEN)? = padding;
    let message = packet.at_mut(eth::LEN + ipv6::LEN)?;
    let sums = sums + nd::write(message, nd::NEIGHBOUR_SOLICITATION, 0, address, mac);
    nd::set_checksum(message, sums);
    Some(())
}
