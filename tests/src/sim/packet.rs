//! A frame in a vector, held the way a hook holds it.

use switch_common::wire::{eth, vlan};
use switch_ebpf::packet::{EditFailed, Packet, Repeated, Tag};

use crate::frame::Frame;

/// Offset of the outermost tag: behind the two addresses.
const TAG: usize = eth::LEN - 2;

/// How frames are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// As an skb is: the outermost tag beside the frame.
    Tc,
    /// As a driver's buffer is: all tags within the frame.
    Xdp,
}

/// A frame at a simulated hook.
#[derive(Clone, Debug)]
pub struct SimPacket {
    hook: Hook,
    ifindex: u32,
    octets: Vec<u8>,
    beside: Tag,
    copies: Vec<(u32, Frame)>,
}

impl SimPacket {
    /// A frame that came in at a device.
    pub fn new(hook: Hook, ifindex: u32, frame: &Frame) -> Self {
        let octets = frame.0.clone();
        let mut packet = Self { hook, ifindex, octets, beside: Tag::NONE, copies: Vec::new() };
        packet.hold_beside();
        packet
    }

    /// The frame as it would be on a wire.
    pub fn frame(&self) -> Frame {
        let mut octets = self.octets.clone();
        if self.beside.is_some() {
            insert(&mut octets, self.beside);
        }
        Frame(octets)
    }

    /// The copies that were sent.
    pub fn copies(&self) -> Vec<(u32, Frame)> {
        self.copies.clone()
    }

    /// Takes the outermost tag out of the frame, as the kernel does before TC.
    fn hold_beside(&mut self) {
        if self.hook == Hook::Tc && !self.beside.is_some() {
            self.beside = self.inline().unwrap_or(Tag::NONE);
            if self.beside.is_some() {
                self.octets.drain(TAG..TAG + vlan::LEN);
            }
        }
    }

    /// The outermost tag within the frame.
    fn inline(&self) -> Option<Tag> {
        let [a, b, c, d] = *self.at::<4>(TAG)?;
        let tpid = u16::from_be_bytes([a, b]);
        vlan::is_tag(tpid).then_some(Tag { tpid, tci: u16::from_be_bytes([c, d]) })
    }
}

fn insert(octets: &mut Vec<u8>, tag: Tag) {
    let tag = [tag.tpid.to_be_bytes(), tag.tci.to_be_bytes()].concat();
    octets.splice(TAG..TAG, tag);
}

impl Packet for SimPacket {
    fn ifindex(&self) -> u32 {
        self.ifindex
    }

    fn octets(&self) -> u32 {
        u32::try_from(self.octets.len()).unwrap_or(u32::MAX)
    }

    fn at<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        self.octets.get(offset..)?.first_chunk()
    }

    fn pull(&mut self, _octets: u32) {}

    fn tag_beside(&self) -> Tag {
        self.beside
    }

    fn push(&mut self, tag: Tag) -> Result<(), EditFailed> {
        match self.hook {
            Hook::Xdp => insert(&mut self.octets, tag),
            Hook::Tc => {
                if self.beside.is_some() {
                    insert(&mut self.octets, self.beside);
                }
                self.beside = tag;
            }
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<(), EditFailed> {
        if self.beside.is_some() {
            self.beside = Tag::NONE;
        } else if self.inline().is_some() {
            self.octets.drain(TAG..TAG + vlan::LEN);
        }
        self.hold_beside();
        Ok(())
    }

    fn fits(&self, _ifindex: u32, mtu: u32, payload: u32) -> bool {
        payload <= mtu
    }

    fn copy_to(&mut self, ifindex: u32) -> bool {
        self.copies.push((ifindex, self.frame()));
        true
    }

    fn repeat<B: Repeated>(count: u32, body: &mut B) {
        for index in 0..count {
            if body.turn(index).is_break() {
                return;
            }
        }
    }
}
