//! Router advertisements as octets (RFC 4861, 4.2 and 4.6; RFC 8106, 5.1).

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use switch_common::{addr::Mac, wire::nd};

use crate::model::ValidNetwork;

/// Seconds for which stations use the router without hearing of it: three times the longest time
/// between two advertisements.
const LIFETIME: u16 = 1800;
/// Seconds for which an address made of a prefix is valid, and preferred (RFC 4861, 6.2.1).
const VALID: u32 = 2_592_000;
const PREFERRED: u32 = 604_800;
/// Hop limit that stations are told to use.
const HOP_LIMIT: u8 = 64;
/// Length of the prefixes of which stations make addresses (RFC 4862, 5.5.3; RFC 7421).
const INTERFACE: u8 = 64;

/// Option numbers.
const SOURCE: u8 = 1;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const DNS: u8 = 25;

/// In a prefix: stations with an address in it are on the link.
const ON_LINK: u8 = 0x80;
/// In a prefix: stations make addresses of it.
const AUTONOMOUS: u8 = 0x40;

/// What a router says in a network, with its MAC address; the checksum is still zero.
pub(super) fn advertisement(network: &ValidNetwork, router: Mac) -> Vec<u8> {
    let mut message = vec![nd::ROUTER_ADVERTISEMENT, 0, 0, 0, HOP_LIMIT, 0];
    message.extend(LIFETIME.to_be_bytes());
    // Reachable time and retransmission timer: the station's own.
    message.extend([0; 8]);
    message.extend([SOURCE, 1]);
    message.extend(router.octets());
    if let Some(mtu) = network.mtu {
        message.extend([MTU, 1, 0, 0]);
        message.extend(mtu.to_be_bytes());
    }
    for subnet in &network.subnets {
        if let (IpNet::V6(prefix), Some(IpAddr::V6(_))) = (subnet.prefix, subnet.gateway) {
            push_prefix(&mut message, prefix.network(), prefix.prefix_len());
        }
    }
    push_dns(&mut message, &network.dns);
    message
}

fn push_prefix(message: &mut Vec<u8>, prefix: Ipv6Addr, bits: u8) {
    let autonomous = if bits == INTERFACE { AUTONOMOUS } else { 0 };
    message.extend([PREFIX, 4, bits, ON_LINK | autonomous]);
    message.extend(VALID.to_be_bytes());
    message.extend(PREFERRED.to_be_bytes());
    message.extend([0; 4]);
    message.extend(prefix.octets());
}

fn push_dns(message: &mut Vec<u8>, servers: &[Ipv6Addr]) {
    // The length of an option is one octet, in units of eight.
    for servers in servers.chunks(127) {
        let units = u8::try_from(1 + 2 * servers.len()).unwrap_or_default();
        message.extend([DNS, units, 0, 0]);
        message.extend(u32::from(LIFETIME).to_be_bytes());
        message.extend(servers.iter().flat_map(Ipv6Addr::octets));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use switch_common::addr::{GATEWAY_MAC, VlanId};

    use super::*;
    use crate::model::Subnet;

    pub(in super::super) fn network() -> ValidNetwork {
        let subnet = |prefix: &str, gateway: Option<&str>| Subnet {
            prefix: prefix.parse().unwrap(),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        };
        ValidNetwork {
            vlan: VlanId::new(10).unwrap(),
            vni: None,
            mtu: Some(1400),
            subnets: vec![
                subnet("10.0.10.0/24", Some("10.0.10.1")),
                subnet("fd00:10::/64", Some("fd00:10::1")),
                subnet("fd00:11::/80", Some("fd00:11::1")),
                subnet("fd00:12::/64", None),
            ],
            router: Some("r1".into()),
            slaac: true,
            dns: vec!["fd00::53".parse().unwrap(), "fd00::54".parse().unwrap()],
        }
    }

    #[test]
    fn an_advertisement_is_what_the_standards_say() {
        let mut expected = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
        expected.extend([1, 1, 2, 0x64, 0x76, 0x73, 0, 1]);
        expected.extend([5, 1, 0, 0, 0, 0, 0x05, 0x78]);
        expected.extend([3, 4, 64, 0xc0, 0, 0x27, 0x8d, 0, 0, 0x09, 0x3a, 0x80, 0, 0, 0, 0]);
        expected.extend([0xfd, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([3, 4, 80, 0x80, 0, 0x27, 0x8d, 0, 0, 0x09, 0x3a, 0x80, 0, 0, 0, 0]);
        expected.extend([0xfd, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([25, 5, 0, 0, 0, 0, 0x07, 0x08]);
        expected.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53]);
        expected.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x54]);
        assert_eq!(advertisement(&network(), GATEWAY_MAC), expected);
    }

    #[test]
    fn what_nobody_has_said_is_left_out() {
        let plain = ValidNetwork { mtu: None, subnets: vec![], dns: vec![], ..network() };
        assert_eq!(advertisement(&plain, GATEWAY_MAC).len(), 16 + 8);
    }
}
