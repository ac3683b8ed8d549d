//! Ports by the interface index of their device.
//!
//! A frame carries the index on arrival and a redirect needs it, so it leads to the port in both
//! directions: an array, which the kernel reads in a few instructions where a hash takes a call,
//! says which row of another array is the device's. Indexes beyond that array are in a hash.
//!
//! A row is never changed while it is in use: every slot has two, the next content goes into the one
//! that is not in use, and one number in the index switches over.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::policy::CHAIN;

/// Name of the map: an array of [`Port`] by row.
pub const NAME: &str = "ports";
/// Name of the array of rows (`u32`) by interface index; 0 for a device that is no port.
pub const INDEX: &str = "port_index";
/// Name of the hash from interface index (`u32`) to row, for those beyond [`INDEXED`].
pub const FAR: &str = "port_far";

/// Interface indexes that the array has room for. They grow with every device that is ever made.
pub const INDEXED: u32 = 65_536;
/// Rows: two a slot.
pub const ROWS: u32 = 2 * crate::MAX_PORTS;

/// The two rows of a slot.
pub const fn rows(slot: u32) -> [u32; 2] {
    [2 * slot, 2 * slot + 1]
}

/// The port is administratively up.
pub const UP: u16 = 1 << 0;
/// An uplink: what the switch has no VLAN for belongs to the host's own stack.
pub const UPLINK: u16 = 1 << 1;
/// A trunk: frames carry tags of the VLANs in the bitmap.
pub const TRUNK: u16 = 1 << 2;
/// An access port whose network is an 802.1ad service VLAN; whatever tags the frames carry are payload.
pub const QINQ: u16 = 1 << 3;
/// Only the MAC addresses in the guard table may send.
pub const GUARD_MAC: u16 = 1 << 4;
/// Only the IP addresses in the guard table may send.
pub const GUARD_IP: u16 = 1 << 5;
/// The device is a veth whose peer takes frames straight into its receive path.
pub const PEER: u16 = 1 << 6;
/// The device takes frames that an XDP program redirects to it.
pub const XDP_TARGET: u16 = 1 << 7;
/// The port has a firewall: the policies in its chain.
pub const FIREWALL: u16 = 1 << 8;
/// A port in one of its networks has a firewall: packets of the port may be of a known flow.
pub const TRACKED: u16 = 1 << 9;
/// Another host: frames go there through a tunnel, and what comes out of it goes to no other host.
pub const TUNNEL: u16 = 1 << 10;

/// Words of the VLAN bitmap.
pub const VLAN_WORDS: usize = 64;

/// How frames of a network leave through a port.
///
/// A whole word: on the stack the verifier refuses the misaligned stores that LLVM merges from less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Form {
    /// They do not.
    Absent,
    /// Without a tag of the switch.
    Untagged,
    /// With the network's tag.
    Tagged,
}

/// What the datapath must know about one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Port {
    /// Interface index of the device; 0 for a row that nobody uses.
    pub ifindex: u32,
    /// Dense number of the port: its row in the tables of counters.
    pub slot: u32,
    /// Largest layer-3 packet that the device sends, in bytes.
    pub mtu: u32,
    /// Most addresses that may be learned here.
    pub learn_limit: u32,
    /// The policy whose default holds where no rule decides: one of the chain.
    pub fallback: u16,
    /// Always 0: makes the size a multiple of eight.
    pub reserved: u16,
    /// Any of the bits above.
    pub flags: u16,
    /// VLAN of untagged frames: the access VLAN, or a trunk's native one; 0 for none.
    pub pvid: u16,
    /// Slots of the policies that apply here, in the order in which they are asked; 0 behind the last one.
    pub policies: [u16; CHAIN],
    /// One bit a VLAN: which of them a trunk carries. Empty for access ports.
    pub vlans: [u64; VLAN_WORDS],
}

const _: () = assert!(size_of::<Port>() == 24 + 2 * CHAIN + 8 * VLAN_WORDS);

impl Default for Port {
    fn default() -> Self {
        Self {
            ifindex: 0,
            slot: 0,
            mtu: 0,
            learn_limit: 0,
            fallback: 0,
            reserved: 0,
            flags: 0,
            pvid: 0,
            policies: [0; CHAIN],
            vlans: [0; VLAN_WORDS],
        }
    }
}

impl Port {
    /// True if all of `bits` are set.
    #[inline(always)]
    pub const fn is(&self, bits: u16) -> bool {
        self.flags & bits == bits
    }

    /// True if the trunk's list has this VLAN. Identifiers above 4095 are taken modulo 4096.
    #[inline(always)]
    pub const fn carries(&self, vid: u16) -> bool {
        let vid = (vid & 0xfff) as usize;
        self.vlans[vid >> 6] >> (vid & 63) & 1 != 0
    }

    /// How frames of `network` leave here.
    #[inline(always)]
    pub const fn form(&self, network: u16) -> Form {
        if network == self.pvid {
            Form::Untagged
        } else if self.is(TRUNK) && self.carries(network) {
            Form::Tagged
        } else {
            Form::Absent
        }
    }

    /// Puts a VLAN on the trunk's list.
    pub fn allow(&mut self, vid: u16) {
        let vid = usize::from(vid & 0xfff);
        self.vlans[vid >> 6] |= 1 << (vid & 63);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vlan_has_its_own_bit() {
        for vid in 1..=4094 {
            let mut port = Port::default();
            port.allow(vid);
            assert!((0..=4095).filter(|other| port.carries(*other)).eq([vid]));
        }
    }
}
