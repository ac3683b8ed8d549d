//! Flows: what was decided about the first packet of a connection, for all later ones.
//!
//! A connection is two flows, one a direction, whose keys are each other's mirror. One that has been
//! answered, or has gone on for a while, is in the table of its family; a younger one is half-open
//! and in a small table of its own, where each port has a quota, so that a flood of first packets
//! never touches established connections.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::{
    addr::{IpWords, MacWord},
    shared::Shared,
};

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

super::key! {
    /// An IPv4 flow as its packets name it.
    pub struct Key4 {
        /// Source address in the low half, destination in the high one, each as its octets stand in memory.
        pub addresses: u64,
        /// See [`about`].
        pub about: u64,
    }
}

const _: () = assert!(size_of::<Key4>() == 16);

super::key! {
    /// An IPv6 flow as its packets name it.
    pub struct Key6 {
        /// Sender.
        pub source: IpWords,
        /// Receiver.
        pub destination: IpWords,
        /// See [`about`].
        pub about: u64,
    }
}

const _: () = assert!(size_of::<Key6>() == 40);

/// The door that a packet comes in by, in 24 bits: the VLAN of its tag, 0 for none, and the low bits of
/// its device's interface index. Two devices with the same low bits and a packet of the same five-tuple
/// share a key, not a decision: the flow says which device it is of.
#[inline(always)]
pub const fn door(ifindex: u32, vid: u16) -> u32 {
    (vid & 0xfff) as u32 | (ifindex & 0xfff) << 12
}

/// The part of a key besides the addresses: ports in the low half (source below destination, each as
/// its octets stand in memory), then the [`door`], then the protocol.
///
/// An echo request or reply has its identifier as both ports; protocols without ports have zeros.
#[inline(always)]
pub const fn about(ports: u32, door: u32, protocol: u8) -> u64 {
    ports as u64 | (door as u64) << 32 | (protocol as u64) << 56
}

/// The same for the other direction, whose packets come in by another door.
#[inline(always)]
pub const fn mirrored(about: u64, door: u32) -> u64 {
    let ports = about as u32;
    self::about(ports.rotate_left(16), door, (about >> 56) as u8)
}

/// The [`door`] in that part of a key.
#[inline(always)]
pub const fn door_of(about: u64) -> u32 {
    (about >> 32) as u32 & 0xff_ffff
}

/// The protocol in that part of a key.
pub const fn protocol(about: u64) -> u8 {
    (about >> 56) as u8
}

