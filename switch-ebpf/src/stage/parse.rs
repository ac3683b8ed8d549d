//! Reads the Ethernet header and the outermost tag.

use switch_common::{
    verdict::DropReason,
    wire::{
        eth::{self, Eth},
        vlan::{self, Vlan},
    },
};

use super::Stop;
use crate::{
    frame::Frame,
    packet::{Packet, Tag},
};

/// What the frame's first octets say.
///
/// A hook may hold the outermost tag beside the frame (TC: skb metadata) or leave it in the frame
/// (XDP); either way it comes out the same. `octets` is the length of the frame.
#[inline(always)]
pub fn frame<P: Packet>(packet: &P, octets: u32) -> Result<Frame, Stop> {
    let runt = Stop::Sender(DropReason::Runt);
    let header = Eth(packet.at::<{ eth::LEN }>(0).ok_or(runt)?);
    let (destination, source, ethertype) = (header.destination(), header.source(), header.ethertype());
    let beside = packet.tag_beside();
    if beside.is_some() || !vlan::is_tag(ethertype) {
        let payload = eth::LEN;
        let length = octets.wrapping_sub(eth::LEN as u32);
        return Ok(Frame { destination, source, tag: beside, ethertype, payload, length });
    }
    let inline = Vlan(packet.at::<{ vlan::LEN }>(eth::LEN).ok_or(runt)?);
    let tag = Tag { tpid: ethertype, tci: inline.tci() };
    let payload = eth::LEN + vlan::LEN;
    let length = octets.wrapping_sub(payload as u32);
    Ok(Frame { destination, source, tag, ethertype: inline.ethertype(), payload, length })
}
