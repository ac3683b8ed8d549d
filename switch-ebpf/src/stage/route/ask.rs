//! Asks a network for a station: ARP (RFC 826), neighbour solicitation (RFC 4861, 7.2.2).

use switch_common::{
    addr::{IpWords, Mac, MacWord, ip_octets},
    table::{config::Config, gateway::Gateway},
    verdict::DropReason,
    wire::{arp, eth, ipv6, nd, sum, vlan},
};

use super::{super::account, Job, lookup::Next};
use crate::{
    frame::{Audience, Outer, Place},
    packet::{EditFailed, Packet, Tag},
    step::Step,
    tables::{Scratch, Tables},
};

/// Octets of the packet that are kept behind the request: all up to a checksum that the kernel has
/// yet to compute, which it then does where nobody looks.
const REST: u32 = 96;
/// Octets behind the Ethernet header: an ARP packet in the shortest frame that Ethernet has.
const ROOM4: u32 = 46;
/// The same for a neighbour solicitation.
const ROOM6: u32 = (ipv6::LEN + nd::MESSAGE_LEN) as u32;

/// Notes in the scratch memory who is to be asked for.
#[inline(always)]
pub(super) fn about<T: Tables>(
    tables: &T,
    job: &Job<'_>,
    exit: &Gateway,
    next: &Next,
    scratch: &mut Scratch,
) -> Step {
    let tagged = u64::from(job.place.outer != Outer::Payload);
    scratch.address = next.address;
    scratch.own = next.own;
    scratch.about = next.network | tagged << 24 | u64::from(exit.tpid) << 32;
    Step::ask(account::drop(tables, job.port.slot, DropReason::NeighbourUnresolved))
}

/// Makes the packet a request for the address in the scratch memory, and sends it to all of a
/// network: to ports from the gateway's MAC address, to uplinks from the host's. The packet is lost
/// with that, because nobody holds it meanwhile.
#[inline(always)]
pub fn ask<P: Packet, T: Tables>(packet: &mut P, tables: &T) {
    let (Some(config), Some(scratch)) = (tables.config(), tables.scratch()) else { return };
    let (address, own, family, about) = (scratch.address, scratch.own, scratch.ip.family, scratch.about);
    if room(packet, if family == 4 { ROOM4 } else { ROOM6 }).is_err() {
        return;
    }
    let network = about as u16;
    let mut place = Place {
        network,
        tag: Tag { tpid: (about >> 32) as u16, tci: network & vlan::VID },
        outer: if about >> 24 & 1 == 0 { Outer::Payload } else { Outer::Priority },
        tagged_inside: false,
        length: ROOM6,
        audience: Audience::Ports,
    };
    send(packet, tables, family, address, own, config, &mut place);
}

/// Both floods.
#[inline(always)]
fn send<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    family: u64,
    address: IpWords,
    own: IpWords,
    config: &Config,
    place: &mut Place,
) {
    for (audience, mac) in [(Audience::Ports, config.gateway_mac), (Audience::Uplinks, config.host_mac)] {
        let mac = MacWord::from_octets(mac.to_le_bytes());
        let written = if family == 4 {
            request4(packet, mac, address, own)
        } else {
            request6(packet, mac, address, own)
        };
        if written.is_none() {
            return;
        }
        place.audience = audience;
        if !packet.flood(tables, 0, place.pack()) {
            // Nobody is in the network.
            return;
        }
    }
}

/// Brings the frame to the length of a request.
#[inline(always)]
fn room<P: Packet>(packet: &mut P, octets: u32) -> Result<(), EditFailed> {
    let kept = packet.octets();
    packet.resize(if kept < REST { kept } else { REST })?;
    packet.insert(octets)
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
    let payload = nd::MESSAGE_LEN as u32;
    ipv6::write(packet.at_mut(eth::LEN)?, payload as u16, ipv6::ICMPV6, nd::HOP_LIMIT, own, group);
    let message = packet.at_mut(eth::LEN + ipv6::LEN)?;
    let sums = nd::write(message, nd::NEIGHBOUR_SOLICITATION, 0, address, mac);
    nd::set_checksum(message, sums + sum::pseudo_header(own, group, payload, ipv6::ICMPV6));
    Some(())
}
