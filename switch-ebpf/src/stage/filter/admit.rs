//! Asks the policies of one port.

use switch_common::{
    event::Event,
    table::{
        policy::CHAIN,
        port::{self, Port},
        rules::{self, ACTION, ALLOW, DROP, LOG},
    },
    verdict::Direction,
    wire::{icmp, ipv4},
};

use super::{super::account, MIRRORED, RECEIVER, TRIAL};
use crate::{
    classify::{self, NONE, Seen, Subject},
    ip::Ip,
    packet::Packet,
    tables::{Scratch, Tables},
};

/// Asks for the default instead of a rule.
const DEFAULT: u32 = 1 << 3;
/// Without a firewall everything passes, and nothing has to be remembered.
const NOBODY: u64 = ALLOW | rules::WITHOUT_STATE;

/// What the policies of the port at a device do with the packet in the scratch memory.
///
/// Starts from that alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn admit<P: Packet, T: Tables>(tables: &T, ifindex: u32, way: u32) -> u64 {
    let (Some(port), Some(scratch)) = (tables.port(ifindex), tables.scratch()) else { return NOBODY };
    if !port.is(port::FIREWALL) {
        return NOBODY;
    }
    scratch.asked = port.slot;
    let mut what = ask::<P, T>(tables, port, way);
    // An answer may be allowed by itself, where what it answers is not: unless it is TCP, which says
    // which packet is the first one.
    let again = what & ACTION != ALLOW && scratch.ip.protocol != u64::from(ipv4::TCP)
        || what & rules::WITHOUT_STATE != 0;
    if way & MIRRORED != 0 && again {
        what = ask::<P, T>(tables, port, way & !MIRRORED);
    }
    if what & ACTION != ALLOW && way & TRIAL != 0 {
        return what;
    }
    let rule = scratch.found;
    let counted = scratch.ip.begins_flow() && scratch.flow.egress != 0;
    if what & ACTION != ALLOW || !counted {
        account::hit(tables, rule, port.slot, [1, scratch.flow.bytes.get()]);
    }
    if way & RECEIVER == 0 {
        scratch.flow.rules[0] = rule;
    } else {
        scratch.flow.rules[1] = rule;
    }
    if what & LOG != 0 && (what & ACTION != ALLOW || scratch.begins != 0) {
        log(tables, scratch, way, rule, what);
    }
    what
}

/// Asks one policy after the other.
#[inline(always)]
fn ask<P: Packet, T: Tables>(tables: &T, port: &Port, way: u32) -> u64 {
    let mut index = 0;
    while index < CHAIN {
        let slot = port.policies[index];
        if slot == 0 {
            break;
        }
        let what = P::search(tables, slot.into(), way);
        if what != NONE {
            return what;
        }
        index += 1;
    }
    P::search(tables, port.fallback.into(), way | DEFAULT)
}

/// What one policy does with the packet in the scratch memory, [`NONE`] if none of its rules is for it.
///
/// Starts from that alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn search<P: Packet, T: Tables>(tables: &T, policy: u32, way: u32) -> u64 {
    let (Some(row), Some(scratch)) = (tables.policy(policy), tables.scratch()) else { return DROP };
    let head = row.head.get() as u32;
    scratch.found = 0;
    let Some(header) = classify::header(tables, head) else { return DROP };
    if head == 0 {
        return DROP;
    }
    let inward = is_inward(way);
    let stateless = if header.flags & rules::STATELESS == 0 { 0 } else { rules::WITHOUT_STATE };
    if way & DEFAULT != 0 {
        scratch.found = if inward { header.default_ids[0] } else { header.default_ids[1] };
        return header.default | stateless;
    }
    let side = if inward { &header.sides[0] } else { &header.sides[1] };
    let subject = subject(&scratch.ip, way);
    let found = classify::search::<P, T, _>(tables, head, side, &subject, Staged { way });
    scratch.found = found.id;
    if found.what == NONE { NONE } else { found.what | stateless }
}

/// True if the rules for packets towards the VM are asked, false for those from it.
#[inline(always)]
const fn is_inward(way: u32) -> bool {
    (way & RECEIVER == 0) == (way & MIRRORED != 0)
}

/// What rules are asked about: the packet, or the one that it answers.
#[inline(always)]
fn subject(ip: &Ip, way: u32) -> Subject {
    let peer = if way & RECEIVER == 0 { ip.destination } else { ip.source };
    let mirrored = way & MIRRORED != 0;
    let ports = if mirrored { (ip.ports as u32).rotate_left(16) } else { ip.ports as u32 };
    let (source, destination) = (u16::from_be(ports as u16), u16::from_be((ports >> 16) as u16));
    let service = if ip.family == 0 {
        rules::ethertype(ip.kind as u16)
    } else if ip.is_icmp() {
        rules::service(ip.protocol as u8, icmp_kind(ip, mirrored) << 8 | ip.code as u16)
    } else {
        rules::service(ip.protocol as u8, destination)
    };
    let source = if ip.is_icmp() { 0 } else { source };
    Subject { family: ip.family, peer, service: service.into(), source: source.into() }
}

/// The type of an ICMP message, or of the request that it answers.
#[inline(always)]
const fn icmp_kind(ip: &Ip, mirrored: bool) -> u16 {
    let kind = ip.kind as u8;
    (match (mirrored, ip.family, kind) {
        (true, 4, icmp::ECHO_REPLY) => icmp::ECHO,
        (true, 6, icmp::ECHO_REPLY6) => icmp::ECHO6,
        (true, 4, icmp::ECHO) => icmp::ECHO_REPLY,
        (true, 6, icmp::ECHO6) => icmp::ECHO_REPLY6,
        _ => kind,
    }) as u16
}

/// Takes note of staged rules that would have decided.
struct Staged {
    way: u32,
}

impl Seen for Staged {
    #[inline(always)]
    fn staged<T: Tables>(&mut self, tables: &T, id: u64, what: u64) {
        let Some(scratch) = tables.scratch() else { return };
        account::hit(tables, id, scratch.asked, [1, scratch.flow.bytes.get()]);
        if what & LOG != 0 && scratch.begins != 0 {
            log(tables, scratch, self.way, id, what);
        }
    }
}

/// Tells user space of a decision, unless the port's packets have caused too many events.
#[inline(always)]
fn log<T: Tables>(tables: &T, scratch: &mut Scratch, way: u32, rule: u64, what: u64) {
    let slot = scratch.asked;
    let now = tables.now();
    if !tables.limit(slot).is_some_and(|limit| limit.events.allows(now)) {
        return;
    }
    let ip = &scratch.ip;
    let ports = if ip.is_icmp() { (ip.kind as u32) << 16 | (ip.code as u32) << 24 } else { ip.ports as u32 };
    scratch.event = Event {
        time: now,
        rule,
        what,
        source: ip.source,
        destination: ip.destination,
        ports,
        family: ip.family as u16,
        protocol: if ip.family == 0 { ip.kind as u16 } else { ip.protocol as u16 },
        slot,
        direction: if way & RECEIVER == 0 { Direction::Out as u32 } else { Direction::In as u32 },
        network: ip.network as u32,
        octets: scratch.flow.bytes.get() as u32,
    };
    tables.tell(&scratch.event);
}
