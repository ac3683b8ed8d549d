//! What the pipeline decides, and why it drops.

/// The outcome of the pipeline for one frame.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send the frame, already in its final form, out of this interface.
    Forward {
        /// Interface index of the output device.
        ifindex: u32,
        /// How the hook hands it over.
        path: Path,
    },
    /// All copies are on their way; the original is consumed.
    Flooded,
    /// It was for the switch itself, which has taken note of what it says.
    Taken,
    /// Not the switch's business: the host's own stack gets it untouched.
    Pass,
    /// This hook cannot finish the frame; the next one (TC after XDP) starts again.
    Punt,
    /// The frame ends here; counted with its reason.
    Drop(DropReason),
}

/// A [`Verdict`] as one number: the form in which the stages hand it on.
///
/// LLVM merges the undefined payload of the variants that have none into later arithmetic, and the
/// verifier then sees a register that was never written. A number is always written.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed(pub u64);

impl Verdict {
    /// The verdict as one number.
    #[inline(always)]
    pub const fn pack(self) -> Packed {
        Packed(match self {
            Self::Punt => 0,
            Self::Pass => 1,
            Self::Flooded => 2,
            Self::Taken => 3,
            Self::Drop(reason) => 4 | (reason as u64) << 32,
            Self::Forward { ifindex, path: Path::Device } => 5 | (ifindex as u64) << 32,
            Self::Forward { ifindex, path: Path::Peer } => 6 | (ifindex as u64) << 32,
        })
    }
}

impl Packed {
    /// That of a frame which is bridged.
    pub const PUNT: Self = Verdict::Punt.pack();

    /// The verdict. A number that is none is a runt that was dropped.
    #[inline(always)]
    pub const fn verdict(self) -> Verdict {
        let number = (self.0 >> 32) as u32;
        match self.0 as u32 {
            0 => Verdict::Punt,
            1 => Verdict::Pass,
            2 => Verdict::Flooded,
            3 => Verdict::Taken,
            5 => Verdict::Forward { ifindex: number, path: Path::Device },
            6 => Verdict::Forward { ifindex: number, path: Path::Peer },
            _ => match DropReason::from_number(number as u16) {
                Some(reason) => Verdict::Drop(reason),
                None => Verdict::Drop(DropReason::Runt),
            },
        }
    }
}

/// How a frame leaves through a local device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Through the device's transmit function.
    Device,
    /// Straight into the receive path of the device's peer in its namespace (veth only).
    Peer,
}

/// Who a frame was on its way to, as the VM sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Direction {
    /// Towards the VM.
    In = 0,
    /// From the VM.
    Out = 1,
}

impl Direction {
    /// The word used in tables, metrics and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// The direction with this number in a table key.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::In),
            1 => Some(Self::Out),
            _ => None,
        }
    }
}

