//! Writes down what was decided, for the packets that follow.

use switch_common::{
    shared::Shared,
    table::{
        flow::{self, Flow, Key4, Key6},
        fragment::{Fragment as Datagram, Key},
        port::{self, Form, Port},
    },
    wire::{ipv4, tcp},
};

use super::Job;
use crate::{
    chain::Fragment,
    frame::Place,
    ip::Ip,
    tables::{Scratch, Tables},
};

/// The way that a packet was sent.
pub(super) struct Way<'a> {
    /// Interface index of the receiver's device.
    pub egress: u32,
    /// The receiver.
    pub row: &'a Port,
    /// The addresses that it left with.
    pub new: [u64; 2],
    /// The largest packet that goes the same way.
    pub mtu: u32,
    /// Its place in the network that it left through.
    pub place: &'a Place,
    /// The frame came with a tag of the switch's.
    pub tagged: bool,
}

/// Remembers the ports of a datagram's first fragment, and tells them to the later ones.
#[inline(always)]
pub(super) fn fragment<T: Tables>(tables: &T, ip: &mut Ip) {
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
        tables.remember(&key, &Datagram { ports: ip.ports, seen: Shared::new(now) });
    } else if let Some(first) = tables.fragment(&key)
        && now.wrapping_sub(first.seen.get()) < Datagram::LIFETIME_NS
    {
        ip.ports = first.ports;
    }
}

/// Notes the decision in the scratch memory for the packet's flow, if it has one.
#[inline(always)]
pub fn note<T: Tables>(tables: &T) {
    let Some(scratch) = tables.scratch() else { return };
    let (ip, flow) = (&scratch.ip, &mut scratch.flow);
    if !ip.has_flow() {
        return;
    }
    let about = flow::about(ip.ports as u32, scratch.door, ip.protocol as u8);
    let back = flow.back;
    if ip.family == 4 {
        // Both addresses are in the low half of their words.
        let key = Key4 { addresses: ip.source[0] | ip.destination[0] << 32, about };
        enter(tables, ip, &key, &key.mirror(back), flow);
    } else {
        let key = Key6 { source: ip.source, destination: ip.destination, about };
        enter(tables, ip, &key, &key.mirror(back), flow);
    }
}

/// Writes the decision into the scratch memory.
#[inline(always)]
pub(super) fn describe<T: Tables>(tables: &T, job: &Job<'_>, way: &Way<'_>, scratch: &mut Scratch) {
    let set = |bit, on| if on { bit } else { 0 };
    let (now, network) = (tables.now(), way.place.network);
    let tagged = way.row.form(network) == Form::Tagged;
    scratch.door = flow::door(job.ifindex, job.frame.tag.tci);
    let flow = &mut scratch.flow;
    flow.stamp = Shared::new(flow::stamp(scratch.epoch, now));
    flow.packets = Shared::new(1);
    flow.bytes = Shared::new(job.octets.into());
    flow.from = Flow::source(job.frame.source, way.mtu);
    flow.new = way.new[0];
    flow.new_end = way.new[1] as u32;
    flow.tag = u32::from(way.place.tag.tpid) << 16 | u32::from(network);
    flow.ingress = job.ifindex;
    flow.egress = way.egress;
    flow.slot = way.row.slot as u16;
    flow.sender = job.port.slot as u16;
    flow.action = set(flow::PUSH, tagged)
        | set(flow::POP, way.tagged)
        | set(flow::PEER, way.row.is(port::PEER))
        | set(flow::XDP, way.row.is(port::XDP_TARGET))
        | set(flow::HOST, job.port.is(port::UPLINK));
    flow.state = Shared::new(0);
    flow.born = now;
    flow.network = job.place.network.into();
    flow.exit = network.into();
    flow.back = flow::door(way.egress, if tagged { network } else { 0 });
    flow.router = job.gateway.vrf;
}

