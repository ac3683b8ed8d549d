//! Writes down what was decided, for the packets that follow.

use switch_common::{
    shared::Shared,
    table::{
        flow::{self, Flow, Key4, Key6},
        fragment::{Fragment as Datagram, Key},
        port::{self, Form, Port},
    },
    verdict::DropReason,
    wire::{ipv4, tcp},
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
        if !enter(tables, ip, scratch.door, flow, &mut scratch.more) && filtered {
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

/// Brings the flow's row up to date; false if there is no room for one.
#[inline(always)]
fn enter<T: Tables>(tables: &T, ip: &Ip, door: u32, flow: &mut Flow, more: &mut More) -> bool {
    let about = flow::about(ip.ports as u32, door, ip.protocol as u8);
    let back = flow.back;
    if ip.family == 4 {
        // Both addresses are in the low half of their words.
        let key = Key4 { addresses: ip.source[0] | ip.destination[0] << 32, about };
        update(tables, ip, &key, &key.mirror(back), flow, more)
    } else {
        let key = Key6 { source: ip.source, destination: ip.destination, about };
        update(tables, ip, &key, &key.mirror(back), flow, more)
    }
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
    flow.state = Shared::new(0);
    flow.born = now;
    flow.network = arrival.place.network.into();
    flow.exit = network.into();
    flow.back = flow::door(way.egress, if tagged { network } else { 0 });
    flow.router = 0;
    flow.rules = [0; 2];
    flow.counted_packets = Shared::new(0);
    flow.counted_bytes = Shared::new(0);
}

/// A flow that is known, established or half-open.
#[inline(always)]
pub fn known<'t, T: Tables, K: Family>(tables: &'t T, key: &K) -> Option<&'t Flow> {
    match key.established(tables) {
        Some(flow) => Some(flow),
        None => key.opening(tables),
    }
}

/// The flow tables of one family.
pub trait Family: Sized {
    fn established<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow>;
    fn opening<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow>;
    fn keep<T: Tables>(&self, tables: &T, flow: &Flow) -> bool;
    fn open<T: Tables>(&self, tables: &T, flow: &Flow) -> bool;
    fn close<T: Tables>(&self, tables: &T) -> bool;
}

macro_rules! family {
    ($key:ty: $flow:ident $opening:ident $keep:ident $open:ident $close:ident) => {
        impl Family for $key {
            #[inline(always)]
            fn established<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow> {
                tables.$flow(self)
            }
            #[inline(always)]
            fn opening<'t, T: Tables>(&self, tables: &'t T) -> Option<&'t Flow> {
                tables.$opening(self)
            }
            #[inline(always)]
            fn keep<T: Tables>(&self, tables: &T, flow: &Flow) -> bool {
                tables.$keep(self, flow)
            }
            #[inline(always)]
            fn open<T: Tables>(&self, tables: &T, flow: &Flow) -> bool {
                tables.$open(self, flow)
            }
            #[inline(always)]
            fn close<T: Tables>(&self, tables: &T) -> bool {
                tables.$close(self)
            }
        }
    };
}

family!(Key4: flow4 opening4 keep4 open4 close4);
family!(Key6: flow6 opening6 keep6 open6 close6);

/// Adds the flow, or brings it up to date; `back` is the other direction's key. False if there is no
/// room for it.
#[inline(always)]
fn update<T: Tables, K: Family>(
    tables: &T,
    ip: &Ip,
    key: &K,
    back: &K,
    flow: &mut Flow,
    more: &mut More,
) -> bool {
    let twin = back.established(tables);
    if let Some(known) = key.established(tables) {
        let state = state(ip, known.state.get(), twin);
        if is_same(known, flow) {
            refresh(known, flow, state, more);
            return true;
        }
        renew(known, flow, state, more);
        return had_room(tables, flow, key.keep(tables, flow));
    }
    if let Some(twin) = twin {
        let state = state(ip, flow::ANSWERED, Some(twin));
        twin.state.set(twin.state.get() | flow::ANSWERED);
        first(flow, more, state);
        let room = key.keep(tables, flow);
        if room {
            forget(tables, key);
        }
        return had_room(tables, flow, room);
    }
    if let Some(opening) = back.opening(tables) {
        return answer(tables, ip, key, back, (opening, flow, more));
    }
    begin(tables, ip, key, flow, more)
}

/// The answer to the first packet of a connection: both directions are established.
#[inline(always)]
fn answer<T: Tables, K: Family>(
    tables: &T,
    ip: &Ip,
    key: &K,
    back: &K,
    (opening, flow, more): (&Flow, &mut Flow, &mut More),
) -> bool {
    first(flow, more, state(ip, flow::ANSWERED, None));
    if !key.keep(tables, flow) {
        return had_room(tables, flow, false);
    }
    // The scratch memory is free again: the table has a copy.
    copy(opening, flow);
    flow.state = Shared::new(opening.state.get() | flow::ANSWERED);
    let room = back.keep(tables, flow);
    if room {
        forget(tables, back);
    }
    had_room(tables, flow, room)
}

