//! Flows: what was decided about the first packet of a connection, for all later ones.
//!
//! A connection is two flows, one a direction, whose keys are each other's mirror. One that has been
//! answered, or has gone on for a while, is in the table of its family; a younger one is half-open
//! and in a small table of its own, where each port has a quota, so that a flood of first packets
//! never touches established connections.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{addr::IpWords, shared::Shared};

/// Name of the hash of IPv4 flows, from [`Key4`] to [`Flow`].
pub const NAME4: &str = "flows4";
/// Name of the hash of IPv6 flows, from [`Key6`] to [`Flow`].
pub const NAME6: &str = "flows6";
/// Name of the hash of half-open IPv4 flows.
pub const OPENING4: &str = "opening4";
/// Name of the hash of half-open IPv6 flows.
pub const OPENING6: &str = "opening6";
/// Name of the datapath's count: an array of [`Opening`] by slot.
pub const OPENINGS: &str = "openings";
/// Name of the agent's count: an array of `u64` by slot, half-open flows of the port that the agent removed.
pub const EXPIRED: &str = "expired";

/// Flows of each family unless the configuration says otherwise. A connection is two of them.
pub const DEFAULT_CAPACITY: u32 = 262_144;
/// Half-open flows of each family.
pub const OPENING_CAPACITY: u32 = 65_536;
/// Half-open flows of one port.
pub const OPENING_QUOTA: u64 = 8192;

/// An IPv4 flow as its packets name it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct Key4 {
    /// Source address in the low half, destination in the high one, each as its octets stand in memory.
    pub addresses: u64,
    /// See [`about`].
    pub about: u64,
}

const _: () = assert!(size_of::<Key4>() == 16);

/// An IPv6 flow as its packets name it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct Key6 {
    /// Sender.
    pub source: IpWords,
    /// Receiver.
    pub destination: IpWords,
    /// See [`about`].
    pub about: u64,
}

const _: () = assert!(size_of::<Key6>() == 40);

/// The part of a key besides the addresses: ports in the low half (source below destination, each as
/// its octets stand in memory), then the network that the packet came from, then its protocol.
///
/// An echo request or reply has its identifier as both ports; protocols without ports have zeros.
#[inline(always)]
pub const fn about(ports: u32, network: u16, protocol: u8) -> u64 {
    ports as u64 | (network as u64) << 32 | (protocol as u64) << 48
}

/// The same for the other direction, whose packets come from `network`.
#[inline(always)]
pub const fn mirrored(about: u64, network: u16) -> u64 {
    let ports = about as u32;
    self::about(ports.rotate_left(16), network, (about >> 48) as u8)
}

impl Key4 {
    /// The key of the other direction, whose packets come from `network`.
    #[inline(always)]
    pub const fn mirror(&self, network: u16) -> Self {
        Self { addresses: self.addresses.rotate_left(32), about: mirrored(self.about, network) }
    }
}

impl Key6 {
    /// The key of the other direction, whose packets come from `network`.
    #[inline(always)]
    pub const fn mirror(&self, network: u16) -> Self {
        Self { source: self.destination, destination: self.source, about: mirrored(self.about, network) }
    }
}

/// In `state`: packets of the other direction were seen.
pub const ANSWERED: u64 = 1 << 0;
/// In `state`: this direction has sent a TCP FIN.
pub const FIN: u64 = 1 << 1;
/// In `state`: the other direction has sent a TCP FIN.
pub const FIN_BACK: u64 = 1 << 2;
/// In `state`: one of the directions has sent a TCP RST.
pub const RESET: u64 = 1 << 3;
/// In `state`: this direction sent the first packet of the connection.
pub const ORIGINAL: u64 = 1 << 4;

