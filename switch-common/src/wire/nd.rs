//! Neighbour discovery (RFC 4861, 4) and its neighbours in `ICMPv6`: what a guarded port may announce.

use super::part;
use crate::addr::MacWord;

/// Octets of a solicitation or advertisement up to its options.
pub const LEN: usize = 24;
/// Octets of a router solicitation up to its options.
pub const SOLICITATION_LEN: usize = 8;
/// Octets of a link-layer address option for Ethernet.
pub const OPTION_LEN: usize = 8;

/// Router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// Router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// Neighbour solicitation.
pub const NEIGHBOUR_SOLICITATION: u8 = 135;
/// Neighbour advertisement.
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// Redirect.
pub const REDIRECT: u8 = 137;

/// True for multicast listener query, report and done (RFC 2710), and for report version 2 (RFC 3810).
#[inline(always)]
pub const fn is_listener(kind: u8) -> bool {
    matches!(kind, 130..=132 | 143)
}

/// A view of a neighbour solicitation or advertisement.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour<'a>(pub &'a [u8; LEN]);

impl Neighbour<'_> {
    /// The address that is asked for or announced.
    #[inline(always)]
    pub fn target(self) -> [u8; 16] {
        part::<8, 16, LEN>(self.0)
    }
}

/// A view of the first option, if it is a link-layer address of Ethernet.
#[derive(Clone, Copy, Debug)]
pub struct LinkOption<'a>(pub &'a [u8; OPTION_LEN]);

impl LinkOption<'_> {
    /// True for a source (1) or target (2) link-layer address of one unit of eight octets.
    #[inline(always)]
    pub fn is_link_address(self) -> bool {
        matches!(self.0[0], 1 | 2) && self.0[1] == 1
    }

    /// Octets of the option, 0 for a malformed one.
    #[inline(always)]
    pub fn octets(self) -> usize {
        usize::from(self.0[1]) * 8
    }

    /// The address.
    #[inline(always)]
    pub fn mac(self) -> MacWord {
        let [_, _, a, b, c, d, e, f] = *self.0;
        MacWord::from_octets([a, b, c, d, e, f, 0, 0])
    }
}
