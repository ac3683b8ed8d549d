//! Tells a sender what became of its packet (RFC 1812, 4.3; RFC 4443, 2.4 and 3).

use switch_common::{
    addr::{IpWords, ip_octets, is_unspecified},
    table::{port::Port, route},
    verdict::{DropReason, Packed, Verdict},
    wire::{
        eth::{self, Eth},
        icmp,
        ipv4::{self, Ipv4},
        ipv6::{self, Ipv6},
        sum, tcp, udp,
    },
};

use super::{
    super::{Stop, account, emit},
    Job, Message, lookup, unreachable,
};
use crate::{
    frame::Frame,
    ip::{self, Ip},
    packet::{EditFailed, Packet},
    step::{Left, Step},
    tables::{QUOTE, Scratch, Tables},
};

/// Octets in front of the quotation in IPv4 and in IPv6.
const HEAD4: usize = ipv4::LEN + icmp::LEN;
const HEAD6: usize = ipv6::LEN + icmp::LEN;

/// What an error says, in one word.
#[derive(Clone, Copy, Debug)]
struct Complaint(u64);

impl Complaint {
    /// This message, about a packet of this family.
    #[inline(always)]
    const fn new(family: u64, (kind, code, info): Message) -> Self {
        Self(kind as u64 | (code as u64) << 8 | family << 16 | (info as u64) << 32)
    }

    #[inline(always)]
    const fn family(self) -> u64 {
        self.0 >> 16 & 0xff
    }

    #[inline(always)]
    const fn message(self) -> Message {
        (self.0 as u8, (self.0 >> 8) as u8, (self.0 >> 32) as u32)
    }
}

/// The packet is dropped, and its sender told why if it may be told and has not reached its limit.
#[inline(always)]
pub(super) fn about<T: Tables>(
    tables: &T,
    job: &Job<'_>,
    scratch: &mut Scratch,
    reason: DropReason,
    message: Message,
) -> Result<Step, Stop> {
    let silent = Err(Stop::Sender(reason));
    if !scratch.ip.may_complain() {
        return silent;
    }
    scratch.own = sender(tables, job, &scratch.ip);
    if is_unspecified(scratch.own) {
        return silent;
    }
    if !may_tell(tables, job.port) {
        return silent;
    }
    scratch.complaint = Complaint::new(scratch.ip.family, message).0;
    Ok(Step::complain(reason))
}

/// Says in the scratch memory that a policy forbids the packet, in the name of its receiver.
#[inline(always)]
pub fn prohibited(scratch: &mut Scratch) {
    let ip = &scratch.ip;
    scratch.own = ip.destination;
    let message = unreachable(ip, icmp::PROHIBITED, icmp::PROHIBITED6);
    scratch.complaint = Complaint::new(ip.family, message).0;
}

/// Notes in the scratch memory that a bridged packet is too large for the tunnel to its receiver, in whose name
/// the sender is told if it may be told and has not reached its limit.
#[inline(always)]
pub fn too_big<P: Packet, T: Tables>(
    packet: &P,
    tables: &T,
    port: &Port,
    frame: &Frame,
    scratch: &mut Scratch,
) -> Step {
    let silent = Step::done(Verdict::Drop(DropReason::MtuExceeded).pack());
    if ip::read(packet, frame, &mut scratch.ip).is_err() || !scratch.ip.may_complain() {
        return silent;
    }
    let [first, ..] = ip_octets(scratch.ip.destination);
    // Nobody answers for a group, and nobody is told who has no address yet.
    let group = if scratch.ip.family == 4 { first >= 224 } else { first == 0xff };
    if group || is_unspecified(scratch.ip.source) || !may_tell(tables, port) {
        return silent;
    }
    scratch.own = scratch.ip.destination;
    let (kind, code) = if scratch.ip.family == 4 {
        (icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED)
    } else {
        (icmp::TOO_BIG6, 0)
    };
    scratch.complaint = Complaint::new(scratch.ip.family, (kind, code, scratch.about as u32)).0;
    Step::refuse(DropReason::MtuExceeded)
}

