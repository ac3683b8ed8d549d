//! The door that answers to a flooded packet come in by.

use core::ops::ControlFlow;

use switch_common::{
    table::{
        flood::{CHUNK, Key},
        flow,
        port::Form,
    },
    wire::ipv4,
};

use super::{super::filter, back};
use crate::{
    packet::{Packet, Repeated},
    tables::{Scratch, Tables},
};

/// Finds the member of the network whose connection the packet in the scratch memory is of, if the packet goes
/// to one station and nobody knows where that is. It may have been silent for so long that the
/// forwarding database has forgotten it, and yet wait for an answer.
///
/// Starts from that alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn seek<P: Packet, T: Tables>(packet: &mut P, tables: &T) {
    let Some(scratch) = tables.scratch() else { return };
    let begins = scratch.ip.protocol == u64::from(ipv4::TCP) && filter::begins(&scratch.ip);
    if !is_lost(scratch) || begins {
        return;
    }
    let network = scratch.place.unpack().network;
    let Some(chunk) = tables.members(&Key { network, chunk: 0 }) else { return };
    let members = (chunk.last + 1) * CHUNK as u32;
    P::repeat(members, &mut Search { packet, tables, network: network.into() });
}

/// True for a packet that is to be flooded, and yet is for one station.
#[inline(always)]
pub(super) const fn is_lost(scratch: &Scratch) -> bool {
    scratch.screen != 0 && scratch.flow.egress == 0 && scratch.flow.new & 1 == 0 && scratch.ip.family != 0
}

/// One member after the other.
struct Search<'a, P, T> {
    packet: &'a P,
    tables: &'a T,
    network: u64,
}

impl<P: Packet, T: Tables> Repeated for Search<'_, P, T> {
    #[inline(always)]
    fn turn(&mut self, number: u32) -> ControlFlow<()> {
        let key = Key { network: self.network as u16, chunk: (number / CHUNK as u32) as u16 };
        let Some(chunk) = self.tables.members(&key) else { return ControlFlow::Break(()) };
        let Some(scratch) = self.tables.scratch() else { return ControlFlow::Break(()) };
        let index = number as usize % CHUNK;
        if index >= usize::from(chunk.total) {
            return ControlFlow::Continue(());
        }
        let ifindex = chunk.members[index];
        let Some(port) = self.tables.port(ifindex) else { return ControlFlow::Continue(()) };
        let tagged = port.form(key.network) == Form::Tagged;
        let door = flow::door(ifindex, if tagged { key.network } else { 0 });
        if !back::leads_back(self.packet, self.tables, scratch, door) {
            return ControlFlow::Continue(());
        }
        scratch.flow.back = door;
        scratch.matched = ifindex;
        ControlFlow::Break(())
    }
}
