//! The firewall: asks the policies of a packet's ports whether it may pass.
//!
//! A packet of a known connection is asked for as the connection's first packet was: of an answer the
//! policies are asked with its ports the other way round, so that a change of rules ends connections in
//! both directions, and an allowed one needs no rule for its answers.

mod admit;
mod related;
mod reset;
mod screen;
mod track;
mod turn;

pub use admit::{admit, search};
pub use related::is_known as is_related;
pub use reset::reset;
pub use screen::lets_in;
pub use track::track;

use switch_common::{
    table::{port, rules},
    verdict::{DropReason, Verdict},
    wire::{
        eth, ipv4, nd,
        tcp::{self, ACK, RST, SYN},
    },
};

use self::turn::Turn;
use super::{account, route};
use crate::{
    chain::Fragment,
    frame::Frame,
    ip::Ip,
    packet::Packet,
    step::Step,
    tables::{Scratch, Tables},
};

/// Where the port stands whose policies are asked, and how: one of these, and [`MIRRORED`].
pub const SENDER: u32 = 0;
/// It receives the packet.
pub const RECEIVER: u32 = 1;
/// The packet is an answer: the policies are asked for what it answers.
pub const MIRRORED: u32 = 1 << 1;
/// A refusal means nothing yet.
pub const TRIAL: u32 = 1 << 2;

/// `adopted` of a packet whose connection nobody saw begin, at a port that has its firewall since shortly.
const GRACE: u32 = 1;
/// The same at others: only policies without state let it pass.
const LATE: u32 = 2;

/// True for frames that policies are asked for: all but ARP, which the guard has looked at.
#[inline(always)]
pub fn concerns(frame: &Frame) -> bool {
    frame.ethertype != eth::ARP
}

/// True for neighbour discovery, without which there is no IPv6 and which the guard has looked at, and for
/// the reports of its listeners, without which switches that snoop keep it back (RFC 4541).
#[inline(always)]
fn is_discovery(ip: &Ip) -> bool {
    if ip.family != 6 || !ip.is_icmp() || ip.fragment as u64 != Fragment::None as u64 {
        return false;
    }
    let kind = ip.kind as u8;
    if nd::is_listener(kind) {
        // They stay on the link (RFC 3810, 5), and are for its routers and switches.
        return ip.ttl == 1 && ip.destination[0] as u8 == 0xff;
    }
    // A router would have lowered the number (RFC 4861, 7.1).
    ip.ttl == 255 && matches!(kind, nd::ROUTER_SOLICITATION..=nd::NEIGHBOUR_ADVERTISEMENT)
}

/// Finds out what is to be asked about the packet in the scratch memory; [`Step::filter`] if anything is.
///
/// Starts from that alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn prepare<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Step {
    let Some(scratch) = tables.scratch() else {
        return Step::done(Verdict::Drop(DropReason::UnknownPort).pack());
    };
    let asked = is_asked(tables, scratch);
    // Who gets copies is asked one by one.
    if !asked && scratch.flow.egress != 0 {
        return Step::deliver();
    }
    if let Some(reason) = unreadable(&scratch.ip) {
        if asked {
            return Step::done(account::drop(tables, scratch.flow.sender.into(), reason));
        }
        scratch.flaw = 1;
    }
    let turn = turn::of(packet, tables, scratch);
    scratch.begins = (turn == Turn::New).into();
    scratch.related = (turn == Turn::Related).into();
    scratch.mirrored = if turn == Turn::Answer { MIRRORED } else { 0 };
    if turn == Turn::New && scratch.ip.protocol == u64::from(ipv4::TCP) && !begins(&scratch.ip) {
        let grace = has_grace(tables, scratch.flow.sender) || has_grace(tables, scratch.flow.slot);
        scratch.adopted = if grace { GRACE } else { LATE };
    }
    scratch.filtered = scratch.related;
    if !asked || turn == Turn::Related { Step::deliver() } else { Step::filter() }
}

/// True if a port has had its firewall so shortly that connections may have been there before it.
#[inline(always)]
fn has_grace<T: Tables>(tables: &T, slot: u16) -> bool {
    tables.now() < tables.limit(slot.into()).map_or(0, |limit| limit.grace.get())
}

/// Asks the policies of both ports for the packet in the scratch memory.
///
/// Starts from that alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn packet<P: Packet, T: Tables>(tables: &T) -> Step {
    let Some(scratch) = tables.scratch() else {
        return Step::done(Verdict::Drop(DropReason::UnknownPort).pack());
    };
    if scratch.adopted != 0 {
        return adopt::<P, T>(tables, scratch);
    }
    let what = P::admit(tables, scratch.flow.ingress, SENDER | scratch.mirrored);
    if what & rules::ACTION != rules::ALLOW {
        return P::refused(tables, what as u32, DropReason::PolicyOut);
    }
    note(scratch, what);
    let what = P::admit(tables, scratch.flow.egress, RECEIVER | scratch.mirrored);
    if what & rules::ACTION != rules::ALLOW {
        return P::refused(tables, what as u32, DropReason::PolicyIn);
    }
    note(scratch, what);
    if scratch.serve == 0 { Step::deliver() } else { Step::serve() }
}

