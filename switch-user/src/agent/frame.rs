//! Frames that the agent makes.

use std::net::{IpAddr, Ipv6Addr};

use switch_common::{
    addr::{IpWords, Mac, ip_octets, ip_words},
    wire::{arp, eth, ipv6, nd},
};

use super::scene::Exit;

/// Octets of the shortest frame, without its check sequence (IEEE 802.3-2018, 3.2.8).
const SHORTEST: usize = 60;

/// A frame that leaves by an exit.
pub fn ethernet(exit: &Exit, destination: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [destination.octets(), exit.router.octets()].concat();
    if let Some((tpid, vlan)) = exit.tag {
        frame.extend(tpid.to_be_bytes());
        frame.extend(vlan.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(SHORTEST), 0);
    frame
}

/// The question who has an address: to a station that is said to have it, or to all.
///
/// `None` if `own`, from which it is asked, is of another family.
pub fn question(exit: &Exit, own: IpAddr, address: IpAddr, station: Option<Mac>) -> Option<Vec<u8>> {
    match (own, address) {
        (IpAddr::V4(own), IpAddr::V4(address)) => {
            let nobody = Mac::default().word();
            let mut packet = [0; arp::LEN];
            let (sender, target) = ((exit.router.word(), own.octets()), (nobody, address.octets()));
            arp::write(&mut packet, arp::REQUEST, sender, target);
            Some(ethernet(exit, station.unwrap_or(Mac::BROADCAST), eth::ARP, &packet))
        }
        (IpAddr::V6(own), IpAddr::V6(address)) => Some(solicitation(exit, own, address, station)),
        _ => None,
    }
}

/// A neighbour solicitation (RFC 4861, 4.3); one that asks whether a station is still there goes to
/// the address itself (7.3.3).
fn solicitation(exit: &Exit, own: Ipv6Addr, address: Ipv6Addr, station: Option<Mac>) -> Vec<u8> {
    let words = ip_words(address.into());
    let group = nd::solicited_node(words);
    let (destination, mac) = match station {
        Some(mac) => (words, mac),
        None => (group, nd::group_mac(group).mac()),
    };
    let mut message = [0; nd::MESSAGE_LEN];
    nd::write(&mut message, nd::NEIGHBOUR_SOLICITATION, 0, words, exit.router.word());
    icmp(exit, mac, ip_words(own.into()), destination, &message)
}

/// A packet of ARP or RARP to all, in which sender and target have the same address.
pub fn own_address(exit: &Exit, ethertype: u16, operation: u16, target: Mac, ip: [u8; 4]) -> Vec<u8> {
    let mut packet = [0; arp::LEN];
    arp::write(&mut packet, operation, (exit.router.word(), ip), (target.word(), ip));
    ethernet(exit, Mac::BROADCAST, ethertype, &packet)
}

/// An unsolicited neighbour advertisement to all (RFC 4861, 7.2.6).
pub fn advertisement(exit: &Exit, ip: Ipv6Addr, flags: u8) -> Vec<u8> {
    let (own, mut message) = (ip_words(ip.into()), [0; nd::MESSAGE_LEN]);
    nd::write(&mut message, nd::NEIGHBOUR_ADVERTISEMENT, flags, own, exit.router.word());
    icmp(exit, nd::group_mac(nd::ALL_NODES).mac(), own, nd::ALL_NODES, &message)
}

/// An `ICMPv6` message of neighbour discovery, whose checksum is put in.
pub fn icmp(exit: &Exit, mac: Mac, source: IpWords, destination: IpWords, message: &[u8]) -> Vec<u8> {
    let mut header = [0; ipv6::LEN];
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    ipv6::write(&mut header, length, ipv6::ICMPV6, nd::HOP_LIMIT, source, destination);
    let mut packet = header.to_vec();
    packet.extend(message);
    let sum = checksum(source, destination, message);
    if let Some(field) = packet.get_mut(ipv6::LEN + 2..ipv6::LEN + 4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    ethernet(exit, mac, eth::IPV6, &packet)
}

/// The checksum of a message whose own field is zero (RFC 4443, 2.3; RFC 8200, 8.1).
fn checksum(source: IpWords, destination: IpWords, message: &[u8]) -> u16 {
    let mut octets = [ip_octets(source), ip_octets(destination)].concat();
    octets.extend(u32::try_from(message.len()).unwrap_or_default().to_be_bytes());
    octets.extend([0, 0, 0, ipv6::ICMPV6]);
    octets.extend(message);
    let pairs = octets.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = pairs.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use switch_common::wire::vlan;

    use super::*;

    pub(in super::super) const PORT: Exit = Exit {
        ifindex: 7,
        tag: None,
        router: Mac::new([2, 0x64, 0x76, 0x73, 0, 1]),
        uplink: false,
        tunnel: None,
    };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// A message with its checksum inside sums up to zero.
    pub(in super::super) fn is_sound(packet: &[u8]) -> bool {
        let word = |at: usize| <[u8; 16]>::try_from(&packet[at..at + 16]).unwrap();
        let words = |at| switch_common::addr::ipv6_words(word(at));
        checksum(words(8), words(24), &packet[40..]) == 0
    }

    #[test]
    fn all_are_asked_for_an_ipv4_address() {
        let frame = question(&PORT, ip("10.0.10.1"), ip("10.0.10.9"), None).unwrap();
        let mut expected = vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0x64, 0x76, 0x73, 0, 1, 8, 6];
        expected.extend([0, 1, 8, 0, 6, 4, 0, 1, 2, 0x64, 0x76, 0x73, 0, 1, 10, 0, 10, 1]);
        expected.extend([0, 0, 0, 0, 0, 0, 10, 0, 10, 9]);
        expected.resize(60, 0);
        assert_eq!(frame, expected);
    }

    #[test]
    fn one_station_is_asked_with_the_tag_of_its_network() {
        let exit = Exit { tag: Some((vlan::SERVICE, 20)), ..PORT };
        let station = Mac::new([2, 0, 0, 0, 0, 9]);
        let frame = question(&exit, ip("10.0.10.1"), ip("10.0.10.9"), Some(station)).unwrap();
        assert_eq!(frame[..6], station.octets());
        assert_eq!(frame[12..18], [0x88, 0xa8, 0, 20, 8, 6]);
    }

    #[test]
    fn an_ipv6_address_is_asked_for_in_its_group_or_by_itself() {
        let all = question(&PORT, ip("fd00:10::1"), ip("fd00:10::1:2:3"), None).unwrap();
        assert_eq!(all[..6], [0x33, 0x33, 0xff, 2, 0, 3]);
        assert_eq!(all[12..14], [0x86, 0xdd]);
        let group: Ipv6Addr = "ff02::1:ff02:3".parse().unwrap();
        assert_eq!(all[38..54], group.octets());
        assert_eq!(all[54..56], [135, 0]);
        assert_eq!(all[78..86], [1, 1, 2, 0x64, 0x76, 0x73, 0, 1], "the router's own address");
        assert!(is_sound(&all[14..]));
        let station = Mac::new([2, 0, 0, 0, 0, 9]);
        let one = question(&PORT, ip("fd00:10::1"), ip("fd00:10::9"), Some(station)).unwrap();
        assert_eq!(one[..6], station.octets());
        assert_eq!(one[38..54], one[62..78]);
        assert!(is_sound(&one[14..]));
    }

    #[test]
    fn nobody_asks_from_an_address_of_the_other_family() {
        assert_eq!(question(&PORT, ip("fd00:10::1"), ip("10.0.10.9"), None), None);
    }
}
