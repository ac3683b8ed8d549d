//! What is beside a frame that comes out of a tunnel, or goes into one.

use switch_common::table::overlay;

/// The tunnel of a frame, in the kernel's layout (`struct bpf_tunnel_key`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Tunnel {
    /// VXLAN network identifier.
    pub vni: u32,
    /// The other host.
    pub remote: overlay::Address,
    /// Type of service, TTL in the second octet, and zeros.
    pub about: u32,
    /// Flow label of IPv6.
    pub label: u32,
    /// This host.
    pub local: overlay::Address,
    /// Always 0: makes the size a multiple of eight.
    pub reserved: u32,
}
