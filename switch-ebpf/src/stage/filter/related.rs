//! ICMP errors: they belong to the connection of the packet that they quote (RFC 5508).

use switch_common::{
    table::flow::{self, Key4, Key6},
    wire::{
        icmp::{self, Icmp},
        ipv4::{self, Ipv4},
        ipv6::{self, Ipv6},
    },
};

use super::super::record::known;
use crate::{
    ip::{self, Ip},
    packet::Packet,
    tables::Tables,
};

/// True for an error about a packet of a known connection, sent by whoever gets the error, through the
/// door that answers come in by. A quoted fragment says nothing of its ports.
#[inline(always)]
pub fn is_known<P: Packet, T: Tables>(packet: &P, tables: &T, ip: &Ip, door: u32) -> bool {
    let kind = ip.kind as u8;
    let at = ip.upper + icmp::LEN;
    if ip.family == 4 {
        icmp::is_error(kind) && quoted4(packet, tables, at, door)
    } else {
        icmp::is_error6(kind) && quoted6(packet, tables, at, door)
    }
}

#[inline(always)]
fn quoted4<P: Packet, T: Tables>(packet: &P, tables: &T, at: usize, door: u32) -> bool {
    let Some(octets) = packet.at::<{ ipv4::LEN }>(at) else { return false };
    let header = Ipv4(octets);
    if !header.is_valid() || header.is_later_fragment() {
        return false;
    }
    let (protocol, addresses) = (header.protocol(), header.addresses());
    let ports = ports(packet, at + header.header_len(), protocol, ipv4::ICMP);
    let about = flow::about(ports as u32, door, protocol);
    ports != UNKNOWN && known(tables, &Key4 { addresses, about }).is_some()
}

#[inline(always)]
fn quoted6<P: Packet, T: Tables>(packet: &P, tables: &T, at: usize, door: u32) -> bool {
    let Some(octets) = packet.at::<{ ipv6::LEN }>(at) else { return false };
    let header = Ipv6(octets);
    let protocol = header.next_header();
    let (source, destination) = (header.source_words(), header.destination_words());
    if !header.is_valid() {
        return false;
    }
    let ports = ports(packet, at + ipv6::LEN, protocol, ipv6::ICMPV6);
    let about = flow::about(ports as u32, door, protocol);
    ports != UNKNOWN && known(tables, &Key6 { source, destination, about }).is_some()
}

/// No ports that are those of a connection.
const UNKNOWN: u64 = u64::MAX;

/// Ports as in a flow's key, or [`UNKNOWN`]: an error about an error, or about other ICMP than an echo, is
/// of no connection.
#[inline(always)]
fn ports<P: Packet>(packet: &P, at: usize, protocol: u8, icmp: u8) -> u64 {
    let Some(octets) = packet.at::<8>(packet.opaque(at)) else { return UNKNOWN };
    if matches!(protocol, ipv4::TCP | ipv4::UDP | ipv4::SCTP) {
        return ip::ports(octets).into();
    }
    if protocol != icmp {
        return 0;
    }
    let message = Icmp(octets);
    let echo = if icmp == ipv4::ICMP {
        matches!(message.kind(), icmp::ECHO | icmp::ECHO_REPLY)
    } else {
        matches!(message.kind(), icmp::ECHO6 | icmp::ECHO_REPLY6)
    };
    if echo { message.ports().into() } else { UNKNOWN }
}
