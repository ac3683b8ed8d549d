//! Finds the network of a frame, from its tag and the port it came in at.

use switch_common::{
    table::port::{self, Port},
    verdict::DropReason,
    wire::vlan,
};

use super::Stop;
use crate::{
    frame::{Audience, Frame, Outer, Place},
    packet::Tag,
};

/// Priority and drop eligibility within the control information: what a frame keeps when its VLAN changes.
const PRIORITY: u16 = !vlan::VID;

/// The place of a frame, or the reason why it has none.
#[inline(always)]
pub fn frame(frame: &Frame, port: &Port) -> Result<Place, Stop> {
    let vid = frame.tag.tci & vlan::VID;
    if port.is(port::QINQ) {
        return Ok(Place {
            network: port.pvid,
            tag: own_tag(vlan::SERVICE, frame, port.pvid),
            outer: Outer::Payload,
            tagged_inside: frame.tag.is_some(),
            length: frame.length,
            audience: Audience::All,
        });
    }
    if frame.tag.is_some() && vid != 0 {
        return tagged(frame, port, vid);
    }
    untagged(frame, port)
}

/// A frame that names its VLAN.
#[inline(always)]
fn tagged(frame: &Frame, port: &Port, vid: u16) -> Result<Place, Stop> {
    if !port.is(port::TRUNK) {
        return Err(Stop::Sender(DropReason::TaggedOnAccess));
    }
    if !port.carries(vid) {
        return Err(foreign(port, DropReason::VlanNotAllowed));
    }
    Ok(Place {
        network: vid,
        tag: frame.tag,
        outer: Outer::Vlan,
        tagged_inside: frame.has_inner_tag(),
        length: length(frame),
        audience: Audience::All,
    })
}

/// A frame without a tag, or with one that only carries a priority.
#[inline(always)]
fn untagged(frame: &Frame, port: &Port) -> Result<Place, Stop> {
    if port.pvid == 0 {
        return Err(foreign(port, DropReason::UntaggedOnTrunk));
    }
    // A second tag behind a priority tag would become the outermost one and choose a VLAN.
    if frame.has_inner_tag() && !port.is(port::TRUNK) {
        return Err(Stop::Sender(DropReason::TaggedOnAccess));
    }
    Ok(Place {
        network: port.pvid,
        tag: own_tag(vlan::CUSTOMER, frame, port.pvid),
        outer: if frame.tag.is_some() { Outer::Priority } else { Outer::Payload },
        tagged_inside: frame.has_inner_tag(),
        length: length(frame),
        audience: Audience::All,
    })
}

/// Octets behind the tags of a frame whose outermost tag is the switch's.
#[inline(always)]
fn length(frame: &Frame) -> u32 {
    let inner = if frame.has_inner_tag() { vlan::LEN as u32 } else { 0 };
    frame.length.saturating_sub(inner)
}

/// The tag of a VLAN with the priority that the frame came with, 0 if it had none.
#[inline(always)]
fn own_tag(tpid: u16, frame: &Frame, vid: u16) -> Tag {
    Tag { tpid, tci: frame.tag.tci & PRIORITY | vid }
}

/// A VLAN that is not the switch's: at an uplink it is the host's, elsewhere and in tunnels it is refused.
#[inline(always)]
fn foreign(port: &Port, reason: DropReason) -> Stop {
    if port.is(port::UPLINK) && !port.is(port::TUNNEL) { Stop::Pass } else { Stop::Sender(reason) }
}