/// The first packets of a connection.
#[inline(always)]
fn begin<T: Tables, K: Family>(tables: &T, ip: &Ip, key: &K, flow: &mut Flow, more: &mut More) -> bool {
    let Some(known) = key.opening(tables) else {
        first(flow, more, state(ip, flow::ORIGINAL, None));
        let Some(openings) = tables.openings(flow.sender.into()) else { return false };
        let quota = tables.config().map_or(0, |config| config.opening_quota);
        let room = openings.count(tables.expired(flow.sender.into())) < quota && key.open(tables, flow);
        if room {
            openings.came.add(1);
        }
        return had_room(tables, flow, room);
    };
    let lasting = known.packets.get() > 1 && flow.born.wrapping_sub(known.born) >= Flow::REJUDGE_NS;
    let state = state(ip, known.state.get(), None);
    if lasting {
        // Nobody answers, but it goes on: it has earned a place where one look-up finds it.
        renew(known, flow, state, more);
        let room = key.keep(tables, flow);
        if room {
            forget(tables, key);
        }
        had_room(tables, flow, room)
    } else if is_same(known, flow) {
        refresh(known, flow, state, more);
        true
    } else {
        renew(known, flow, state, more);
        had_room(tables, flow, key.open(tables, flow))
    }
}

/// Takes a flow out of the table of the half-open ones.
#[inline(always)]
fn forget<T: Tables, K: Family>(tables: &T, key: &K) {
    let Some(flow) = key.opening(tables) else { return };
    let sender = flow.sender;
    if key.close(tables)
        && let Some(openings) = tables.openings(sender.into())
    {
        openings.left.add(1);
    }
}

/// What the flow's state becomes with this packet; a twin is told.
#[inline(always)]
fn state(ip: &Ip, mut state: u64, twin: Option<&Flow>) -> u64 {
    if ip.protocol != u64::from(ipv4::TCP) {
        return state;
    }
    let flags = ip.kind as u8;
    if flags & tcp::SYN != 0 {
        // A new connection with the same ports.
        state &= !(flow::FIN | flow::FIN_BACK | flow::RESET);
    }
    let opens = flags & (tcp::SYN | tcp::ACK) == tcp::SYN;
    if opens {
        state |= flow::ORIGINAL;
    }
    if flags & tcp::FIN != 0 {
        state |= flow::FIN;
    }
    if flags & tcp::RST != 0 {
        state |= flow::RESET;
    }
    if let Some(twin) = twin {
        let mut told = twin.state.get() & !(flow::FIN_BACK | flow::RESET);
        if opens {
            told &= !flow::ORIGINAL;
        }
        let back = if state & flow::FIN != 0 { flow::FIN_BACK } else { 0 };
        twin.state.set(told | back | state & flow::RESET);
    }
    state
}

/// True if the decision is the one that is known already.
#[inline(always)]
fn is_same(known: &Flow, flow: &Flow) -> bool {
    let words = (known.from ^ flow.from)
        | (known.new ^ flow.new)
        | (known.rules[0] ^ flow.rules[0])
        | (known.rules[1] ^ flow.rules[1]);
    let numbers = (known.new_end ^ flow.new_end)
        | (known.tag ^ flow.tag)
        | (known.ingress ^ flow.ingress)
        | (known.egress ^ flow.egress)
        | (known.action ^ flow.action)
        | u32::from(known.slot ^ flow.slot)
        | u32::from(known.sender ^ flow.sender);
    words == 0 && numbers == 0
}

/// The first packet of a flow.
#[inline(always)]
fn first(flow: &mut Flow, more: &mut More, state: u64) {
    flow.state = Shared::new(state);
    count(flow, more, flow.packets.get(), flow.bytes.get());
}

/// The decision holds on.
#[inline(always)]
fn refresh(known: &Flow, flow: &Flow, state: u64, more: &mut More) {
    known.state.set(state);
    known.packets.add_local(1);
    known.bytes.add_local(flow.bytes.get());
    count(known, more, known.packets.get(), known.bytes.get());
    known.stamp.set(flow.stamp.get());
}

/// Another decision, for a flow that keeps its age and its counters.
#[inline(always)]
fn renew(known: &Flow, flow: &mut Flow, state: u64, more: &mut More) {
    flow.born = known.born;
    flow.state = Shared::new(state);
    flow.packets.add_local(known.packets.get());
    flow.bytes.add_local(known.bytes.get());
    flow.counted_packets.set(known.counted_packets.get());
    flow.counted_bytes.set(known.counted_bytes.get());
    count(flow, more, flow.packets.get(), flow.bytes.get());
}

/// Packets and bytes that the rules of a flow have yet to count.
type More = [u64; 2];

/// Says what came since the flow was counted last.
#[inline(always)]
fn count(flow: &Flow, more: &mut More, packets: u64, bytes: u64) {
    more[0] = packets.wrapping_sub(flow.counted_packets.get());
    more[1] = bytes.wrapping_sub(flow.counted_bytes.get());
    flow.counted_packets.set(packets);
    flow.counted_bytes.set(bytes);
}

/// Copies a flow, field by field: as a whole it would be copied by a call.
#[inline(always)]
fn copy(from: &Flow, to: &mut Flow) {
    to.stamp = Shared::new(from.stamp.get());
    to.packets = Shared::new(from.packets.get());
    to.bytes = Shared::new(from.bytes.get());
    to.from = from.from;
    to.new = from.new;
    to.new_end = from.new_end;
    to.tag = from.tag;
    to.ingress = from.ingress;
    to.egress = from.egress;
    to.slot = from.slot;
    to.sender = from.sender;
    to.action = from.action;
    to.born = from.born;
    to.network = from.network;
    to.exit = from.exit;
    to.back = from.back;
    to.router = from.router;
    to.rules = from.rules;
    to.counted_packets = Shared::new(from.counted_packets.get());
    to.counted_bytes = Shared::new(from.counted_bytes.get());
}

/// Counts a flow for which there was no room.
#[inline(always)]
fn had_room<T: Tables>(tables: &T, flow: &Flow, room: bool) -> bool {
    if !room && let Some(stats) = tables.stats(flow.sender.into()) {
        stats.flow_full.add_local(1);
    }
    room
}
