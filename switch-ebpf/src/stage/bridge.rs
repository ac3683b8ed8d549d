//! Finds the receiver of a frame in its network.

use switch_common::{
    table::{
        fdb, overlay,
        port::{Form, Port},
    },
    verdict::DropReason,
};

use super::Stop;
use crate::{
    frame::{Frame, Place},
    tables::Tables,
};

/// Who gets a frame.
///
/// A pair instead of an enum: it stays in registers, where an enum became a structure on the stack
/// that the verifier refused for its alignment.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Interface index of the receiving port.
    pub ifindex: u32,
    /// The receiving port; `None` for every other port of the network.
    pub port: Option<&'a Port>,
}

impl Target<'_> {
    const EVERYONE: Self = Self { ifindex: 0, port: None };
}

/// The port of the destination if it is known, everyone otherwise.
///
/// An entry that has aged, whose port is gone, or whose port has left the network counts as unknown.
#[inline(always)]
pub fn target<'a, T: Tables>(
    tables: &'a T,
    sender: u32,
    frame: &Frame,
    place: &Place,
) -> Result<Target<'a>, Stop> {
    if frame.destination.is_multicast() {
        return Ok(Target::EVERYONE);
    }
    let key = fdb::Key::of(place.network, frame.destination);
    let Some(entry) = tables.station(&key) else {
        return Ok(Target::EVERYONE);
    };
    let ageing = tables.config().map_or(0, |config| config.ageing_ns);
    if !entry.is_static() && !entry.is_fresh(tables.now(), ageing) {
        return Ok(Target::EVERYONE);
    }
    let ifindex = entry.ifindex;
    // Whoever believes that a station is at another host sends it there: what comes here and is not for here
    // would go round between two that are wrong.
    if ifindex == sender || overlay::is_host(ifindex) && overlay::is_host(sender) {
        return Err(Stop::Sender(DropReason::SamePort));
    }
    match tables.port(ifindex) {
        Some(port) if port.form(place.network) != Form::Absent => Ok(Target { ifindex, port: Some(port) }),
        _ => Ok(Target::EVERYONE),
    }
}
