//! Who appears in the cases.

use std::net::{Ipv4Addr, Ipv6Addr};

use switch_common::addr::Mac;

/// Station at the first port.
pub const MAC_A: Mac = Mac::new([2, 0, 0, 0, 0, 0xa]);
/// Station at the second port.
pub const MAC_B: Mac = Mac::new([2, 0, 0, 0, 0, 0xb]);
/// Station at the third port.
pub const MAC_C: Mac = Mac::new([2, 0, 0, 0, 0, 0xc]);
/// A station that nobody has seen.
pub const MAC_X: Mac = Mac::new([2, 0, 0, 0, 0, 0xf]);
/// All IPv4 multicast of 224.0.0.251.
pub const MAC_MDNS: Mac = Mac::new([1, 0, 0x5e, 0, 0, 0xfb]);
/// The group of the spanning tree, which no bridge forwards.
pub const MAC_STP: Mac = Mac::new([1, 0x80, 0xc2, 0, 0, 0]);

/// Address of station A.
pub const IP_A: Ipv4Addr = Ipv4Addr::new(10, 0, 10, 1);
/// Address of station B.
pub const IP_B: Ipv4Addr = Ipv4Addr::new(10, 0, 10, 2);
/// An address that belongs to nobody.
pub const IP_X: Ipv4Addr = Ipv4Addr::new(10, 0, 10, 99);
/// Address of station A.
pub const IP6_A: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0, 0, 0, 0, 0, 1);
/// Address of station B.
pub const IP6_B: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0, 0, 0, 0, 0, 2);
/// An address that belongs to nobody.
pub const IP6_X: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0, 0, 0, 0, 0, 0x99);

/// The link-local address of a station that made it from its MAC address.
pub fn link_local(mac: Mac) -> Ipv6Addr {
    mac.link_local().into()
}
