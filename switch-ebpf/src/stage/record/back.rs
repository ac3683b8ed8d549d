//! The door that answers come in by, where there may be two.

use switch_common::table::{
    flow::{self, Key4, Key6},
    port::{self, Form},
};

use super::{super::filter, family::known};
use crate::{
    ip::Ip,
    packet::Packet,
    tables::{Scratch, Tables},
};

/// Corrects the door in the scratch memory at which answers to a routed packet are awaited.
///
/// What leaves by an uplink goes to a station of another host, whose router routes the answers itself:
/// they come in at the network that the packet came from, not at the one that it leaves through. Of a
/// station without such a router they come in at the latter. Whichever door the connection's other
/// direction has used is the one.
#[inline(always)]
pub fn back<P: Packet, T: Tables>(packet: &P, tables: &T) {
    let Some(scratch) = tables.scratch() else { return };
    let Some(other) = other(tables, scratch) else { return };
    let echo = !scratch.ip.is_icmp() || scratch.ip.is_echo();
    let kept = echo && is_used(tables, scratch, scratch.flow.back);
    if !kept && leads_back(packet, tables, scratch, other) {
        scratch.flow.back = other;
    }
}

/// True if packets of the connection's other direction came in by a door, or the packet is an error about one
/// that did.
#[inline(always)]
pub(super) fn leads_back<P: Packet, T: Tables>(packet: &P, tables: &T, scratch: &Scratch, door: u32) -> bool {
    let ip = &scratch.ip;
    if ip.is_icmp() && !ip.is_echo() {
        filter::is_related(packet, tables, scratch, door)
    } else {
        is_used(tables, scratch, door)
    }
}

/// The second door, if there is one.
#[inline(always)]
fn other<T: Tables>(tables: &T, scratch: &Scratch) -> Option<u32> {
    let flow = &scratch.flow;
    if flow.action & flow::BRIDGED != 0 {
        return None;
    }
    let row = tables.port(flow.egress)?;
    if !row.is(port::UPLINK) {
        return None;
    }
    let network = flow.network as u16;
    match row.form(network) {
        Form::Tagged => Some(flow::door(flow.egress, network)),
        Form::Untagged => Some(flow::door(flow.egress, 0)),
        Form::Absent => None,
    }
}

/// True if packets of the other direction came in by a door.
#[inline(always)]
fn is_used<T: Tables>(tables: &T, scratch: &Scratch, door: u32) -> bool {
    let Scratch { ip, .. } = scratch;
    let about = about(ip, scratch.door);
    if ip.family == 4 {
        let key = Key4 { addresses: ip.source[0] | ip.destination[0] << 32, about };
        known(tables, &key.mirror(door)).is_some()
    } else {
        let key = Key6 { source: ip.source, destination: ip.destination, about };
        known(tables, &key.mirror(door)).is_some()
    }
}

#[inline(always)]
fn about(ip: &Ip, door: u32) -> u64 {
    flow::about(ip.ports as u32, door, ip.protocol as u8)
}
