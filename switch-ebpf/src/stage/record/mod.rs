//! Writes down what was decided, for the packets that follow.

mod back;
mod enter;
mod family;
mod row;
mod seek;
mod state;

pub use back::back;
pub use family::{Family, known};
pub use seek::seek;

use seek::is_lost;

use switch_common::{
    shared::Shared,
    table::{
        flow::{self, Flow},
        fragment::{Fragment as Datagram, Key},
        port::{self, Form, Port},
    },
    verdict::DropReason,
};

use super::account;
use crate::{
    chain::Fragment,
    frame::{Frame, Outer, Place},
    ip::Ip,
    tables::{Scratch, Tables},
};

/// What the first stages found out about a packet.
pub struct Arrival<'a> {
    /// Interface index of the device that it came from.
    pub ifindex: u32,
    /// The port of that device.
    pub port: &'a Port,
    /// Its frame.
    pub frame: &'a Frame,
    /// The frame's place in the network that it came from.
    pub place: &'a Place,
    /// Octets of the frame.
    pub octets: u32,
}

/// The way that a packet is to go.
pub struct Way<'a> {
    /// Interface index of the receiver's device; 0 if it is not known.
    pub egress: u32,
    /// The receiver, if it is known.
    pub row: Option<&'a Port>,
    /// The addresses that it leaves with.
    pub new: [u64; 2],
    /// The largest packet that goes the same way.
    pub mtu: u32,
    /// Its place in the network that it leaves through.
    pub place: &'a Place,
    /// It is bridged, not routed.
    pub bridged: bool,
}

/// Remembers the ports of a datagram's first fragment, and tells them to the later ones.
#[inline(always)]
pub fn fragment<T: Tables>(tables: &T, ip: &mut Ip) {
    if ip.fragment == Fragment::None {
        return;
    }
    let key = Key {
        source: ip.source,
        destination: ip.destination,
        id: ip.id as u32,
        network: ip.network as u16,
        protocol: ip.protocol as u16,
    };
    let now = tables.now();
    if ip.fragment == Fragment::First {
        if ip.unread == 0 {
            let ports = ip.ports | ip.kind << 32 | ip.code << 40;
            tables.remember(&key, &Datagram { ports, seen: Shared::new(now) });
        }
    } else if let Some(first) = tables.fragment(&key)
        && now.wrapping_sub(first.seen.get()) < Datagram::LIFETIME_NS
    {
        ip.ports = first.ports & 0xffff_ffff;
        ip.kind = first.ports >> 32 & 0xff;
        ip.code = first.ports >> 40;
        ip.unread = 0;
    }
}

/// Notes the decision in the scratch memory for the packet's flow, if it has one, and counts the packet.
///
/// False if a firewall let it pass and the connection cannot be remembered: it must not begin then.
#[inline(always)]
pub fn note<T: Tables>(tables: &T) -> bool {
    let Some(scratch) = tables.scratch() else { return false };
    let filtered = scratch.filtered != 0;
    let (ip, flow) = (&scratch.ip, &mut scratch.flow);
    let (octets, sender, slot) = (flow.bytes.get() as u32, flow.sender.into(), flow.slot.into());
    let routed = flow.action & flow::BRIDGED == 0;
    let rules = flow.rules;
    if ip.has_flow() || filtered && ip.begins_flow() {
        scratch.more = [0; 2];
        if !enter::flow(tables, ip, scratch.door, flow, &mut scratch.more) && filtered {
            account::dropped(tables, sender, DropReason::ConnectionsFull);
            return false;
        }
        account::hit(tables, rules[0], sender, scratch.more);
        account::hit(tables, rules[1], slot, scratch.more);
    }
    if routed {
        account::routed(tables, sender, slot, octets);
    } else {
        account::forwarded(tables, sender, slot, octets);
    }
    true
}

/// Remembers the connection of a packet that was flooded, because a firewall let it pass and has to know its
/// answer. The row leads nowhere and is of no epoch that comes: the next packet is judged for itself.
///
/// Starts from the scratch memory alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn remember<T: Tables>(tables: &T) {
    let Some(scratch) = tables.scratch() else { return };
    scratch.flow.rules = [0; 2];
    scratch.flow.stamp = Shared::new(flow::stamp(scratch.epoch.wrapping_sub(1), tables.now()));
    scratch.more = [0; 2];
    // Without room for it the answer finds no connection; that there was none is counted.
    enter::flow(tables, &scratch.ip, scratch.door, &mut scratch.flow, &mut scratch.more);
}

/// True for a flooded packet whose connection is to be remembered.
#[inline(always)]
pub const fn is_memorable(scratch: &Scratch) -> bool {
    scratch.filtered != 0 && scratch.begins != 0 && is_lost(scratch) && scratch.ip.begins_flow()
}

/// Writes down in the scratch memory where the packet goes.
#[inline(always)]
pub fn describe<T: Tables>(tables: &T, arrival: &Arrival<'_>, way: &Way<'_>, scratch: &mut Scratch) {
    let set = |bit, on| if on { bit } else { 0 };
    let (now, network) = (tables.now(), way.place.network);
    let tagged = way.row.is_some_and(|row| row.form(network) == Form::Tagged);
    let (slot, flags) = way.row.map_or((0, 0), |row| (row.slot, row.flags));
    let outer = way.place.outer;
    scratch.place = way.place.pack();
    scratch.door = flow::door(arrival.ifindex, arrival.frame.tag.tci);
    scratch.filtered = 0;
    scratch.related = 0;
    scratch.matched = 0;
    scratch.flaw = 0;
    scratch.adopted = 0;
    scratch.begins = 0;
    scratch.mirrored = 0;
    let flow = &mut scratch.flow;
    flow.stamp = Shared::new(flow::stamp(scratch.epoch, now));
    flow.packets = Shared::new(1);
    flow.bytes = Shared::new(arrival.octets.into());
    flow.from = Flow::source(arrival.frame.source, way.mtu);
    flow.new = way.new[0];
    flow.new_end = way.new[1] as u32;
    flow.tag = u32::from(way.place.tag.tpid) << 16 | u32::from(network);
    flow.ingress = arrival.ifindex;
    flow.egress = way.egress;
    flow.slot = slot as u16;
    flow.sender = arrival.port.slot as u16;
    // A frame that has its receiver's tag already keeps it.
    let keeps = tagged && outer == Outer::Vlan;
    flow.action = set(flow::PUSH, tagged && !keeps)
        | set(flow::POP, outer != Outer::Payload && !keeps)
        | set(flow::TAGGED, outer != Outer::Payload)
        | set(flow::PEER, flags & port::PEER != 0)
        | set(flow::XDP, flags & port::XDP_TARGET != 0)
        | set(flow::BRIDGED, way.bridged)
        | set(flow::HOST, !way.bridged && arrival.port.is(port::UPLINK));
    // Whoever finds it to be an answer says so.
    flow.state = Shared::new(flow::ORIGINAL);
    flow.born = now;
    flow.network = arrival.place.network.into();
    flow.exit = network.into();
    flow.back = flow::door(way.egress, if tagged { network } else { 0 });
    flow.router = 0;
    flow.rules = [0; 2];
    flow.counted_packets = Shared::new(0);
    flow.counted_bytes = Shared::new(0);
}
