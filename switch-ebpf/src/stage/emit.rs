//! Brings a frame into the form that its receiver wants.

use switch_common::{
    table::port::{self, Form, Port},
    verdict::{DropReason, Path},
    wire::vlan,
};

use super::Stop;
use crate::{edit, frame::Place, packet::Packet};

/// Checks that the receiver can take the frame, and gives the frame the tag that the receiver wants.
#[inline(always)]
pub fn frame<P: Packet>(
    packet: &mut P,
    ifindex: u32,
    receiver: &Port,
    place: &mut Place,
) -> Result<(), Stop> {
    let form = receiver.form(place.network);
    check(packet, ifindex, receiver, place, form)
        .and_then(|()| edit::retag(packet, place, form).map_err(|_| DropReason::TagFailed))
        .map_err(|reason| Stop::Receiver(receiver.slot, reason))
}

/// Whether a port can take the frame in this form, and if not, why.
#[inline(always)]
pub fn check<P: Packet>(
    packet: &P,
    ifindex: u32,
    receiver: &Port,
    place: &Place,
    form: Form,
) -> Result<(), DropReason> {
    if !receiver.is(port::UP) {
        return Err(DropReason::ReceiverDown);
    }
    if place.tagged_inside && form == Form::Untagged && !receiver.is(port::QINQ) {
        return Err(DropReason::InnerTag);
    }
    // What an MTU does not limit takes room in a tunnel all the same.
    let inner = if place.tagged_inside && receiver.is(port::TUNNEL) { vlan::LEN as u32 } else { 0 };
    if packet.fits(ifindex, receiver.mtu, place.length + inner) {
        Ok(())
    } else {
        Err(DropReason::MtuExceeded)
    }
}

/// Stops a frame at XDP whose receiver takes none from there.
#[inline(always)]
pub fn takes_xdp(receiver: &Port) -> Result<(), Stop> {
    if receiver.is(port::XDP_TARGET) { Ok(()) } else { Err(Stop::Pass) }
}

/// How the hook hands a frame to this receiver: straight into the peer's receive path where there is
/// one, through the device's queue otherwise (docs/adr/0004).
#[inline(always)]
pub fn path(receiver: &Port) -> Path {
    if receiver.is(port::PEER) { Path::Peer } else { Path::Device }
}
