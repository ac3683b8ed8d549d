//! VLAN tags (IEEE 802.1Q-2018, 9.6): two octets of control information, then the next ethertype.

use super::be16;

/// Octets of a tag in the frame: its TPID stands where the ethertype would.
pub const LEN: usize = 4;

/// Tag protocol identifier of a customer tag.
pub const CUSTOMER: u16 = 0x8100;
/// Tag protocol identifier of a service tag (802.1ad).
pub const SERVICE: u16 = 0x88a8;

/// Mask of the VLAN identifier within the control information.
pub const VID: u16 = 0x0fff;

/// True if the ethertype announces a tag.
#[inline(always)]
pub const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, CUSTOMER | SERVICE)
}

/// A view of the four octets behind the TPID: control information and the ethertype of what follows.
#[derive(Clone, Copy, Debug)]
pub struct Vlan<'a>(pub &'a [u8; LEN]);

impl Vlan<'_> {
    /// Tag control information: priority (3 bits), drop eligibility (1 bit), VLAN identifier (12 bits).
    #[inline(always)]
    pub fn tci(self) -> u16 {
        be16(self.0[0], self.0[1])
    }

    /// Ethertype of what follows the tag.
    #[inline(always)]
    pub fn ethertype(self) -> u16 {
        be16(self.0[2], self.0[3])
    }
}
