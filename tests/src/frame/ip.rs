//! IP packets of both families, from one description.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use switch_common::wire::{ipv4, ipv6};

use super::sum::{ICMP, checksum, message_checksum, place_of_checksum};

/// Protocol number of TCP.
pub const TCP: u8 = 6;

/// Type of an echo request in ICMP and `ICMPv6`.
const ECHO: (u8, u8) = (8, 128);

/// Don't fragment, among the bits of the fragment offset.
const DF: u16 = 1 << 14;
/// More fragments.
const MORE: u16 = 1 << 13;

/// A packet that lacks its payload.
#[derive(Clone, Debug)]
pub struct Ip {
    source: IpAddr,
    destination: IpAddr,
    hops: u8,
    class: u8,
    id: u16,
    fragment: u16,
    options: Vec<u8>,
    extensions: Vec<(u8, Vec<u8>)>,
}

/// Starts a packet: of 64 hops, without options, and not to be fragmented.
pub fn ip(source: impl Into<IpAddr>, destination: impl Into<IpAddr>) -> Ip {
    let (source, destination) = (source.into(), destination.into());
    let (options, extensions) = (Vec::new(), Vec::new());
    Ip { source, destination, hops: 64, class: 0, id: 1, fragment: DF, options, extensions }
}

impl Ip {
    /// With this TTL or hop limit.
    #[must_use]
    pub fn hops(self, hops: u8) -> Self {
        Self { hops, ..self }
    }

    /// With this type of service or traffic class.
    #[must_use]
    pub fn class(self, class: u8) -> Self {
        Self { class, ..self }
    }

    /// With this identification (IPv4).
    #[must_use]
    pub fn id(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// It may be fragmented (IPv4).
    #[must_use]
    pub fn fragmentable(self) -> Self {
        Self { fragment: 0, ..self }
    }

    /// With options (IPv4), a multiple of four octets.
    #[must_use]
    pub fn options(self, options: &[u8]) -> Self {
        Self { options: options.to_vec(), ..self }
    }

    /// With another extension header (IPv6) of this kind, of which `body` is all but the first two octets.
    #[must_use]
    pub fn extension(mut self, kind: u8, body: &[u8]) -> Self {
        self.extensions.push((kind, body.to_vec()));
        self
    }

    /// Ends the packet with a payload of any protocol, as it is.
    pub fn payload(&self, protocol: u8, payload: &[u8]) -> Packet {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => self.v4(source, destination, protocol, payload),
            (IpAddr::V6(source), IpAddr::V6(destination)) => self.v6(source, destination, protocol, payload),
            _ => unreachable!("a packet has one family"),
        }
    }

