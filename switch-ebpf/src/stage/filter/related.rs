//! ICMP errors: they belong to the connection of the packet that they quote (RFC 5508).

use switch_common::{
    table::flow::{self, Key4, Key6},
    wire::{
        icmp::{self, Icmp},
        ipv4::{self, Ipv4},
        ipv6::{self, Ipv6},
    },
};

use super::super::record::{Family, known};
use crate::{
    ip,
    packet::Packet,
    tables::{Scratch, Tables},
};

/// True for an error about a packet of a known connection, sent by whoever gets the error, through the
/// door that answers come in by. A quoted fragment says nothing of its ports.
#[inline(always)]
pub fn is_known<P: Packet, T: Tables>(packet: &P, tables: &T, scratch: &Scratch, door: u32) -> bool {
    let ip = &scratch.ip;
    let kind = ip.kind as u8;
    let at = ip.upper + icmp::LEN;
    if ip.family == 4 {
        icmp::is_error(kind) && quoted4(packet, tables, at, door, scratch.epoch)
    } else {
        icmp::is_error6(kind) && quoted6(packet, tables, at, door, scratch.epoch)
    }
}

/// True for a connection of which a packet has passed in this epoch, so that the rules of this moment have let
/// it: an error about a packet that they would not let pass is none that anybody waits for. A packet that was flooded
/// has passed, and is judged again in any case.
#[inline(always)]
fn is_alive<T: Tables, K: Family>(tables: &T, key: &K, epoch: u64) -> bool {
    known(tables, key).is_some_and(|flow| flow.egress == 0 || flow::is_of(flow.stamp.get(), epoch))
}

#[inline(always)]
fn quoted4<P: Packet, T: Tables>(packet: &P, tables: &T, at: usize, door: u32, epoch: u64) -> bool {
    let Some(octets) = packet.at::<{ ipv4::LEN }>(at) else { return false };
    let header = Ipv4(octets);
    if !header.is_valid() || header.is_later_fragment() {
        return false;
    }
    let (protocol, addresses) = (header.protocol(), header.addresses());
    let ports = ports(packet, at + header.header_len(), protocol, ipv4::ICMP);
    let about = flow::about(ports as u32, door, protocol);
    ports != UNKNOWN && is_alive(tables, &Key4 { addresses, about }, epoch)
}

#[inline(always)]
fn quoted6<P: Packet, T: Tables>(packet: &P, tables: &T, at: usize, door: u32, epoch: u64) -> bool {
    let Some(octets) = packet.at::<{ ipv6::LEN }>(at) else { return false };
    let header = Ipv6(octets);
    let protocol = header.next_header();
    let (source, destination) = (header.source_words(), header.destination_words());
    if !header.is_valid() {
        return false;
    }
    let ports = ports(packet, at + ipv6::LEN, protocol, ipv6::ICMPV6);
    let about = flow::about(ports as u32, door, protocol);
    ports != UNKNOWN && is_alive(tables, &Key6 { source, destination, about }, epoch)
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
