//! Neighbour discovery (RFC 4861).

use switch_common::{
    addr::{IpWords, MacWord, is_unspecified},
    verdict::DropReason,
    wire::{
        eth,
        ipv6::{self, Ipv6},
        nd::{self, Neighbour},
        sum,
    },
};

use super::{
    super::{Stop, route as router},
    Job,
};
use crate::{packet::Packet, step::Step, tables::Tables};

/// Who asks for whom, or announces what. Whole words, because it lies on the stack.
struct Message {
    kind: u64,
    source: IpWords,
    target: IpWords,
}

#[inline(always)]
pub(super) fn frame<P: Packet, T: Tables>(packet: &mut P, tables: &T, job: &Job<'_>) -> Result<Step, Stop> {
    let message = read(packet, tables, job)?;
    let network = job.place.network;
    if message.kind == u64::from(nd::NEIGHBOUR_ADVERTISEMENT) {
        job.refuse_gateway(tables, 6, message.target)?;
        let gateway = if job.is_for_router() { job.gateway } else { None };
        router::heard(tables, gateway, job.port, network, 6, message.target, job.frame.source);
        return if job.is_for_router() { Ok(job.taken(tables)) } else { Err(Stop::Pass) };
    }
    let unspecified = is_unspecified(message.source);
    if !unspecified {
        job.refuse_gateway(tables, 6, message.source)?;
        let to_router = job.is_gateway(tables, 6, message.target);
        let gateway = if to_router { job.gateway } else { None };
        router::heard(tables, gateway, job.port, network, 6, message.source, job.frame.source);
    }
    let mac = job.answer_for(tables, 6, message.target);
    if mac != 0 {
        let mac = MacWord::from_octets(mac.to_le_bytes());
        let router = job.is_gateway(tables, 6, message.target);
        answer(packet, job, &message, mac, router).ok_or(Stop::Sender(DropReason::EditFailed))?;
        return Ok(job.back(tables, LENGTH));
    }
    if job.is_for_router() { Ok(job.taken(tables)) } else { Err(Stop::Pass) }
}

/// Octets of an answer in its frame.
const LENGTH: u32 = (eth::LEN + ipv6::LEN + nd::MESSAGE_LEN) as u32;

/// What is asked or announced, by one on the link.
#[inline(always)]
fn read<P: Packet, T: Tables>(packet: &P, tables: &T, job: &Job<'_>) -> Result<Message, Stop> {
    let offset = job.frame.payload;
    let header = Ipv6(packet.at(offset).ok_or(Stop::Pass)?);
    if !header.is_valid() || header.next_header() != ipv6::ICMPV6 || header.hop_limit() != nd::HOP_LIMIT {
        return Err(Stop::Pass);
    }
    let source = header.source_words();
    let kind = packet.at::<1>(offset + ipv6::LEN).map_or(0, |octets| octets[0]);
    if matches!(kind, nd::ROUTER_ADVERTISEMENT | nd::REDIRECT) {
        // Both speak for the router that they come from.
        job.refuse_gateway(tables, 6, source)?;
    }
    let octets = packet.at::<{ nd::LEN }>(offset + ipv6::LEN).ok_or(Stop::Pass)?;
    let (kind, code) = (octets[0], octets[1]);
    if code != 0 || !matches!(kind, nd::NEIGHBOUR_SOLICITATION | nd::NEIGHBOUR_ADVERTISEMENT) {
        return Err(Stop::Pass);
    }
    Ok(Message { kind: kind.into(), source, target: Neighbour(octets).target_words() })
}

/// Makes the question its answer. One who asks without an address, because it checks whether it may
/// have it, is told by way of all nodes (RFC 4861, 7.2.4).
#[inline(always)]
fn answer<P: Packet>(
    packet: &mut P,
    job: &Job<'_>,
    message: &Message,
    mac: MacWord,
    router: bool,
) -> Option<()> {
    let unspecified = is_unspecified(message.source);
    let (to, link) = if unspecified {
        (nd::ALL_NODES, nd::group_mac(nd::ALL_NODES))
    } else {
        (message.source, job.frame.source)
    };
    packet.resize(LENGTH).ok()?;
    eth::write(packet.at_mut(0)?, link, mac, eth::IPV6);
    let payload = nd::MESSAGE_LEN as u32;
    ipv6::write(packet.at_mut(eth::LEN)?, payload as u16, ipv6::ICMPV6, nd::HOP_LIMIT, message.target, to);
    let flags =
        nd::OVERRIDE | if unspecified { 0 } else { nd::SOLICITED } | if router { nd::ROUTER } else { 0 };
    let written = packet.at_mut(eth::LEN + ipv6::LEN)?;
    let sums = nd::write(written, nd::NEIGHBOUR_ADVERTISEMENT, flags, message.target, mac);
    nd::set_checksum(written, sums + sum::pseudo_header(message.target, to, payload, ipv6::ICMPV6));
    Some(())
}