/// True if a port has not reached its limit of errors.
#[inline(always)]
fn may_tell<T: Tables>(tables: &T, port: &Port) -> bool {
    let may = tables.limit(port.slot).is_some_and(|limit| limit.errors.allows(tables.now()));
    if !may && let Some(stats) = tables.stats(port.slot) {
        stats.limited_errors.add_local(1);
    }
    may
}

/// Tells the sender of a packet that it was rejected: that is counted already.
#[inline(always)]
pub fn refuse<P: Packet, T: Tables>(packet: &mut P, tables: &T, step: Step) -> Packed {
    let told = if step.left() == Left::Reset { packet.reset(tables) } else { packet.complain(tables) };
    back(packet, tables, told.is_ok(), step.verdict())
}

/// Tells the sender of a packet why it was dropped, as it was decided.
#[inline(always)]
pub fn complain<P: Packet, T: Tables>(packet: &mut P, tables: &T, step: Step) -> Packed {
    let ifindex = packet.ifindex();
    let Some(port) = tables.port(ifindex) else { return step.verdict() };
    let verdict = account::drop(tables, port.slot, step.reason());
    let told = packet.complain(tables).is_ok();
    back(packet, tables, told, verdict)
}

/// What becomes of a packet that was made an answer to its sender, if it was.
#[inline(always)]
fn back<P: Packet, T: Tables>(packet: &P, tables: &T, answered: bool, verdict: Packed) -> Packed {
    let ifindex = packet.ifindex();
    match tables.port(ifindex) {
        Some(port) if answered => {
            account::received(tables, port.slot, packet.octets());
            Verdict::Forward { ifindex, path: emit::path(port) }.pack()
        }
        _ => verdict,
    }
}

/// The address that an error comes from: the gateway of the sender's subnet, else the network's first one.
#[inline(always)]
fn sender<T: Tables>(tables: &T, job: &Job<'_>, ip: &Ip) -> IpWords {
    if let Some(target) = lookup::target(tables, job.gateway.vrf, ip.family, ip.source)
        && target.kind == route::CONNECTED
        && target.hops[0].network == u64::from(job.place.network)
    {
        return target.hops[0].own;
    }
    if ip.family == 4 { job.gateway.ipv4 } else { job.gateway.ipv6 }
}

/// Makes the packet an error about itself, back to its sender. What it says, and the address that it
/// comes from, are in the scratch memory.
///
/// # Errors
/// When the kernel cannot edit the frame.
#[inline(always)]
pub fn error<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Result<(), EditFailed> {
    let scratch = tables.scratch().ok_or(EditFailed)?;
    let complaint = Complaint(scratch.complaint);
    let header = Eth(packet.at(0).ok_or(EditFailed)?);
    let (to, from) = (header.source(), header.destination());
    let quoted = quote(packet, &mut scratch.quote, complaint.family())?;
    let sums = cut(packet, scratch, quoted)?;
    let own = scratch.own;
    let source = [scratch.quote[1], scratch.quote[2]];
    if complaint.family() == 4 {
        packet.insert(HEAD4 as u32)?;
        eth::write(packet.at_mut(0).ok_or(EditFailed)?, to, from, eth::IPV4);
        let [a, b, c, d, ..] = ip_octets(own);
        // The source address stands at octet 12 of what is quoted.
        let [.., e, f, g, h] = source[0].to_ne_bytes();
        let octets = HEAD4 as u32 + quoted;
        let header = packet.at_mut(eth::LEN).ok_or(EditFailed)?;
        ipv4::write(header, octets as u16, ipv4::ICMP, [a, b, c, d], [e, f, g, h]);
        return message(packet, eth::LEN + ipv4::LEN, complaint, sums);
    }
    packet.insert(HEAD6 as u32)?;
    eth::write(packet.at_mut(0).ok_or(EditFailed)?, to, from, eth::IPV6);
    let payload = icmp::LEN as u32 + quoted;
    let header = packet.at_mut(eth::LEN).ok_or(EditFailed)?;
    // The source address stands at octet 8.
    ipv6::write(header, payload as u16, ipv6::ICMPV6, 255, own, source);
    let sums = sums + sum::pseudo_header(own, source, payload, ipv6::ICMPV6);
    message(packet, eth::LEN + ipv6::LEN, complaint, sums)
}

