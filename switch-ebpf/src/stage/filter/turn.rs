//! Which part a packet has in its connection.

use switch_common::{
    table::flow::{self, Flow, Key4, Key6},
    wire::{
        ipv4,
        tcp::{ACK, SYN},
    },
};

use super::{
    super::record::{Family, known},
    related,
};
use crate::{
    packet::Packet,
    tables::{Scratch, Tables},
};

/// Its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Turn {
    /// It is of no connection that is known.
    New,
    /// It goes the way of its connection's first packet.
    Same,
    /// It goes the other way.
    Answer,
    /// It is an error about a packet of a known connection.
    Related,
}

/// The part of the packet in the scratch memory.
#[inline(always)]
pub(super) fn of<P: Packet, T: Tables>(packet: &P, tables: &T, scratch: &Scratch) -> Turn {
    let Scratch { ip, flow, .. } = scratch;
    if ip.family == 0 || flow.egress == 0 && flow.new & 1 != 0 {
        return Turn::New;
    }
    if ip.is_icmp() && !ip.is_echo() {
        return if related::is_known(packet, tables, scratch, flow.back) { Turn::Related } else { Turn::New };
    }
    // Whoever opens a connection is asked for as such, whatever was there before.
    if ip.protocol == u64::from(ipv4::TCP) && ip.kind as u8 & (SYN | ACK) == SYN {
        return Turn::New;
    }
    let about = flow::about(ip.ports as u32, scratch.door, ip.protocol as u8);
    if ip.family == 4 {
        let key = Key4 { addresses: ip.source[0] | ip.destination[0] << 32, about };
        between(tables, &key, &key.mirror(flow.back))
    } else {
        let key = Key6 { source: ip.source, destination: ip.destination, about };
        between(tables, &key, &key.mirror(flow.back))
    }
}

#[inline(always)]
fn between<T: Tables, K: Family>(tables: &T, key: &K, back: &K) -> Turn {
    if let Some(own) = known(tables, key) {
        return if is_original(own) { Turn::Same } else { Turn::Answer };
    }
    match known(tables, back) {
        Some(twin) if is_original(twin) => Turn::Answer,
        Some(_) => Turn::Same,
        None => Turn::New,
    }
}

#[inline(always)]
fn is_original(flow: &Flow) -> bool {
    flow.state.get() & flow::ORIGINAL != 0
}
