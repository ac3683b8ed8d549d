//! Brings a frame's tags into the form that a receiver wants.

use switch_common::table::port::Form;

use crate::{
    frame::{Outer, Place},
    packet::{EditFailed, Packet},
};

/// Pushes, pops or replaces the outermost tag, and notes in `place` what it is afterwards.
///
/// # Errors
/// When the kernel cannot edit the frame.
#[inline(always)]
pub fn retag<P: Packet>(packet: &mut P, place: &mut Place, form: Form) -> Result<(), EditFailed> {
    let wanted = match form {
        Form::Tagged => Outer::Vlan,
        Form::Untagged | Form::Absent => Outer::Payload,
    };
    if place.outer == wanted {
        return Ok(());
    }
    if place.outer != Outer::Payload {
        packet.pop()?;
    }
    if wanted == Outer::Vlan {
        packet.push(place.tag)?;
    }
    place.outer = wanted;
    Ok(())
}