/// The flow tables of one family.
trait Family: Sized {
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

/// Adds the flow, or brings it up to date; `back` is the other direction's key.
#[inline(always)]
fn enter<T: Tables, K: Family>(tables: &T, ip: &Ip, key: &K, back: &K, flow: &mut Flow) {
    let twin = back.established(tables);
    if let Some(known) = key.established(tables) {
        let state = state(ip, known.state.get(), twin);
        if is_same(known, flow) {
            refresh(known, flow, state);
        } else {
            renew(known, flow, state);
            count_full(tables, flow, key.keep(tables, flow));
        }
        return;
    }
    if let Some(twin) = twin {
        let state = state(ip, flow::ANSWERED, Some(twin));
        flow.state = Shared::new(state);
        twin.state.set(twin.state.get() | flow::ANSWERED);
        let room = key.keep(tables, flow);
        if room {
            forget(tables, key);
        }
        count_full(tables, flow, room);
        return;
    }
    if let Some(first) = back.opening(tables) {
        answer(tables, ip, key, back, first, flow);
        return;
    }
    begin(tables, ip, key, flow);
}

/// The answer to the first packet of a connection: both directions are established.
#[inline(always)]
fn answer<T: Tables, K: Family>(tables: &T, ip: &Ip, key: &K, back: &K, first: &Flow, flow: &mut Flow) {
    flow.state = Shared::new(state(ip, flow::ANSWERED, None));
    if !key.keep(tables, flow) {
        return count_full(tables, flow, false);
    }
    // The scratch memory is free again: the table has a copy.
    copy(first, flow);
    flow.state = Shared::new(first.state.get() | flow::ANSWERED);
    if back.keep(tables, flow) {
        forget(tables, back);
    } else {
        count_full(tables, flow, false);
    }
}

/// The first packets of a connection.
#[inline(always)]
fn begin<T: Tables, K: Family>(tables: &T, ip: &Ip, key: &K, flow: &mut Flow) {
    let Some(known) = key.opening(tables) else {
        flow.state = Shared::new(state(ip, flow::ORIGINAL, None));
        let Some(openings) = tables.openings(flow.sender.into()) else { return };
        let quota = tables.config().map_or(0, |config| config.opening_quota);
        let room = openings.count(tables.expired(flow.sender.into())) < quota && key.open(tables, flow);
        if room {
            openings.came.add(1);
        }
        return count_full(tables, flow, room);
    };
    let lasting = known.packets.get() > 1 && flow.born.wrapping_sub(known.born) >= Flow::REJUDGE_NS;
    let state = state(ip, known.state.get(), None);
    if lasting {
        // Nobody answers, but it goes on: it has earned a place where one look-up finds it.
        renew(known, flow, state);
        let room = key.keep(tables, flow);
        if room {
            forget(tables, key);
        }
        count_full(tables, flow, room);
    } else if is_same(known, flow) {
        refresh(known, flow, state);
    } else {
        renew(known, flow, state);
        count_full(tables, flow, key.open(tables, flow));
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
    if flags & tcp::FIN != 0 {
        state |= flow::FIN;
    }
    if flags & tcp::RST != 0 {
        state |= flow::RESET;
    }
    if let Some(twin) = twin {
        let told = twin.state.get() & !(flow::FIN_BACK | flow::RESET);
        let back = if state & flow::FIN != 0 { flow::FIN_BACK } else { 0 };
        twin.state.set(told | back | state & flow::RESET);
    }
    state
}

/// True if the decision is the one that is known already.
#[inline(always)]
fn is_same(known: &Flow, flow: &Flow) -> bool {
    let words = (known.from ^ flow.from) | (known.new ^ flow.new);
    let numbers = (known.new_end ^ flow.new_end)
        | (known.tag ^ flow.tag)
        | (known.ingress ^ flow.ingress)
        | (known.egress ^ flow.egress)
        | (known.action ^ flow.action)
        | u32::from(known.slot ^ flow.slot)
        | u32::from(known.sender ^ flow.sender);
    words == 0 && numbers == 0
}

/// The decision holds on.
#[inline(always)]
fn refresh(known: &Flow, flow: &Flow, state: u64) {
    known.state.set(state);
    known.packets.add_local(1);
    known.bytes.add_local(flow.bytes.get());
    known.stamp.set(flow.stamp.get());
}

/// Another decision, for a flow that keeps its age and its counters.
#[inline(always)]
fn renew(known: &Flow, flow: &mut Flow, state: u64) {
    flow.born = known.born;
    flow.state = Shared::new(state);
    flow.packets.add_local(known.packets.get());
    flow.bytes.add_local(known.bytes.get());
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
}

/// Counts a flow for which there was no room.
#[inline(always)]
fn count_full<T: Tables>(tables: &T, flow: &Flow, room: bool) {
    if !room && let Some(stats) = tables.stats(flow.sender.into()) {
        stats.flow_full.add_local(1);
    }
}