macro_rules! drop_reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $direction:ident, $label:literal;)+) => {
        /// Why a frame was dropped. Closed: every drop of the datapath carries one of these.
        ///
        /// Numbers are part of the contract and are never used again for another reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum DropReason {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        impl DropReason {
            /// All reasons in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word used in tables, metrics and the API.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// One sentence for people.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// Whether the frame is counted at the port it came from or at the port it was for.
            pub const fn direction(self) -> Direction {
                match self { $(Self::$name => Direction::$direction,)+ }
            }

            /// The reason with this number, if there is one.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

drop_reasons! {
    /// The frame is shorter than the headers it announces.
    Runt = 1, Out, "runt";
    /// The sending port is administratively down.
    PortDown = 2, Out, "port-down";
    /// The source MAC address is a group address or all zeros.
    BadSource = 3, Out, "bad-source";
    /// The destination is one of the group addresses that a bridge does not forward (01:80:c2:00:00:00 to 0f).
    ReservedMulticast = 4, Out, "reserved-multicast";
    /// A tagged frame came in at an access port.
    TaggedOnAccess = 5, Out, "tagged-on-access";
    /// An untagged frame came in at a trunk without a native VLAN.
    UntaggedOnTrunk = 6, Out, "untagged-on-trunk";
    /// The frame's VLAN is not in the trunk's list.
    VlanNotAllowed = 7, Out, "vlan-not-allowed";
    /// A guarded port sent from a MAC address that is not its own.
    SpoofedMac = 8, Out, "spoofed-mac";
    /// A guarded port sent from an IP address that is not its own.
    SpoofedIp = 9, Out, "spoofed-ip";
    /// A guarded port announced a MAC or IP address that is not its own in ARP.
    SpoofedArp = 10, Out, "spoofed-arp";
    /// A guarded port announced a MAC or IP address that is not its own in neighbour discovery.
    SpoofedNd = 11, Out, "spoofed-nd";
    /// A guarded port sent addresses that cannot be checked: fragmented neighbour discovery (RFC 6980), or too many tags or extension headers.
    GuardEvasion = 12, Out, "guard-evasion";
    /// The source MAC address belongs to a known port, but the frame came in at another one.
    MacOwnedElsewhere = 13, Out, "mac-owned-elsewhere";
    /// The destination is at the port that the frame came from, or the frame came from another host and its destination is at a third.
    SamePort = 14, Out, "same-port";
    /// No other port is in the frame's network.
    NoReceiver = 15, Out, "no-receiver";
    /// The receiving port is administratively down.
    ReceiverDown = 16, In, "receiver-down";
    /// The frame is larger than the receiving port's MTU.
    MtuExceeded = 17, In, "mtu-exceeded";
    /// A VLAN tag could not be pushed or popped (no memory, or no room for a second tag).
    TagFailed = 18, In, "tag-failed";
    /// A copy of a flooded frame could not be made or queued (no memory, or the CPU's queue is full).
    CopyFailed = 19, In, "copy-failed";
    /// The frame came from a device that is no port of the switch.
    UnknownPort = 20, Out, "unknown-port";
    /// Below the tag that was to be removed the frame has another one, which the receiving port would take for its VLAN (VLAN hopping).
    InnerTag = 21, In, "inner-tag";
    /// A port sent as the router: from a gateway's MAC address, or announcing a gateway's IP address as its own.
    SpoofedGateway = 22, Out, "spoofed-gateway";
    /// A packet to be routed has an impossible IP header: wrong version or length, or it is cut off.
    BadIpHeader = 23, Out, "bad-ip-header";
    /// A packet to be routed has IPv4 options or an IPv6 routing header, which are not routed (RFC 7126, RFC 5095).
    IpOptions = 24, Out, "ip-options";
    /// A packet to be routed has an IPv4 header checksum that is wrong.
    BadIpChecksum = 25, Out, "bad-ip-checksum";
    /// A packet to be routed has a source address that no station there can have.
    MartianSource = 26, Out, "martian-source";
    /// A packet to be routed has a destination that is not routed: multicast, loopback, link-local or reserved.
    MartianDestination = 27, Out, "martian-destination";
    /// A packet came with a TTL or hop limit of 0, with which none may be sent.
    TtlZero = 28, Out, "ttl-zero";
    /// The TTL or hop limit of a packet ended here; its sender was told.
    TtlExceeded = 29, Out, "ttl-exceeded";
    /// The router has no route to the destination; the sender was told.
    NoRoute = 30, Out, "no-route";
    /// The route to the destination is a blackhole.
    Blackhole = 31, Out, "blackhole";
    /// The route to the destination says that it is unreachable; the sender was told.
    Unreachable = 32, Out, "unreachable";
    /// The MAC address of the next station was not known yet; it was asked for.
    NeighbourUnresolved = 33, Out, "neighbour-unresolved";
    /// The next station does not answer; the sender was told.
    NeighbourDead = 34, Out, "neighbour-dead";
    /// The packet is larger than the next network carries; the sender was told.
    PacketTooBig = 35, Out, "packet-too-big";
    /// A packet asked a gateway for something that it does not do; the sender was told.
    NotForGateway = 36, Out, "not-for-gateway";
    /// A packet could not be rewritten, or an answer not made of it (no memory).
    EditFailed = 37, Out, "edit-failed";
    /// A policy of the sending port drops or rejects the packet.
    PolicyOut = 38, Out, "policy-out";
    /// A policy of the receiving port drops or rejects the packet.
    PolicyIn = 39, In, "policy-in";
    /// A TCP packet at a firewall is of no connection that is known, and does not begin one.
    NoConnection = 40, Out, "no-connection";
    /// A fragment at a firewall came before the first one of its datagram, which says what it is of.
    FragmentUnknown = 41, Out, "fragment-unknown";
    /// A fragment at a firewall hides or overwrites its datagram's ports or flags (RFC 1858, RFC 3128).
    FragmentEvasion = 42, Out, "fragment-evasion";
    /// A connection at a firewall cannot be remembered: the table, or the sending port's share of it, is full.
    ConnectionsFull = 43, Out, "connections-full";
    /// A frame came through a tunnel from an address that is no host of the switch.
    UnknownTunnel = 44, Out, "unknown-tunnel";
    /// A frame came through a tunnel with a VNI that no network here has.
    UnknownVni = 45, Out, "unknown-vni";
    /// A frame could not be put into the tunnel to its host (no memory, or its network or host has just gone).
    TunnelFailed = 46, In, "tunnel-failed";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn reasons_are_numbered_once_and_found_again() {
        let numbers: BTreeSet<u16> = DropReason::ALL.iter().map(|reason| *reason as u16).collect();
        let labels: BTreeSet<&str> = DropReason::ALL.iter().map(|reason| reason.label()).collect();
        assert_eq!(numbers.len(), DropReason::ALL.len());
        assert_eq!(labels.len(), DropReason::ALL.len());
        for reason in DropReason::ALL {
            assert_eq!(DropReason::from_number(*reason as u16), Some(*reason));
            assert!(reason.description().ends_with('.'), "{reason:?}");
        }
    }
}
