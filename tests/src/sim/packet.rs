//! A frame in a vector, held the way a hook holds it.

use switch_common::wire::{eth, vlan};
use switch_ebpf::{
    packet::{EditFailed, Packet, Repeated, Tag},
    tunnel::Tunnel,
};
use zerocopy::IntoBytes;

use crate::frame::Frame;

/// Offset of the outermost tag: behind the two addresses.
const TAG: usize = eth::LEN - 2;

/// What stands where nobody has written yet.
const GARBAGE: u8 = 0xa5;

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
    segment: u32,
    /// Device that it came in at, whoever sent it there.
    device: u32,
    /// Tunnel that it came by.
    from: Option<Tunnel>,
    /// Tunnel that it goes into.
    into: Option<Tunnel>,
    /// What a device has summed up on arrival; `None` once the frame is another one.
    sum: Option<u16>,
}

impl SimPacket {
    /// A frame that came in at a device.
    pub fn new(hook: Hook, ifindex: u32, frame: &Frame) -> Self {
        let octets = frame.0.clone();
        let (beside, copies, segment) = (Tag::NONE, Vec::new(), 0);
        let (from, into) = (None, None);
        let device = ifindex;
        let mut packet =
            Self { hook, ifindex, octets, beside, copies, segment, device, from, into, sum: None };
        packet.hold_beside();
        packet.sum = Some(packet.summed());
        packet
    }

    /// A frame that came out of a tunnel at a device.
    #[must_use]
    pub fn out_of(mut self, tunnel: Tunnel) -> Self {
        self.from = Some(tunnel);
        self
    }

    /// The tunnel that it goes into.
    pub fn into_tunnel(&self) -> Option<Tunnel> {
        self.into
    }

    /// The same as a frame that will be several packets on the wire, with this many octets of
    /// payload each.
    #[must_use]
    pub fn in_segments_of(mut self, octets: u32) -> Self {
        self.segment = octets;
        self
    }

    /// True if the sum of the whole packet is still the one that the device knows. Nobody looks at
    /// that of ARP.
    pub fn sum_is_kept(&self) -> bool {
        let kind = self.at::<2>(self.packet() - 2).map(|kind| u16::from_be_bytes(*kind));
        kind == Some(eth::ARP) || self.sum.is_none_or(|sum| sum == self.summed())
    }

    /// The sum of the packet, in one's complement, as it stands in memory.
    fn summed(&self) -> u16 {
        let payload = self.octets.get(self.packet()..).unwrap_or_default();
        let word = |pair: &[u8]| u16::from_ne_bytes([pair[0], *pair.get(1).unwrap_or(&0)]);
        payload.chunks(2).map(word).fold(0, add)
    }

    /// Offset of what stands behind all tags.
    fn packet(&self) -> usize {
        let tagged = |at: &usize| {
            let kind = self.at::<2>(at - 2).map(|kind| u16::from_be_bytes(*kind));
            kind.is_some_and(vlan::is_tag)
        };
        let mut at = eth::LEN;
        while tagged(&at) {
            at += vlan::LEN;
        }
        at
    }

    /// Octets of the headers of the packet, up to the payload of TCP or UDP.
    fn headers(&self) -> u32 {
        const TCP: u8 = 6;
        let start = self.packet();
        let octet = |at: usize| self.octets.get(start + at).copied().unwrap_or_default();
        let (ip, protocol) = match octet(0) >> 4 {
            4 => (usize::from(octet(0) & 15) * 4, octet(9)),
            _ => (40, octet(6)),
        };
        let transport = if protocol == TCP { usize::from(octet(ip + 12) >> 4) * 4 } else { 8 };
        u32::try_from(ip + transport).unwrap_or(u32::MAX)
    }

    /// How it is held.
    pub fn hook(&self) -> Hook {
        self.hook
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

/// One's complement addition.
fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    let sum = sum + u16::from(carry);
    // Both are zero.
    if sum == u16::MAX { 0 } else { sum }
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

    fn at_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]> {
        self.octets.get_mut(offset..)?.first_chunk_mut()
    }

    fn copy_out<const N: usize>(&self, offset: usize, to: &mut [u64; N]) -> u32 {
        let octets = self.octets.get(offset..).unwrap_or_default();
        let copied = octets.len().min(8 * N);
        to.as_mut_bytes()[..copied].copy_from_slice(&octets[..copied]);
        u32::try_from(copied).unwrap_or(u32::MAX)
    }

    fn copy_in<const N: usize>(
        &mut self,
        offset: usize,
        octets: u32,
        from: &[u64; N],
    ) -> Result<(), EditFailed> {
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        let words: Vec<u8> = from.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let there = self.octets.get_mut(offset..offset + octets).ok_or(EditFailed)?;
        there.copy_from_slice(words.get(..octets).ok_or(EditFailed)?);
        Ok(())
    }

    fn resize(&mut self, octets: u32) -> Result<(), EditFailed> {
        self.octets.resize(octets as usize, 0);
        (self.segment, self.sum) = (0, None);
        Ok(())
    }

    fn insert(&mut self, octets: u32) -> Result<(), EditFailed> {
        let room = vec![GARBAGE; octets as usize];
        self.octets.splice(eth::LEN..eth::LEN, room);
        self.sum = None;
        Ok(())
    }

    fn segment(&self) -> u32 {
        self.segment
    }

    fn resum(&mut self, difference: u32) {
        let [a, b, c, d] = difference.to_ne_bytes();
        let words = [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d])];
        self.sum = self.sum.map(|sum| words.into_iter().fold(sum, add));
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
        if self.segment == 0 { payload <= mtu } else { self.headers() + self.segment <= mtu }
    }

    fn is_at(&self, device: u64) -> bool {
        u64::from(self.device) == device
    }

    fn tunnel(&self, _family: u64, tunnel: &mut Tunnel) -> Result<(), EditFailed> {
        *tunnel = self.from.ok_or(EditFailed)?;
        Ok(())
    }

    fn set_tunnel(&mut self, _family: u64, tunnel: &Tunnel) -> Result<(), EditFailed> {
        self.into = Some(*tunnel);
        Ok(())
    }

    fn come_by(&mut self, ifindex: u32) {
        self.ifindex = ifindex;
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
