//! Sends a copy to every other port of the network.

use core::ops::ControlFlow;

use switch_common::{
    table::{
        flood::{CHUNK, Chunk, Key},
        overlay,
        port::{self, Form, Port},
    },
    verdict::{DropReason, Packed, Verdict},
};

use super::{Stop, account, emit, filter, record};
use crate::{
    edit,
    frame::{self, Audience, Outer, Place},
    packet::{Packet, Repeated},
    step::Step,
    tables::Tables,
};

/// Notes in the scratch memory where the frame is to be flooded.
#[inline(always)]
pub fn later<T: Tables>(tables: &T, place: &Place) -> Result<Step, Stop> {
    let scratch = tables.scratch().ok_or(Stop::Sender(DropReason::CopyFailed))?;
    scratch.place = place.pack();
    scratch.screen = 0;
    Ok(Step::flood())
}

/// Floods the frame to the place in the scratch memory.
#[inline(always)]
pub fn frame<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Packed {
    let ifindex = packet.ifindex();
    let Some(port) = tables.port(ifindex) else { return Verdict::Drop(DropReason::UnknownPort).pack() };
    let octets = packet.octets();
    if packet.flood(tables, ifindex) {
        account::flooded(tables, port.slot, octets);
        Verdict::Flooded.pack()
    } else {
        account::drop(tables, port.slot, DropReason::NoReceiver)
    }
}

/// Copies the frame to all members of the place in the scratch memory but its sender, each in the form
/// its port wants, and notes there what the frame's tag is afterwards. False if there are none.
///
/// The frame is edited at most twice, however many members there are: first come those who want it
/// as it is, then the others.
#[inline(always)]
pub fn copies<P: Packet, T: Tables>(packet: &mut P, tables: &T, sender: u32) -> bool {
    let Some(scratch) = tables.scratch() else { return false };
    let place = scratch.place.unpack();
    let key = Key { network: place.network, chunk: 0 };
    let last = match tables.members(&key) {
        Some(chunk) if chunk.last > 0 || has_other(chunk, sender) => chunk.last,
        _ => return false,
    };
    let (first, second) = match place.outer {
        Outer::Vlan => (Form::Tagged, Form::Untagged),
        Outer::Payload | Outer::Priority => (Form::Untagged, Form::Tagged),
    };
    let except = Except::new(sender, scratch.screen);
    let mut round = Round { packet, tables, except, place: place.pack(), form: first };
    P::repeat(last + 1, &mut round);
    round.form = second;
    P::repeat(last + 1, &mut round);
    scratch.place = round.place;
    true
}

/// True if the chunk has a member besides `sender`.
#[inline(always)]
fn has_other(chunk: &Chunk, sender: u32) -> bool {
    chunk.total > 1 || (chunk.total == 1 && chunk.members[0] != sender)
}

/// Who gets no copy here: the sender, and above its number whether ports with a firewall get none. If another
/// host is the sender, all hosts, because each gets its own copy from there. One word, because it lies on the stack.
#[derive(Clone, Copy)]
struct Except(u64);

impl Except {
    #[inline(always)]
    const fn new(sender: u32, firewalls: u32) -> Self {
        Self(sender as u64 | (firewalls as u64) << 32)
    }

    #[inline(always)]
    const fn has(self, ifindex: u32, receiver: &Port) -> bool {
        ifindex == self.0 as u32
            || self.0 >> 32 != 0 && receiver.is(port::FIREWALL)
            || overlay::is_host(self.0 as u32) && receiver.is(port::TUNNEL)
    }
}

/// The copies of one form, chunk by chunk.
struct Round<'a, P, T> {
    packet: &'a mut P,
    tables: &'a T,
    except: Except,
    place: frame::Packed,
    form: Form,
}

impl<P: Packet, T: Tables> Repeated for Round<'_, P, T> {
    #[inline(always)]
    fn turn(&mut self, number: u32) -> ControlFlow<()> {
        let mut place = self.place.unpack();
        let key = Key { network: place.network, chunk: number as u16 };
        let Some(chunk) = self.tables.members(&key) else { return ControlFlow::Continue(()) };
        let (start, end) = match self.form {
            Form::Tagged => (chunk.untagged, chunk.total),
            Form::Untagged | Form::Absent => (0, chunk.untagged),
        };
        if start >= end {
            return ControlFlow::Continue(());
        }
        if edit::retag(self.packet, &mut place, self.form).is_err() {
            uneditable(self.tables, chunk, start);
            return ControlFlow::Break(());
        }
        self.place = place.pack();
        let mut part = Part {
            packet: &mut *self.packet,
            tables: self.tables,
            chunk,
            place: self.place,
            except: self.except,
            start: start.into(),
            form: self.form,
        };
        P::repeat((end - start).into(), &mut part);
        ControlFlow::Continue(())
    }
}

/// The copies for some members of one chunk, who all want the frame as it is.
struct Part<'a, P, T> {
    packet: &'a mut P,
    tables: &'a T,
    chunk: &'a Chunk,
    place: frame::Packed,
    except: Except,
    /// Index of the first of them.
    start: u64,
    form: Form,
}

