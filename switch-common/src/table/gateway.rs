//! Networks that are routed.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::addr::IpWords;

/// Name of the map: a hash from network (`u32`, its VLAN) to [`Gateway`]. Networks without a router
/// are not in it.
pub const NAME: &str = "gateways";

/// The source of a packet must be reachable through the network that it came from (RFC 3704, 2.2).
pub const REVERSE_PATH: u16 = 1 << 0;

/// A network's side of its router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Gateway {
    /// Number of the router: its slot, never 0.
    pub vrf: u32,
    /// Largest layer-3 packet that the network carries, in octets; `u32::MAX` if nobody said.
    pub mtu: u32,
    /// Kind of the network's tag, in host order: [`CUSTOMER`](crate::wire::vlan::CUSTOMER) or
    /// [`SERVICE`](crate::wire::vlan::SERVICE).
    pub tpid: u16,
    /// [`REVERSE_PATH`] or nothing.
    pub flags: u16,
    /// Always 0: makes the size a multiple of eight.
    pub reserved: u32,
    /// First IPv4 gateway address; zeros for none.
    pub ipv4: IpWords,
    /// First IPv6 gateway address; zeros for none.
    pub ipv6: IpWords,
}

const _: () = assert!(size_of::<Gateway>() == 48);
