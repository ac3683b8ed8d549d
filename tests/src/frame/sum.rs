//! The Internet checksum, and whether those in a frame are right.

use std::net::IpAddr;

use switch_common::wire::{arp, eth, ipv4, ipv6, vlan};

use super::{Frame, Packet, ip::TCP};

/// Protocol number of ICMP.
pub const ICMP: u8 = 1;

/// The Internet checksum (RFC 1071).
pub fn checksum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

/// The checksum of a message between two addresses. ICMP over IPv4 does without their part.
pub(super) fn message_checksum(source: IpAddr, destination: IpAddr, protocol: u8, message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
    let addresses = match (source, destination) {
        (IpAddr::V4(_), IpAddr::V4(_)) if protocol == ICMP => return checksum(message),
        (IpAddr::V4(source), IpAddr::V4(destination)) => [source.octets(), destination.octets()].concat(),
        (IpAddr::V6(source), IpAddr::V6(destination)) => [source.octets(), destination.octets()].concat(),
        _ => unreachable!("a packet has one family"),
    };
    checksum(&[&addresses[..], &length, &[0, 0, 0, protocol], message].concat())
}

/// Where the checksum of a protocol stands in its message.
pub(super) fn place_of_checksum(protocol: u8) -> Option<usize> {
    match protocol {
        TCP => Some(16),
        ipv4::UDP => Some(6),
        ICMP | ipv6::ICMPV6 => Some(2),
        _ => None,
    }
}

/// Reads a frame again and checks every length and checksum in it.
///
/// # Errors
/// With what is wrong.
pub fn verify(frame: &Frame) -> Result<(), String> {
    let mut at = eth::LEN;
    let ethertype = loop {
        let kind: [u8; 2] = part(&frame.0, at - 2)?;
        match u16::from_be_bytes(kind) {
            kind if vlan::is_tag(kind) => at += vlan::LEN,
            kind => break kind,
        }
    };
    let payload = &frame.0[at..];
    match ethertype {
        eth::ARP => {
            let fixed: [u8; 6] = part(payload, 0)?;
            right(payload.len() >= arp::LEN && fixed == [0, 1, 8, 0, 6, 4], "ARP header")
        }
        eth::IPV4 | eth::IPV6 => verify_packet(&Packet(payload.to_vec()), ethertype),
        _ => Ok(()),
    }
}

fn verify_packet(packet: &Packet, ethertype: u16) -> Result<(), String> {
    let version = if ethertype == eth::IPV4 { 4 } else { 6 };
    right(packet.0.first().is_some_and(|octet| octet >> 4 == version), "IP version")?;
    if version == 4 {
        let header = packet.0.get(..usize::from(packet.0[0] & 15) * 4).ok_or("IPv4 header is cut off")?;
        right(checksum(header) == 0, "IPv4 header checksum")?;
    } else {
        right(packet.0.len() >= ipv6::LEN, "IPv6 header is cut off")?;
    }
    right(packet.hops() > 0, "TTL or hop limit")?;
    right(packet.octets() <= packet.0.len(), "IP length")?;
    let (protocol, offset) = packet.transport();
    let message = packet.0.get(offset..packet.octets()).ok_or("the packet is cut off")?;
    if packet.is_fragment() {
        return Ok(());
    }
    if protocol == ipv4::UDP {
        let length: [u8; 2] = part(message, 4)?;
        right(usize::from(u16::from_be_bytes(length)) == message.len(), "UDP length")?;
        if version == 4 && part::<2>(message, 6)? == [0, 0] {
            return Ok(());
        }
    }
    if place_of_checksum(protocol).is_none() {
        return Ok(());
    }
    let sum = message_checksum(packet.source(), packet.destination(), protocol, message);
    right(sum == 0, "checksum of TCP, UDP or ICMP")
}

fn right(is_right: bool, what: &str) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(format!("{what} is wrong")) }
}

fn part<const N: usize>(octets: &[u8], at: usize) -> Result<[u8; N], String> {
    let rest = octets.get(at..).unwrap_or_default();
    rest.first_chunk().copied().ok_or_else(|| "the frame is cut off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::{IP_A, IP_B, IP6_A, IP6_B, MAC_A, MAC_B},
        frame::{Error, eth, ip},
    };

    /// Every packet that can be built is right, and no octet of it that a checksum covers can change
    /// unseen.
    #[test]
    fn what_is_wrong_is_seen() {
        let packets = [ip(IP_A, IP_B), ip(IP6_A, IP6_B)].into_iter().flat_map(|header| {
            let udp = header.clone().udp(1, 2, b"odd");
            let errors = [Error::TimeExceeded, Error::TooBig(1400)];
            let mut packets = errors.map(|error| udp.error(udp.destination(), error)).to_vec();
            packets.extend(udp.fragments(8));
            let echo = header.echo(7, 1, b"ping");
            packets.extend([udp, header.tcp(1, 2, 2, b"x"), echo.echo_reply(), echo.routed(), echo]);
            packets
        });
        for packet in packets {
            let frame = eth(MAC_B, MAC_A).vlan(10).ip(&packet);
            assert_eq!(verify(&frame), Ok(()), "{frame:?}");
            let covered = if packet.is_fragment() { 0..0 } else { packet.transport().1..packet.octets() };
            for at in covered {
                let mut broken = frame.clone();
                broken.0[18 + at] ^= 4;
                assert!(verify(&broken).is_err(), "octet {at} of {frame:?}");
            }
        }
    }
}