impl<P: Packet, T: Tables> Repeated for Part<'_, P, T> {
    #[inline(always)]
    fn turn(&mut self, index: u32) -> ControlFlow<()> {
        let index = (self.start + u64::from(index)) as usize;
        if index >= CHUNK {
            return ControlFlow::Break(());
        }
        let ifindex = self.chunk.members[index];
        if let Some(receiver) = self.tables.port(ifindex)
            && !self.except.has(ifindex, receiver)
            && listens(self.place.unpack().audience, receiver)
        {
            match self.copy(ifindex, receiver) {
                Ok(octets) => account::received(self.tables, receiver.slot, octets),
                Err(reason) => account::dropped(self.tables, receiver.slot, reason),
            }
        }
        ControlFlow::Continue(())
    }
}

impl<P: Packet, T: Tables> Part<'_, P, T> {
    /// One copy; returns its length.
    #[inline(always)]
    fn copy(&mut self, ifindex: u32, receiver: &Port) -> Result<u32, DropReason> {
        emit::check(self.packet, ifindex, receiver, &self.place.unpack(), self.form)?;
        // A tag in the frame counts, one that the hook holds beside it does not.
        let octets = self.packet.octets();
        if self.packet.copy_to(ifindex) { Ok(octets) } else { Err(DropReason::CopyFailed) }
    }
}

/// Copies the frame in the scratch memory to those ports with a firewall whose policies let it. True if it
/// begins a connection whose answer a firewall has to know.
///
/// One by one, and apart from the others, because to ask takes all the stack that there is.
#[inline(always)]
pub fn screened<P: Packet, T: Tables>(packet: &mut P, tables: &T, sender: u32) -> bool {
    let Some(scratch) = tables.scratch() else { return false };
    if scratch.screen == 0 {
        return false;
    }
    let network = scratch.place.unpack().network;
    let Some(chunk) = tables.members(&Key { network, chunk: 0 }) else { return false };
    let members = (chunk.last + 1) * CHUNK as u32;
    let mut screen = Screen { packet, tables, sender: sender.into(), network: network.into() };
    P::repeat(members, &mut screen);
    record::is_memorable(scratch)
}

/// One member after the other.
struct Screen<'a, P, T> {
    packet: &'a mut P,
    tables: &'a T,
    sender: u64,
    network: u64,
}

impl<P: Packet, T: Tables> Repeated for Screen<'_, P, T> {
    #[inline(always)]
    fn turn(&mut self, number: u32) -> ControlFlow<()> {
        let key = Key { network: self.network as u16, chunk: (number / CHUNK as u32) as u16 };
        let Some(chunk) = self.tables.members(&key) else { return ControlFlow::Break(()) };
        let index = number as usize % CHUNK;
        if index >= usize::from(chunk.total) {
            return ControlFlow::Continue(());
        }
        let ifindex = chunk.members[index];
        if u64::from(ifindex) == self.sender {
            return ControlFlow::Continue(());
        }
        let Some(receiver) = self.tables.port(ifindex) else { return ControlFlow::Continue(()) };
        if receiver.is(port::FIREWALL) {
            if filter::lets_in::<P, T>(self.tables, ifindex, receiver.slot) {
                self.packet.copy(self.tables, ifindex);
            } else {
                account::dropped(self.tables, receiver.slot, DropReason::PolicyIn);
            }
        }
        ControlFlow::Continue(())
    }
}

/// A copy of the frame in the scratch memory for the port at a device, in the form that it wants.
#[inline(always)]
pub fn copy<P: Packet, T: Tables>(packet: &mut P, tables: &T, ifindex: u32) {
    let (Some(receiver), Some(scratch)) = (tables.port(ifindex), tables.scratch()) else { return };
    let mut place = scratch.place.unpack();
    let form = receiver.form(place.network);
    let mut done = emit::check(packet, ifindex, receiver, &place, form);
    if done.is_ok() {
        done = edit::retag(packet, &mut place, form).map_err(|_| DropReason::TagFailed);
        scratch.place = place.pack();
    }
    let octets = packet.octets();
    match done {
        Ok(()) if packet.copy_to(ifindex) => account::received(tables, receiver.slot, octets),
        Ok(()) => account::dropped(tables, receiver.slot, DropReason::CopyFailed),
        Err(reason) => account::dropped(tables, receiver.slot, reason),
    }
}

/// True if the receiver is one of those that the copies are for.
#[inline(always)]
fn listens(audience: Audience, receiver: &Port) -> bool {
    match audience {
        Audience::All => true,
        Audience::Ports => !receiver.is(port::UPLINK),
        Audience::Uplinks => receiver.is(port::UPLINK),
    }
}

/// The frame could not be given the form that the rest of the network wants; the first of them counts it.
#[inline(always)]
fn uneditable<T: Tables>(tables: &T, chunk: &Chunk, member: u16) {
    let Some(ifindex) = chunk.members.get(usize::from(member)) else { return };
    if let Some(receiver) = tables.port(*ifindex) {
        account::dropped(tables, receiver.slot, DropReason::TagFailed);
    }
}
