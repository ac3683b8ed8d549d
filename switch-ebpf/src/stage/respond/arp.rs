//! ARP (RFC 826).

use switch_common::{
    addr::{MacWord, ipv4_words},
    verdict::DropReason,
    wire::{
        arp::{self, Arp},
        eth,
    },
};

use super::{
    super::{Stop, route as router},
    Job,
};
use crate::{packet::Packet, step::Step, tables::Tables};

/// Who asks whom.
struct Question {
    sender: [u8; 4],
    mac: MacWord,
    target: [u8; 4],
    request: bool,
}

#[inline(always)]
pub(super) fn frame<P: Packet, T: Tables>(packet: &mut P, tables: &T, job: &Job<'_>) -> Result<Step, Stop> {
    let question = read(packet, job)?;
    let sender = ipv4_words(question.sender);
    job.refuse_gateway(tables, 4, sender)?;
    let target = ipv4_words(question.target);
    let to_router = job.is_for_router() || job.is_gateway(tables, 4, target);
    if question.sender != [0; 4] {
        let gateway = if to_router { job.gateway } else { None };
        router::heard(tables, gateway, job.port, job.place.network, 4, sender, question.mac);
    }
    if question.request {
        let mac = job.answer_for(tables, 4, target);
        if mac != 0 {
            let mac = MacWord::from_octets(mac.to_le_bytes());
            answer(packet, job, &question, mac).ok_or(Stop::Sender(DropReason::EditFailed))?;
            return Ok(job.back(tables, job.octets));
        }
    }
    if job.is_for_router() { Ok(job.taken(tables)) } else { Err(Stop::Pass) }
}

/// What is asked or announced.
#[inline(always)]
fn read<P: Packet>(packet: &P, job: &Job<'_>) -> Result<Question, Stop> {
    let octets = packet.at(job.frame.payload).ok_or(Stop::Sender(DropReason::Runt))?;
    let arp = Arp(octets);
    if !arp.is_ethernet_ipv4() || !(arp.is_request() || arp.is_reply()) {
        return Err(Stop::Pass);
    }
    Ok(Question {
        sender: arp.sender_ip(),
        mac: arp.sender_mac(),
        target: arp.target_ip(),
        request: arp.is_request(),
    })
}

#[inline(always)]
fn answer<P: Packet>(packet: &mut P, job: &Job<'_>, question: &Question, mac: MacWord) -> Option<()> {
    let reply = packet.at_mut(job.frame.payload)?;
    arp::write(reply, arp::REPLY, (mac, question.target), (question.mac, question.sender));
    eth::readdress(packet.at_mut(0)?, eth::addresses(job.frame.source, mac));
    Some(())
}
