//! Who appears in the cases.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// The stations and routers of one family, in blue (VLAN 10) and green (VLAN 20).
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// Word for it.
    pub family: &'static str,
    /// Station A in blue.
    pub a: IpAddr,
    /// Station B in blue.
    pub b: IpAddr,
    /// Another one in blue, of which nothing is configured.
    pub x: IpAddr,
    /// Station C in green.
    pub c: IpAddr,
    /// Another one in green, of which nothing is configured.
    pub y: IpAddr,
    /// The router in blue.
    pub blue: IpAddr,
    /// The router in green.
    pub green: IpAddr,
    /// Somebody far away.
    pub far: IpAddr,
}

/// Both families.
pub fn casts() -> [Cast; 2] {
    [("IPv4", "10.0.10.", "10.0.20.", "192.0.2."), ("IPv6", "fd00:10::", "fd00:20::", "2001:db8::")].map(
        |(family, blue, green, far)| {
            let address = |prefix: &str, host: &str| -> IpAddr {
                format!("{prefix}{host}").parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
            };
            Cast {
                family,
                a: address(blue, "1"),
                b: address(blue, "2"),
                x: address(blue, "99"),
                c: address(green, "3"),
                y: address(green, "99"),
                blue: address(blue, "254"),
                green: address(green, "254"),
                far: address(far, "1"),
            }
        },
    )
}
