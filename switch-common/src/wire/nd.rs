//! Neighbour discovery (RFC 4861, 4) and its neighbours in `ICMPv6`: what a guarded port may announce.

use super::{part, set, words};
use crate::addr::{IpWords, MacWord, ipv6_words};

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
    /// The same as words.
    #[inline(always)]
    pub fn target_words(self) -> IpWords {
        words::<8, 16, LEN>(self.0)
    }

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

/// Octets of a solicitation or advertisement with one link-layer address.
pub const MESSAGE_LEN: usize = LEN + OPTION_LEN;

/// Hop limit of all neighbour discovery, which so comes from no further than the link (RFC 4861, 3.1).
pub const HOP_LIMIT: u8 = 255;

/// Flags of an advertisement (RFC 4861, 4.4): the sender is a router.
pub const ROUTER: u8 = 0x80;
/// The advertisement answers a solicitation.
pub const SOLICITED: u8 = 0x40;
/// The advertisement replaces what was known.
pub const OVERRIDE: u8 = 0x20;

/// Writes a solicitation or advertisement with the sender's link-layer address, but for its
/// checksum; returns the sum of what was written.
#[inline(always)]
pub fn write(message: &mut [u8; MESSAGE_LEN], kind: u8, flags: u8, target: IpWords, mac: MacWord) -> u64 {
    const SOURCE: u8 = 1;
    const TARGET: u8 = 2;
    let option = if kind == NEIGHBOUR_SOLICITATION { SOURCE } else { TARGET };
    let [a, b, c, d, e, f, ..] = mac.get().to_le_bytes();
    let words = [
        u64::from_ne_bytes([kind, 0, 0, 0, flags, 0, 0, 0]),
        target[0],
        target[1],
        u64::from_ne_bytes([option, 1, a, b, c, d, e, f]),
    ];
    set::<0, 8, MESSAGE_LEN>(message, words[0].to_ne_bytes());
    set::<8, 8, MESSAGE_LEN>(message, words[1].to_ne_bytes());
    set::<16, 8, MESSAGE_LEN>(message, words[2].to_ne_bytes());
    set::<24, 8, MESSAGE_LEN>(message, words[3].to_ne_bytes());
    super::sum::words(0, &words)
}

/// The beginning of an option of so many octets, a multiple of 8 and at most 2040, that nobody heeds: of a kind for
/// experiments (RFC 4727, 5.1), and receivers ignore what they do not know (RFC 4861, 4.6).
#[inline(always)]
pub const fn padding(octets: u32) -> [u8; 2] {
    [253, (octets / 8) as u8]
}

/// The group in which a station with this address is asked for (RFC 4291, 2.7.1).
#[inline(always)]
pub const fn solicited_node(address: IpWords) -> IpWords {
    let [.., x, y, z] = address[1].to_ne_bytes();
    ipv6_words([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, x, y, z])
}

/// The MAC address of a group (RFC 2464, 7).
#[inline(always)]
pub const fn group_mac(group: IpWords) -> MacWord {
    let [_, _, _, _, w, x, y, z] = group[1].to_ne_bytes();
    MacWord::from_octets([0x33, 0x33, w, x, y, z, 0, 0])
}

/// All nodes on the link.
pub const ALL_NODES: IpWords = ipv6_words([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/// Writes the checksum of a message that sums up to this, pseudo-header included.
#[inline(always)]
pub fn set_checksum(message: &mut [u8; MESSAGE_LEN], sums: u64) {
    set::<2, 2, MESSAGE_LEN>(message, super::sum::finish(sums));
}