/// In `action`: the receiver wants a tag, and the packet comes with none of the switch's.
pub const PUSH: u32 = 1 << 0;
/// In `action`: the packet comes with a tag of the switch's, which is not the receiver's.
pub const POP: u32 = 1 << 1;
/// In `action`: straight into the receive path of the device's peer.
pub const PEER: u32 = 1 << 2;
/// In `action`: the receiver takes frames from XDP.
pub const XDP: u32 = 1 << 3;

/// What becomes of the packets of a flow.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Flow {
    /// The epoch in which this was decided; 0 to have it decided again.
    pub epoch: Shared,
    /// Coarse monotonic time of the last packet that was judged, at most [`Flow::REJUDGE_NS`] before the last one.
    pub seen: Shared,
    /// Packets. Approximate if several CPUs have packets of the flow at the same instant.
    pub packets: Shared,
    /// Their bytes, from the Ethernet header on.
    pub bytes: Shared,
    /// The bits above.
    pub state: Shared,
    /// Coarse monotonic time of the first packet.
    pub born: u64,
    /// Addresses that the packets come with: the first twelve octets of their frames.
    pub old: [u64; 2],
    /// Addresses that they leave with, in the same form: twelve octets and four zeros.
    pub new: [u64; 2],
    /// Interface index of the device that they come from.
    pub ingress: u32,
    /// Interface index of the device that they leave through.
    pub egress: u32,
    /// Largest packet that may leave, in octets.
    pub mtu: u32,
    /// The bits above.
    pub action: u32,
    /// Slot of the receiver.
    pub slot: u32,
    /// Kind of the tag to push in the high half, VLAN in the low one.
    pub tag: u32,
    /// Slot of the sender.
    pub sender: u32,
    /// The network that they leave through, where answers come from.
    pub network: u32,
}

const _: () = assert!(size_of::<Flow>() == 112);

impl Flow {
    /// A flow's packet is judged as a first one at least this often (1 s): that tells the forwarding
    /// database that its sender is there, and finds out what became of its receiver.
    pub const REJUDGE_NS: u64 = 1_000_000_000;
}

/// How many half-open flows the datapath made and moved for one port.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Opening {
    /// Flows that came into the table.
    pub came: Shared,
    /// Flows that left it, because they were answered.
    pub left: Shared,
}

const _: () = assert!(size_of::<Opening>() == 16);

impl Opening {
    /// Half-open flows of the port, given how many of them the agent removed.
    #[inline(always)]
    pub fn count(&self, expired: u64) -> u64 {
        self.came.get().wrapping_sub(self.left.get()).wrapping_sub(expired)
    }
}

/// Seconds without a packet after which a flow is forgotten, by protocol and state.
///
/// TCP as RFC 5382 wants it (established 2 h 4 min, transitory 4 min), UDP as RFC 4787 (2 min and more).
pub const fn timeout(protocol: u8, state: u64) -> u64 {
    const TCP: u8 = 6;
    let answered = state & ANSWERED != 0;
    match protocol {
        TCP if state & RESET != 0 => 10,
        TCP if state & FIN != 0 && state & FIN_BACK != 0 => 60,
        TCP if state & (FIN | FIN_BACK) != 0 => 240,
        TCP if answered => 7440,
        _ if answered => 180,
        _ => 30,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_mirror_of_the_mirror_is_the_key(addresses: u64, ports: u32, network: u16, back: u16, protocol: u8) {
            let key = Key4 { addresses, about: about(ports, network, protocol) };
            prop_assert_eq!(key.mirror(back).mirror(network), key);
        }
    }

    #[test]
    fn a_mirror_swaps_addresses_and_ports() {
        let ports = u32::from_le_bytes([0x12, 0x34, 0, 80]);
        let key = Key4 { addresses: 0x2222_2222_1111_1111, about: about(ports, 10, 6) };
        let back = u32::from_le_bytes([0, 80, 0x12, 0x34]);
        assert_eq!(key.mirror(20), Key4 { addresses: 0x1111_1111_2222_2222, about: about(back, 20, 6) });
    }
}
