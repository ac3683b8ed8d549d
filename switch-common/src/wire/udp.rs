//! UDP (RFC 768).

use super::be16;

/// Octets of the header.
pub const LEN: usize = 8;

/// Offset of the checksum.
pub const CHECKSUM: u32 = 6;

/// Port of DHCP clients (RFC 2131).
pub const DHCP_CLIENT: u16 = 68;
/// Port of DHCP servers.
pub const DHCP_SERVER: u16 = 67;

/// A view of the header.
#[derive(Clone, Copy, Debug)]
pub struct Udp<'a>(pub &'a [u8; LEN]);

impl Udp<'_> {
    /// Source port.
    #[inline(always)]
    pub fn source(self) -> u16 {
        be16(self.0[0], self.0[1])
    }

    /// Destination port.
    #[inline(always)]
    pub fn destination(self) -> u16 {
        be16(self.0[2], self.0[3])
    }
}
