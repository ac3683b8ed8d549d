//! Frames, built from the outside in.

mod error;
mod ip;
mod sum;

pub use error::Error;
pub use ip::{Ip, Packet, TCP, ip};
pub use sum::{ICMP, checksum, verify};

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use switch_common::{
    addr::Mac,
    wire::{arp, eth, ipv6, nd, udp, vlan},
};

/// Octets of an Ethernet frame without its check sequence.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(pub Vec<u8>);

/// Operations of ARP (RFC 826).
const ARP_REQUEST: u8 = 1;
const ARP_REPLY: u8 = 2;

/// All nodes on the link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Octets of the two addresses.
const ADDRESSES: usize = 12;

impl Frame {
    /// The frame with another tag before those it has.
    #[must_use]
    pub fn with_tag(&self, tpid: u16, tci: u16) -> Self {
        let mut octets = self.0.clone();
        octets.splice(ADDRESSES..ADDRESSES, [tpid.to_be_bytes(), tci.to_be_bytes()].concat());
        Self(octets)
    }

    /// The frame in a VLAN.
    #[must_use]
    pub fn tagged(&self, vid: u16) -> Self {
        self.with_tag(vlan::CUSTOMER, vid)
    }

    /// The frame without what stands behind its packet.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        let mut at = eth::LEN;
        while vlan::is_tag(self.ethertype(at)) {
            at += vlan::LEN;
        }
        let packet = Packet(self.0.get(at..).unwrap_or_default().to_vec());
        let octets = match self.ethertype(at) {
            eth::ARP => arp::LEN,
            eth::IPV4 | eth::IPV6 if packet.0.len() >= ipv6::LEN => packet.octets(),
            _ => packet.0.len(),
        };
        self.cut(at + octets)
    }

    fn ethertype(&self, end: usize) -> u16 {
        self.0.get(end - 2..end).map_or(0, |kind| u16::from_be_bytes([kind[0], kind[1]]))
    }

    /// The first octets of the frame.
    #[must_use]
    pub fn cut(&self, length: usize) -> Self {
        Self(self.0.iter().copied().take(length).collect())
    }
}

/// Addresses, and the beginning of the rest, in hexadecimal.
impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        let (addresses, rest) = self.0.split_at(self.0.len().min(ADDRESSES));
        let (destination, source) = addresses.split_at(addresses.len().min(ADDRESSES / 2));
        let (shown, dots) = if rest.len() > SHOWN { (&rest[..SHOWN], "...") } else { (rest, "") };
        let [destination, source, shown] = [destination, source, shown].map(hex);
        write!(out, "{} octets to {destination} from {source}: {shown}{dots}", self.0.len())
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |text, octet| text + &format!("{octet:02x}"))
}

/// A frame that lacks its payload: addresses and tags.
#[derive(Clone, Debug)]
pub struct Header(Vec<u8>);

/// Starts a frame.
pub fn eth(destination: Mac, source: Mac) -> Header {
    Header([destination.octets(), source.octets()].concat())
}

impl Header {
    /// Adds a tag inside those there are already.
    #[must_use]
    pub fn tag(mut self, tpid: u16, tci: u16) -> Self {
        self.0.extend([tpid.to_be_bytes(), tci.to_be_bytes()].concat());
        self
    }

    /// Adds a customer tag with priority 0.
    #[must_use]
    pub fn vlan(self, vid: u16) -> Self {
        self.tag(vlan::CUSTOMER, vid)
    }

    /// Ends the frame with a payload of any kind.
    pub fn payload(mut self, ethertype: u16, payload: &[u8]) -> Frame {
        self.0.extend(ethertype.to_be_bytes());
        self.0.extend(payload);
        Frame(self.0)
    }

    /// Ends the frame with octets that mean nothing, under an experimental ethertype.
    pub fn noise(self, octets: usize) -> Frame {
        self.payload(0x88b5, &vec![0x5a; octets])
    }

