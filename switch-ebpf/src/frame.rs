//! What the first stages find out about a frame, for the later ones.

use switch_common::{addr::MacWord, wire::vlan};

use crate::packet::Tag;

/// The Ethernet header and the outermost tag.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Receiver.
    pub destination: MacWord,
    /// Sender.
    pub source: MacWord,
    /// Outermost tag, wherever it is held.
    pub tag: Tag,
    /// Ethertype behind that tag.
    pub ethertype: u16,
    /// Offset of what follows that ethertype.
    pub payload: usize,
    /// Octets of what follows it.
    pub length: u32,
}

impl Frame {
    /// True if there is a tag below the outermost one.
    #[inline(always)]
    pub const fn has_inner_tag(&self) -> bool {
        vlan::is_tag(self.ethertype)
    }
}

/// The frame's place in the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Broadcast domain.
    pub network: u16,
    /// The tag with which it leaves through a port that wants one.
    pub tag: Tag,
    /// What the outermost tag of the frame is at this moment.
    pub outer: Outer,
    /// Without a tag of the switch, what is left begins with a tag.
    pub tagged_inside: bool,
    /// Octets behind the tags, of which a customer's tag within a service tag is one: what an MTU limits.
    pub length: u32,
    /// Who gets copies if it is flooded.
    pub audience: Audience,
}

/// Who gets copies of a flooded frame. What the router sends leaves by an uplink with another
/// address than by a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Audience {
    /// All members of the network but the sender.
    All = 0,
    /// Ports.
    Ports = 1,
    /// Uplinks.
    Uplinks = 2,
}

impl Place {
    const TAGGED_INSIDE: u64 = 1 << 24;
    const AUDIENCE_SHIFT: u32 = 32;

    /// The same in words.
    #[inline(always)]
    pub const fn pack(&self) -> Packed {
        let inside = if self.tagged_inside { Self::TAGGED_INSIDE } else { 0 };
        Packed {
            about: self.network as u64
                | (self.outer as u64) << 16
                | inside
                | (self.audience as u64) << Self::AUDIENCE_SHIFT,
            tag: (self.tag.tpid as u64) << 16 | self.tag.tci as u64,
            length: self.length as u64,
        }
    }
}

/// A [`Place`] in whole words: the form in which it crosses to a function that the verifier judges
/// by itself, or lies on the stack, where the verifier refuses the misaligned stores that LLVM
/// merges from smaller neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Network, and what the tags are.
    pub about: u64,
    /// The tag.
    pub tag: u64,
    /// Octets behind the tags.
    pub length: u64,
}

impl Packed {
    /// Chooses who gets copies.
    #[inline(always)]
    pub const fn set_audience(&mut self, audience: Audience) {
        self.about = self.about & !(3 << Place::AUDIENCE_SHIFT) | (audience as u64) << Place::AUDIENCE_SHIFT;
    }

    /// The place that was packed.
    #[inline(always)]
    pub const fn unpack(&self) -> Place {
        Place {
            network: self.about as u16,
            tag: Tag { tpid: (self.tag >> 16) as u16, tci: self.tag as u16 },
            outer: match self.about >> 16 & 3 {
                0 => Outer::Payload,
                1 => Outer::Priority,
                _ => Outer::Vlan,
            },
            tagged_inside: self.about & Place::TAGGED_INSIDE != 0,
            length: self.length as u32,
            audience: match self.about >> Place::AUDIENCE_SHIFT & 3 {
                0 => Audience::All,
                1 => Audience::Ports,
                _ => Audience::Uplinks,
            },
        }
    }
}

/// What the outermost tag of a frame is to the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Outer {
    /// Nothing: the frame has none, or it is payload (802.1ad).
    Payload = 0,
    /// A priority tag: the switch's, but without its VLAN.
    Priority = 1,
    /// The tag of the frame's VLAN.
    Vlan = 2,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_loses_nothing(network: u16, tpid: u16, tci: u16, outer in 0usize..3, tagged_inside: bool, length: u32, audience in 0usize..3) {
            let audience = [Audience::All, Audience::Ports, Audience::Uplinks][audience];
            let outer = [Outer::Payload, Outer::Priority, Outer::Vlan][outer];
            let place = Place { network, tag: Tag { tpid, tci }, outer, tagged_inside, length, audience };
            prop_assert_eq!(place.pack().unpack(), place);
        }
    }
}