/// Notes whether the packet's connection has to be remembered: without state there is none.
#[inline(always)]
fn note(scratch: &mut Scratch, what: u64) {
    if what & rules::WITHOUT_STATE == 0 {
        scratch.filtered = 1;
    }
}

/// Takes a packet of a connection that nobody saw begin, if it might have: in the packet's direction, or
/// in the other one. To policies without state it is a packet as any other.
#[inline(always)]
fn adopt<P: Packet, T: Tables>(tables: &T, scratch: &mut Scratch) -> Step {
    if !might_begin::<P, T>(tables, scratch, TRIAL) {
        if scratch.adopted == LATE || !might_begin::<P, T>(tables, scratch, TRIAL | MIRRORED) {
            return Step::done(account::drop(tables, scratch.flow.sender.into(), DropReason::NoConnection));
        }
        scratch.flow.state.set(0);
    }
    scratch.filtered = (scratch.adopted == GRACE).into();
    if scratch.serve == 0 { Step::deliver() } else { Step::serve() }
}

#[inline(always)]
fn might_begin<P: Packet, T: Tables>(tables: &T, scratch: &Scratch, way: u32) -> bool {
    lets(scratch, P::admit(tables, scratch.flow.ingress, SENDER | way))
        && lets(scratch, P::admit(tables, scratch.flow.egress, RECEIVER | way))
}

#[inline(always)]
const fn lets(scratch: &Scratch, what: u64) -> bool {
    what & rules::ACTION == rules::ALLOW && (scratch.adopted == GRACE || what & rules::WITHOUT_STATE != 0)
}

/// True if one of the ports has a firewall. A frame that is flooded is asked for at each receiver.
#[inline(always)]
fn is_asked<T: Tables>(tables: &T, scratch: &Scratch) -> bool {
    let flags = |ifindex| tables.port(ifindex).map_or(0, |port| port.flags);
    is_between(flags(scratch.flow.ingress), flags(scratch.flow.egress))
}

/// Why rules cannot be asked for a packet, if they cannot.
#[inline(always)]
fn unreadable(ip: &Ip) -> Option<DropReason> {
    let later = ip.fragment as u64 == Fragment::Later as u64;
    if later && ip.protocol == u64::from(ipv4::TCP) && ip.part < tcp::LEAST {
        return Some(DropReason::FragmentEvasion);
    }
    if ip.unread == 0 {
        return None;
    }
    if later {
        return Some(DropReason::FragmentUnknown);
    }
    let whole = ip.fragment as u64 == Fragment::None as u64;
    Some(if whole { DropReason::BadIpHeader } else { DropReason::FragmentEvasion })
}

/// True for a TCP packet that begins a connection.
#[inline(always)]
pub const fn begins(ip: &Ip) -> bool {
    ip.kind as u8 & (SYN | ACK | RST) == SYN
}

/// The packet in the scratch memory is dropped, and its sender told if the rule wants that and the
/// sender may be told.
///
/// Starts from that alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn refused<T: Tables>(tables: &T, what: u32, reason: DropReason) -> Step {
    let dropped = Step::done(Verdict::Drop(reason).pack());
    let Some(scratch) = tables.scratch() else { return dropped };
    let sender = u32::from(scratch.flow.sender);
    let out = reason as u16 == DropReason::PolicyOut as u16;
    account::dropped(tables, if out { sender } else { scratch.flow.slot.into() }, reason);
    let ip = &scratch.ip;
    let group = scratch.flow.new & 1 != 0;
    let reject = u64::from(what) & rules::ACTION == rules::REJECT;
    if !reject || group || ip.family == 0 || !ip.may_complain() {
        return dropped;
    }
    if !tables.limit(sender).is_some_and(|limit| limit.errors.allows(tables.now())) {
        if let Some(stats) = tables.stats(sender) {
            stats.limited_errors.add_local(1);
        }
        return dropped;
    }
    if ip.protocol == u64::from(ipv4::TCP) {
        // Nobody answers a reset (RFC 9293, 3.10.7.1).
        return if ip.kind as u8 & RST == 0 { Step::reset(reason) } else { dropped };
    }
    route::prohibited(scratch);
    Step::refuse(reason)
}

/// True if the packets between these ports are asked for.
#[inline(always)]
pub const fn is_between(sender: u16, receiver: u16) -> bool {
    (sender | receiver) & port::FIREWALL != 0
}