    /// Ends the frame with an ARP request for `target`.
    pub fn arp(self, sender_mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Frame {
        self.arp_of(ARP_REQUEST, (sender_mac, sender), (Mac::default(), target))
    }

    /// Ends the frame with an ARP reply to `target`.
    pub fn arp_reply(self, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Frame {
        self.arp_of(ARP_REPLY, sender, target)
    }

    fn arp_of(self, operation: u8, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Frame {
        let fixed = [0, 1, 8, 0, 6, 4, 0, operation];
        let station = |(mac, ip): (Mac, Ipv4Addr)| [&mac.octets()[..], &ip.octets()].concat();
        self.payload(eth::ARP, &[&fixed[..], &station(sender), &station(target)].concat())
    }

    /// Ends the frame with an IP packet.
    pub fn ip(self, packet: &Packet) -> Frame {
        self.payload(if packet.is_v4() { eth::IPV4 } else { eth::IPV6 }, &packet.0)
    }

    /// Ends the frame with an IPv4 packet.
    pub fn ipv4(self, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Frame {
        self.ip(&ip(source, destination).payload(protocol, payload))
    }

    /// Ends the frame with an IPv6 packet.
    pub fn ipv6(self, source: Ipv6Addr, destination: Ipv6Addr, next: u8, payload: &[u8]) -> Frame {
        self.ip(&ip(source, destination).hops(255).payload(next, payload))
    }

    /// Ends the frame with `ICMPv6`.
    pub fn icmpv6(self, source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> Frame {
        self.ip(&ip(source, destination).hops(255).message(ipv6::ICMPV6, message))
    }
}

/// A UDP datagram without a checksum.
pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(udp::LEN + payload.len()).unwrap_or_default();
    let header = [source, destination, length, 0].map(u16::to_be_bytes).concat();
    [header, payload.to_vec()].concat()
}

/// A message of neighbour discovery: kind, target if it has one, options as they are. Its checksum
/// is for the packet to fill in.
pub fn nd_message(kind: u8, target: Option<Ipv6Addr>, options: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.map(|target| target.octets()).into_iter().flatten());
    message.extend(options);
    message
}

/// A link-layer address option: 1 for the source's, 2 for the target's.
pub fn link_option(kind: u8, mac: Mac) -> Vec<u8> {
    [&[kind, 1][..], &mac.octets()].concat()
}

/// A neighbour solicitation.
pub fn solicit(target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    nd_message(nd::NEIGHBOUR_SOLICITATION, Some(target), options)
}

/// A solicitation from a station that has an address, to the group of those who might have `target`
/// (RFC 4861, 4.3).
pub fn solicitation(mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> Frame {
    let [.., x, y, z] = target.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, x, y, z]);
    eth(group_mac(group), mac).icmpv6(source, group, &solicit(target, &link_option(1, mac)))
}

/// The solicitation of the router, in whose frame the packet was that it could not hand over: what is left of that is an
/// option of 80 octets.
pub fn router_solicitation(mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> Frame {
    let [.., x, y, z] = target.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, x, y, z]);
    let padding = [&[253, 10][..], &[0; 78]].concat();
    let message = solicit(target, &[link_option(1, mac), padding].concat());
    eth(group_mac(group), mac).icmpv6(source, group, &message)
}

/// The advertisement of a target's station, to the one who asked or, if that has no address yet, to
/// all (RFC 4861, 4.4).
pub fn advertisement(mac: Mac, target: Ipv6Addr, asker: Option<(Mac, IpAddr)>, router: bool) -> Frame {
    let (to, address) = match asker {
        Some((to, IpAddr::V6(address))) => (to, address),
        _ => (group_mac(ALL_NODES), ALL_NODES),
    };
    let mut message = advertise(target, &link_option(2, mac));
    message[4] = 0x20 | if asker.is_some() { 0x40 } else { 0 } | if router { 0x80 } else { 0 };
    eth(to, mac).icmpv6(target, address, &message)
}

/// The MAC address of a group (RFC 2464, 7).
pub fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., w, x, y, z] = group.octets();
    Mac::new([0x33, 0x33, w, x, y, z])
}

/// A neighbour advertisement.
pub fn advertise(target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    nd_message(nd::NEIGHBOUR_ADVERTISEMENT, Some(target), options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::{MAC_A, MAC_B};

    #[test]
    fn tags_stand_between_addresses_and_ethertype() {
        let frame = eth(MAC_B, MAC_A).tag(vlan::SERVICE, 100).vlan(10).payload(0x1234, b"p").0;
        assert_eq!(frame[12..], [0x88, 0xa8, 0, 100, 0x81, 0, 0, 10, 0x12, 0x34, b'p']);
    }

    #[test]
    fn a_tag_that_is_added_later_is_the_outermost() {
        let frame = eth(MAC_B, MAC_A).noise(46);
        let inside_out = frame.tagged(10).with_tag(vlan::SERVICE, 100);
        assert_eq!(inside_out, eth(MAC_B, MAC_A).tag(vlan::SERVICE, 100).vlan(10).noise(46));
        assert_eq!(inside_out.cut(12), frame.cut(12));
    }
}