    /// Ends the packet with a message, whose checksum is filled in.
    pub fn message(&self, protocol: u8, message: &[u8]) -> Packet {
        let mut message = message.to_vec();
        if let Some(at) = place_of_checksum(protocol) {
            let sum = message_checksum(self.source, self.destination, protocol, &message);
            message[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
        self.payload(protocol, &message)
    }

    /// Ends the packet with a UDP datagram.
    pub fn udp(&self, source: u16, destination: u16, data: &[u8]) -> Packet {
        self.message(ipv4::UDP, &super::udp(source, destination, data))
    }

    /// Ends the packet with a TCP segment.
    pub fn tcp(&self, source: u16, destination: u16, flags: u8, data: &[u8]) -> Packet {
        let ports = [source, destination].map(u16::to_be_bytes).concat();
        let rest = [0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0];
        self.message(TCP, &[&ports[..], &rest, data].concat())
    }

    /// Ends the packet with an ICMP or `ICMPv6` message: type, code, four octets, and the rest.
    pub fn icmp(&self, kind: u8, code: u8, info: u32, rest: &[u8]) -> Packet {
        let protocol = if self.source.is_ipv4() { ICMP } else { ipv6::ICMPV6 };
        self.message(protocol, &[&[kind, code, 0, 0][..], &info.to_be_bytes(), rest].concat())
    }

    /// Ends the packet with an echo request.
    pub fn echo(&self, id: u16, sequence: u16, data: &[u8]) -> Packet {
        let kind = if self.source.is_ipv4() { ECHO.0 } else { ECHO.1 };
        self.icmp(kind, 0, u32::from(id) << 16 | u32::from(sequence), data)
    }

    fn v4(&self, source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Packet {
        let header = ipv4::LEN + self.options.len();
        let mut packet = vec![0x40 | u8::try_from(header / 4).unwrap_or_default(), self.class];
        let numbers = [length(header + payload.len()), self.id, self.fragment];
        packet.extend(numbers.map(u16::to_be_bytes).concat());
        packet.extend([self.hops, protocol, 0, 0]);
        packet.extend([source.octets(), destination.octets()].concat());
        packet.extend(&self.options);
        let sum = checksum(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(payload);
        Packet(packet)
    }

    fn v6(&self, source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, payload: &[u8]) -> Packet {
        let kinds = self.extensions.iter().map(|(kind, _)| *kind).chain([protocol]).collect::<Vec<_>>();
        let mut rest = Vec::new();
        for ((_, body), next) in self.extensions.iter().zip(&kinds[1..]) {
            rest.extend([*next, u8::try_from((body.len() + 2) / 8).unwrap_or_default().saturating_sub(1)]);
            rest.extend(body);
        }
        rest.extend(payload);
        let mut packet = vec![0x60 | self.class >> 4, self.class << 4, 0, 0];
        packet.extend(length(rest.len()).to_be_bytes());
        packet.extend([kinds[0], self.hops]);
        packet.extend([source.octets(), destination.octets()].concat());
        packet.extend(rest);
        Packet(packet)
    }
}

fn length(octets: usize) -> u16 {
    u16::try_from(octets).unwrap_or_default()
}

/// The octets of an IP packet, and what may stand behind it in its frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet(pub Vec<u8>);

impl Packet {
    /// True for IPv4.
    pub fn is_v4(&self) -> bool {
        self.0[0] >> 4 == 4
    }

    /// Octets of the packet.
    pub fn octets(&self) -> usize {
        if self.is_v4() { self.number(2) } else { ipv6::LEN + self.number(4) }
    }

    /// TTL or hop limit.
    pub fn hops(&self) -> u8 {
        self.0[if self.is_v4() { 8 } else { 7 }]
    }

    /// Sender.
    pub fn source(&self) -> IpAddr {
        if self.is_v4() { self.v4_at(12).into() } else { self.v6_at(8).into() }
    }

    /// Receiver.
    pub fn destination(&self) -> IpAddr {
        if self.is_v4() { self.v4_at(16).into() } else { self.v6_at(24).into() }
    }

    /// Protocol of the payload, and its offset, behind options and extension headers.
    pub fn transport(&self) -> (u8, usize) {
        if self.is_v4() {
            return (self.0[9], usize::from(self.0[0] & 15) * 4);
        }
        let (mut next, mut at) = (self.0[6], ipv6::LEN);
        while let ipv6::HOP_BY_HOP | ipv6::ROUTING | ipv6::DESTINATION | ipv6::FRAGMENT = next {
            let Some([following, units]) = self.0.get(at..).and_then(|rest| rest.first_chunk()) else {
                break;
            };
            at += if next == ipv6::FRAGMENT { 8 } else { 8 * (usize::from(*units) + 1) };
            next = *following;
        }
        (next, at)
    }

    /// True if it is a part of a datagram.
    pub fn is_fragment(&self) -> bool {
        if self.is_v4() { self.number(6) & 0x3fff != 0 } else { self.0[6] == ipv6::FRAGMENT }
    }

    /// True if it is a part of a datagram, but not the first.
    pub fn is_later_fragment(&self) -> bool {
        let offset = if self.is_v4() { self.number(6) & 0x1fff } else { self.number(ipv6::LEN + 2) >> 3 };
        self.is_fragment() && offset != 0
    }

    /// With another TTL or hop limit.
    #[must_use]
    pub fn with_hops(mut self, hops: u8) -> Self {
        let at = if self.is_v4() { 8 } else { 7 };
        self.0[at] = hops;
        self.summed()
    }

    /// As a router passes it on.
    #[must_use]
    pub fn routed(&self) -> Self {
        self.clone().with_hops(self.hops() - 1)
    }

    /// With source and destination exchanged.
    #[must_use]
    pub fn turned(&self) -> Self {
        let (at, octets) = if self.is_v4() { (12, 4) } else { (8, 16) };
        let mut turned = self.clone();
        turned.0[at..at + 2 * octets].rotate_left(octets);
        turned
    }

    /// The packet in fragments of so many octets of payload each, a multiple of eight.
    #[must_use]
    pub fn fragments(&self, octets: usize) -> Vec<Self> {
        let (protocol, start) = self.transport();
        let header = Ip { hops: self.hops(), ..ip(self.source(), self.destination()) };
        let pieces: Vec<&[u8]> = self.0[start..].chunks(octets).collect();
        let fragment = |(index, piece): (usize, &&[u8])| {
            let more = index + 1 < pieces.len();
            let offset = length(index * octets / 8);
            if self.is_v4() {
                let fragment = offset | if more { MORE } else { 0 };
                return Ip { fragment, ..header.clone() }.payload(protocol, piece);
            }
            let place = (offset << 3 | u16::from(more)).to_be_bytes();
            let body = [&place[..], &[0, 0, 0, 1]].concat();
            header.clone().extension(ipv6::FRAGMENT, &body).payload(protocol, piece)
        };
        pieces.iter().enumerate().map(fragment).collect()
    }

    /// With a right header checksum.
    fn summed(mut self) -> Self {
        if self.is_v4() {
            let header = usize::from(self.0[0] & 15) * 4;
            self.0[10..12].fill(0);
            let sum = checksum(&self.0[..header]);
            self.0[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        self
    }

    fn number(&self, at: usize) -> usize {
        self.0.get(at..at + 2).map_or(0, |two| usize::from(u16::from_be_bytes([two[0], two[1]])))
    }

    fn v4_at(&self, at: usize) -> Ipv4Addr {
        let octets: [u8; 4] = std::array::from_fn(|index| self.0[at + index]);
        octets.into()
    }

    fn v6_at(&self, at: usize) -> Ipv6Addr {
        let octets: [u8; 16] = std::array::from_fn(|index| self.0[at + index]);
        octets.into()
    }
}
