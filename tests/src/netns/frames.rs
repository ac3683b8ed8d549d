//! The stations of a lab, and what they send.

use std::net::{Ipv4Addr, Ipv6Addr};

use switch_common::addr::Mac;
use switch_common::wire::nd;

use crate::frame::{advertise, eth, link_option, nd_message, solicit};

pub use crate::frame::{Frame, udp};
pub use switch_common::wire::ipv4::UDP;
pub use switch_common::wire::ipv6::{FRAGMENT, ICMPV6};
pub use switch_common::wire::vlan::{CUSTOMER, SERVICE};

/// The station at port p1, and so on.
pub const MAC_1: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
/// The station at port p2.
pub const MAC_2: Mac = Mac::new([2, 0, 0, 0, 0, 2]);
/// The station at port p3.
pub const MAC_3: Mac = Mac::new([2, 0, 0, 0, 0, 3]);
/// The station at port p4.
pub const MAC_4: Mac = Mac::new([2, 0, 0, 0, 0, 4]);
/// The station at port p5.
pub const MAC_5: Mac = Mac::new([2, 0, 0, 0, 0, 5]);
/// The station behind uplink u9.
pub const MAC_9: Mac = Mac::new([2, 0, 0, 0, 0, 9]);
/// A station that no test has a port for.
pub const STRANGER: Mac = Mac::new([2, 0, 0, 0, 0, 0x99]);
/// Everybody.
pub const BROADCAST: Mac = Mac::BROADCAST;
/// An IPv4 group, 239.1.1.1.
pub const GROUP: Mac = Mac::new([1, 0, 0x5e, 1, 1, 1]);
/// All IPv6 nodes.
pub const ALL_NODES: Mac = Mac::new([0x33, 0x33, 0, 0, 0, 1]);
/// Bridges; LLDP and others use it.
pub const BRIDGES: Mac = Mac::new([1, 0x80, 0xc2, 0, 0, 0x0e]);

/// Address of the VM at p1.
pub const IP_1: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Address of the VM at p2.
pub const IP_2: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Address of the VM at p1.
pub const IP6_1: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
/// Address of the VM at p2.
pub const IP6_2: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);

/// Ethertype of frames of no protocol (IEEE 802, local experiments).
pub(super) const EXPERIMENTAL: u16 = 0x88b5;

/// A frame of no protocol, as short as Ethernet has them.
pub fn data(destination: Mac, source: Mac) -> Frame {
    data_of(destination, source, 46)
}

/// The same with a payload of this length.
pub fn data_of(destination: Mac, source: Mac, length: usize) -> Frame {
    let payload: Vec<u8> = (0..length).map(|index| index.to_le_bytes()[0]).collect();
    eth(destination, source).payload(EXPERIMENTAL, &payload)
}

/// An ARP request, told to everybody, that says `mac` has `sender`.
pub fn arp(source: Mac, mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Frame {
    eth(BROADCAST, source).arp(mac, sender, target)
}

/// An IPv4 packet from one station and address to another.
pub fn ipv4(to: (Mac, Ipv4Addr), from: (Mac, Ipv4Addr), protocol: u8, payload: &[u8]) -> Frame {
    eth(to.0, from.0).ipv4(from.1, to.1, protocol, payload)
}

/// An IPv6 packet; `next` says what the payload begins with.
pub fn ipv6(to: (Mac, Ipv6Addr), from: (Mac, Ipv6Addr), next: u8, payload: &[u8]) -> Frame {
    eth(to.0, from.0).ipv6(from.1, to.1, next, payload)
}

/// A neighbour solicitation; the sender's link-layer address is an option, which DAD does not have.
pub fn solicitation(target: Ipv6Addr, source: Option<Mac>) -> Vec<u8> {
    solicit(target, &source_option(source))
}

/// A neighbour advertisement.
pub fn advertisement(target: Ipv6Addr, mac: Mac) -> Vec<u8> {
    advertise(target, &link_option(2, mac))
}

/// A router solicitation.
pub fn router_solicitation(source: Option<Mac>) -> Vec<u8> {
    nd_message(nd::ROUTER_SOLICITATION, None, &source_option(source))
}

/// A router advertisement without options.
pub fn router_advertisement() -> Vec<u8> {
    nd_message(nd::ROUTER_ADVERTISEMENT, None, &[0; 8])
}

/// A fragment header before the first part of a payload.
pub fn first_fragment(next: u8, payload: &[u8]) -> Vec<u8> {
    [&[next, 0, 0, 1, 0, 0, 0, 7], payload].concat()
}

fn source_option(mac: Option<Mac>) -> Vec<u8> {
    mac.map(|mac| link_option(1, mac)).unwrap_or_default()
}