/// Cuts the packet to what is quoted of it; returns its sum.
///
/// A sender may have left the checksum of its packet to the device, which will compute it at the end of
/// what is left, and write it into the quotation: the sum is the one that will be true then. The kernel
/// does not say so, but it refuses to cut such a packet off within its checksum. One whose checksum lies
/// deeper, in a tunnel, is not quoted.
#[inline(always)]
fn cut<P: Packet>(packet: &mut P, scratch: &Scratch, quoted: u32) -> Result<u64, EditFailed> {
    let Scratch { ip, quote, .. } = scratch;
    let upper = (ip.upper - ip.offset) as u32;
    let protocol = ip.protocol as u8;
    let field = upper + if protocol == ipv4::TCP { tcp::CHECKSUM } else { udp::CHECKSUM };
    let mut pending = false;
    if protocol == ipv4::TCP || protocol == ipv4::UDP {
        pending = packet.resize(eth::LEN as u32 + field + 1).is_err();
        if pending {
            packet.resize(eth::LEN as u32 + field + 2)?;
        }
    }
    packet.resize(eth::LEN as u32 + quoted)?;
    packet.copy_in(eth::LEN, quoted, quote)?;
    if !pending {
        return Ok(sum::words(0, quote));
    }
    // All from the upper layer on will sum up to the complement of the pseudo-header's sum, which is
    // where the checksum will be.
    let pseudo = (u64::from_le(word(quote, field / 8)) >> (field % 8 * 8)) as u16;
    Ok(sum::words(0, &first(quote, upper)) + u64::from((!pseudo).to_le()))
}

/// A word of a quotation. By comparison, because the verifier loses sight of a number that it has bounded.
#[inline(always)]
fn word(quote: &[u64; QUOTE / 8], number: u32) -> u64 {
    let (mut index, mut word) = (0, 0);
    while index < QUOTE / 8 {
        if index as u32 == number {
            word = quote[index];
        }
        index += 1;
    }
    word
}

/// The first octets of a quotation, and zeros behind them.
#[inline(always)]
fn first(quote: &[u64; QUOTE / 8], octets: u32) -> [u64; QUOTE / 8] {
    let mut first = *quote;
    let mut index = 0;
    while index < QUOTE / 8 {
        let keep = octets.saturating_sub(index as u32 * 8);
        if keep < 8 {
            first[index] &= u64::from_le((1 << (keep * 8)) - 1);
        }
        index += 1;
    }
    first
}

/// Writes the ICMP header in front of what sums up to `sums`.
#[inline(always)]
fn message<P: Packet>(
    packet: &mut P,
    offset: usize,
    complaint: Complaint,
    sums: u64,
) -> Result<(), EditFailed> {
    let (kind, code, info) = complaint.message();
    icmp::write(packet.at_mut(offset).ok_or(EditFailed)?, kind, code, info, sums);
    Ok(())
}

/// Copies the beginning of the packet; returns how many octets of it there are. The rest is zeros.
#[inline(always)]
fn quote<P: Packet>(packet: &P, quote: &mut [u64; QUOTE / 8], family: u64) -> Result<u32, EditFailed> {
    *quote = [0; QUOTE / 8];
    let copied = packet.copy_out(eth::LEN, quote);
    let claimed = if family == 4 {
        Ipv4(packet.at(eth::LEN).ok_or(EditFailed)?).total_len().into()
    } else {
        u32::from(Ipv6(packet.at(eth::LEN).ok_or(EditFailed)?).payload_len()) + ipv6::LEN as u32
    };
    // A packet that claims nothing is longer than its header can say; and a frame may be longer than its packet.
    let quoted = if claimed < copied && claimed > ipv4::LEN as u32 { claimed } else { copied };
    *quote = first(quote, quoted);
    Ok(quoted)
}