/// Source and destination port in that part of a key.
pub const fn ports(about: u64) -> (u16, u16) {
    let [a, b, c, d, ..] = about.to_le_bytes();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

impl Key4 {
    /// The key of the other direction, whose packets come in by this door.
    #[inline(always)]
    #[must_use]
    pub const fn mirror(&self, door: u32) -> Self {
        Self { addresses: self.addresses.rotate_left(32), about: mirrored(self.about, door) }
    }
}

impl Key6 {
    /// The key of the other direction, whose packets come in by this door.
    #[inline(always)]
    #[must_use]
    pub const fn mirror(&self, door: u32) -> Self {
        Self { source: self.destination, destination: self.source, about: mirrored(self.about, door) }
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

/// In `action`: the receiver wants a tag.
pub const PUSH: u32 = 1 << 0;
/// In `action`: the packet loses the tag that it comes with.
pub const POP: u32 = 1 << 1;
/// In `action`: straight into the receive path of the device's peer.
pub const PEER: u32 = 1 << 2;
/// In `action`: the receiver takes frames from XDP.
pub const XDP: u32 = 1 << 3;
/// In `action`: packets are sent to the host's MAC address, not to the gateway's.
pub const HOST: u32 = 1 << 4;
/// In `action`: packets are bridged: they keep their addresses and their TTL.
pub const BRIDGED: u32 = 1 << 5;
/// In `action`: packets come with a tag of the switch's.
pub const TAGGED: u32 = 1 << 6;

/// What becomes of the packets of a flow.
///
/// What every packet needs comes first and is 64 octets, a cache line where the kernel's tables
/// begin rows at lines; a table of a million flows is read from memory, line by line.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Flow {
    /// When and in which epoch this was decided: see [`stamp`]. 0 to have it decided again.
    pub stamp: Shared,
    /// Packets. Approximate if several CPUs have packets of the flow at the same instant.
    pub packets: Shared,
    /// Their bytes, from the Ethernet header on.
    pub bytes: Shared,
    /// The packets' source MAC address as a word, and above it the largest packet that may leave.
    pub from: u64,
    /// Addresses that the packets leave with: the first eight octets of their frames.
    pub new: u64,
    /// The four octets behind those.
    pub new_end: u32,
    /// Kind of the tag to push in the high half, VLAN in the low one.
    pub tag: u32,
    /// Interface index of the device that they come from.
    pub ingress: u32,
    /// Interface index of the device that they leave through.
    pub egress: u32,
    /// Slot of the receiver.
    pub slot: u16,
    /// Slot of the sender.
    pub sender: u16,
    /// The bits above.
    pub action: u32,
    /// The bits above them.
    pub state: Shared,
    /// Coarse monotonic time of the first packet.
    pub born: u64,
    /// The network that they come from.
    pub network: u32,
    /// The network that they leave through.
    pub exit: u32,
    /// The [`door`] that answers come in by.
    pub back: u32,
    /// Slot of the router.
    pub router: u32,
    /// Rule that lets the sender send it, and the one that lets the receiver have it; 0 for none.
    pub rules: [u64; 2],
    /// Packets that are in the hits of these rules.
    pub counted_packets: Shared,
    /// Their bytes.
    pub counted_bytes: Shared,
}

const _: () = assert!(size_of::<Flow>() == 128 && core::mem::offset_of!(Flow, state) == 64);

/// Bits of a time in nanoseconds below those of a stamp: one unit is about a millisecond.
const UNIT: u32 = 20;

/// When a flow was judged, in the low half, and in which epoch, in the high one. Both are the low bits
/// of what they stand for: the epoch is compared for equality, the time is younger than 49 days.
#[inline(always)]
pub const fn stamp(epoch: u64, now: u64) -> u64 {
    epoch << 32 | now >> UNIT & 0xffff_ffff
}

/// True if a flow with this stamp needs no new judgement in this epoch, at this time.
#[inline(always)]
pub const fn is_fresh(stamp: u64, epoch: u64, now: u64) -> bool {
    let age = ((now >> UNIT) as u32).wrapping_sub(stamp as u32);
    is_of(stamp, epoch) && age < (Flow::REJUDGE_NS >> UNIT) as u32
}

/// True if a flow with this stamp was judged in this epoch.
#[inline(always)]
pub const fn is_of(stamp: u64, epoch: u64) -> bool {
    (stamp >> 32) as u32 == epoch as u32
}

/// Nanoseconds before `now` at which a flow with this stamp was judged; 0 if the stamp is from a moment
/// after it, which another CPU's or user space's clock may make it.
pub const fn age(stamp: u64, now: u64) -> u64 {
    let age = ((now >> UNIT) as u32).wrapping_sub(stamp as u32);
    if age > u32::MAX / 2 { 0 } else { (age as u64) << UNIT }
}

impl Flow {
    /// A flow's packet is judged as a first one at least this often (1 s): that tells the forwarding
    /// database that its sender is there, and finds out what became of its receiver.
    pub const REJUDGE_NS: u64 = 1_000_000_000;

    /// The `from` of packets from this station of which the largest has so many octets.
    #[inline(always)]
    pub const fn source(mac: MacWord, mtu: u32) -> u64 {
        let mtu = if mtu > 0xffff { 0xffff } else { mtu };
        mac.get() | (mtu as u64) << 48
    }

    /// Largest packet that may leave, in octets.
    #[inline(always)]
    pub const fn mtu(&self) -> u32 {
        (self.from >> 48) as u32
    }
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
        let count = self.came.get().wrapping_sub(self.left.get()).wrapping_sub(expired);
        // Two CPUs, or the agent, may have counted one row twice: that must not close the port.
        if count.cast_signed() < 0 { 0 } else { count }
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
        fn the_mirror_of_the_mirror_is_the_key(addresses: u64, ports: u32, ifindex: u32, vid in 0_u16..4095, protocol: u8) {
            let (here, there) = (door(ifindex, vid), door(7, 20));
            let key = Key4 { addresses, about: about(ports, here, protocol) };
            prop_assert_eq!(key.mirror(there).mirror(here), key);
            prop_assert_eq!((super::protocol(key.about), door_of(key.about)), (protocol, here));
        }

        #[test]
        fn a_stamp_is_fresh_for_a_second_of_its_epoch(epoch: u64, now in 0_u64..1 << 60, later in 0_u64..10_000_000_000) {
            let made = stamp(epoch, now);
            let unit = 1 << UNIT;
            prop_assert_eq!(is_fresh(made, epoch, now + later), later + now % unit < Flow::REJUDGE_NS >> UNIT << UNIT);
            prop_assert!(!is_fresh(made, epoch.wrapping_add(1), now));
            prop_assert!(age(made, now + later).abs_diff(later) <= unit);
            prop_assert!(age(made, now.saturating_sub(later)) <= unit);
        }
    }

    #[test]
    fn a_mirror_swaps_addresses_and_ports() {
        let ports = u32::from_le_bytes([0x12, 0x34, 0, 80]);
        let key = Key4 { addresses: 0x2222_2222_1111_1111, about: about(ports, 10, 6) };
        let back = u32::from_le_bytes([0, 80, 0x12, 0x34]);
        assert_eq!(key.mirror(20), Key4 { addresses: 0x1111_1111_2222_2222, about: about(back, 20, 6) });
        assert_eq!(super::ports(key.about), (0x1234, 80));
    }
}
