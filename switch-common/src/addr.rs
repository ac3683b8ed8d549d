//! Addresses and identifiers as types, so that an illegal value cannot be built.

use core::{fmt, net::IpAddr, str::FromStr};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A 48-bit MAC address, in the order of the wire.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Unaligned,
)]
#[repr(transparent)]
pub struct Mac([u8; 6]);

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// An address from its six octets as they stand in a frame.
    #[inline(always)]
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The six octets as they stand in a frame.
    #[inline(always)]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// True for group addresses, broadcast among them (the I/G bit, IEEE 802-2014, 8.2.2).
    #[inline(always)]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// True for `00:00:00:00:00:00`, which no station may own.
    #[inline(always)]
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }

    /// True for an address that a single station may own and send from.
    #[inline(always)]
    pub fn is_station(self) -> bool {
        !self.is_multicast() && !self.is_zero()
    }

    /// The address as one number, for the datapath.
    #[inline(always)]
    pub const fn word(self) -> MacWord {
        let [a, b, c, d, e, f] = self.0;
        MacWord(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// The modified EUI-64 link-local address of a station with this MAC (RFC 4291, appendix A).
    pub const fn link_local(self) -> [u8; 16] {
        let [a, b, c, d, e, f] = self.0;
        [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]
    }
}

/// A MAC address in one register: its octets are the low 48 bits of a little-endian number.
///
/// The datapath compares and looks up addresses in this form; octet by octet it would spend a
/// quarter of a frame's time on taking six of them apart and putting them together again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct MacWord(u64);

impl MacWord {
    const MASK: u64 = 0xffff_ffff_ffff;

    /// The address whose octets are the first six of these eight.
    #[inline(always)]
    pub const fn from_octets(octets: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(octets) & Self::MASK)
    }

    /// The number.
    #[inline(always)]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The address as octets.
    #[inline(always)]
    pub const fn mac(self) -> Mac {
        let [a, b, c, d, e, f, _, _] = self.0.to_le_bytes();
        Mac([a, b, c, d, e, f])
    }

    /// True for group addresses, broadcast among them.
    #[inline(always)]
    pub const fn is_multicast(self) -> bool {
        self.0 & 1 != 0
    }

    /// True for an address that a single station may own and send from.
    #[inline(always)]
    pub const fn is_station(self) -> bool {
        !self.is_multicast() && self.0 != 0
    }

    /// True for an address that the router of some host has towards its uplinks: `02:64:76:80:00:00` to
    /// `02:64:76:ff:ff:ff`.
    #[inline(always)]
    pub const fn is_router(self) -> bool {
        self.0 & 0x80ff_ffff == ROUTERS
    }

    /// True for `01:80:c2:00:00:00` to `0f`, which a bridge does not forward (IEEE 802.1Q-2018, table 8-1).
    #[inline(always)]
    pub const fn is_reserved_multicast(self) -> bool {
        self.0 & 0xf0ff_ffff_ffff == 0x00c2_8001
    }
}

/// What the addresses have in common that hosts' routers have towards uplinks: three octets, and the bit
/// behind them that [`GATEWAY_MAC`] does not have.
const ROUTERS: u64 = 0x8076_6402;

/// Address of every gateway towards the ports of a host, unless the configuration says otherwise.
pub const GATEWAY_MAC: Mac = Mac::new([0x02, 0x64, 0x76, 0x73, 0, 1]);

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

/// A text that is no MAC address: not six octets of two hexadecimal digits each, split by `:` or `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseMacError;

impl fmt::Display for ParseMacError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("not a MAC address; write six octets such as 02:00:00:00:00:01")
    }
}

impl core::error::Error for ParseMacError {}

impl FromStr for Mac {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, ParseMacError> {
        let mut octets = [0; 6];
        let mut parts = text.split([':', '-']);
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2).ok_or(ParseMacError)?;
            if !part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(ParseMacError);
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| ParseMacError)?;
        }
        if parts.next().is_some() {
            return Err(ParseMacError);
        }
        Ok(Self(octets))
    }
}

/// An IP address as two words: its octets in the order of the wire, followed by zeros for IPv4.
///
/// Words, because the verifier refuses the stores of unequal size that LLVM makes of octets.
pub type IpWords = [u64; 2];

/// The words of an IPv4 address.
#[inline(always)]
pub const fn ipv4_words(octets: [u8; 4]) -> IpWords {
    [(u32::from_le_bytes(octets) as u64).to_le(), 0]
}

/// The words of an IPv6 address.
#[inline(always)]
pub const fn ipv6_words(octets: [u8; 16]) -> IpWords {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
    [u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u64::from_ne_bytes([i, j, k, l, m, n, o, p])]
}

/// The words of an IP address.
pub const fn ip_words(address: IpAddr) -> IpWords {
    match address {
        IpAddr::V4(v4) => ipv4_words(v4.octets()),
        IpAddr::V6(v6) => ipv6_words(v6.octets()),
    }
}

/// True if both are the same address. Word by word: as a whole, LLVM would compare them in memory, in
/// pieces that the verifier refuses.
#[inline(always)]
pub const fn is_same(one: IpWords, other: IpWords) -> bool {
    (one[0] ^ other[0]) | (one[1] ^ other[1]) == 0
}

/// True for `::`, and for 0.0.0.0.
#[inline(always)]
pub const fn is_unspecified(address: IpWords) -> bool {
    address[0] | address[1] == 0
}

/// The same words, of which LLVM is to know nothing: it would write what it knows to be the four
/// octets of an IPv4 address to the stack in pieces that the verifier refuses.
#[inline(always)]
pub fn whole(words: IpWords) -> IpWords {
    #[cfg_attr(not(target_arch = "bpf"), expect(unused_mut, reason = "only BPF hides them"))]
    let [mut first, mut second] = words;
    #[cfg(target_arch = "bpf")]
    // SAFETY: two arithmetic instructions on registers, which change nothing.
    unsafe {
        core::arch::asm!("{first} = {first}", "{second} = {second}", first = inout(reg) first, second = inout(reg) second, options(pure, nomem, nostack));
    }
    [first, second]
}

/// The octets that these words stand for.
#[inline(always)]
pub const fn ip_octets(words: IpWords) -> [u8; 16] {
    let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) =
        (words[0].to_ne_bytes(), words[1].to_ne_bytes());
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// The IP address of a family (4 or 6) that these words stand for.
pub const fn ip_from_words(family: u32, words: IpWords) -> IpAddr {
    let octets = ip_octets(words);
    if family == 4 {
        let [a, b, c, d, ..] = octets;
        return IpAddr::V4(core::net::Ipv4Addr::new(a, b, c, d));
    }
    IpAddr::V6(core::net::Ipv6Addr::from_octets(octets))
}

/// A VLAN identifier that a network can have: 1 to 4094 (IEEE 802.1Q-2018, table 9-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct VlanId(u16);

impl VlanId {
    /// The lowest identifier.
    pub const MIN: Self = Self(1);
    /// The highest identifier; 4095 is reserved.
    pub const MAX: Self = Self(4094);

    /// The identifier, or `None` for 0 (priority tag) and for 4095 and above (reserved).
    pub const fn new(vid: u16) -> Option<Self> {
        match vid {
            1..=4094 => Some(Self(vid)),
            _ => None,
        }
    }

    /// The number, 1 to 4094.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// A number that is no VLAN identifier: 0, 4095 or above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanIdError(pub u16);

impl fmt::Display for VlanIdError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is no VLAN id; use 1 to 4094", self.0)
    }
}

impl core::error::Error for VlanIdError {}

impl TryFrom<u16> for VlanId {
    type Error = VlanIdError;

    fn try_from(vid: u16) -> Result<Self, VlanIdError> {
        Self::new(vid).ok_or(VlanIdError(vid))
    }
}

#[cfg(feature = "serde")]
mod text {
    use core::fmt;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::{Mac, VlanId};

    impl Serialize for Mac {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_str(self)
        }
    }

    struct MacVisitor;

    impl de::Visitor<'_> for MacVisitor {
        type Value = Mac;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a MAC address such as 02:00:00:00:00:01")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Mac, E> {
            text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    impl<'de> Deserialize<'de> for Mac {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_str(MacVisitor)
        }
    }

    impl Serialize for VlanId {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_u16(self.get())
        }
    }

    impl<'de> Deserialize<'de> for VlanId {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let vid = u16::deserialize(from)?;
            Self::try_from(vid).map_err(de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn mac_text_round_trips(octets: [u8; 6]) {
            let mac = Mac::new(octets);
            prop_assert_eq!(mac.to_string().parse(), Ok(mac));
        }

        #[test]
        fn words_say_the_same_as_octets(octets: [u8; 6], behind: [u8; 2]) {
            let mac = Mac::new(octets);
            let [a, b, c, d, e, f] = octets;
            let word = MacWord::from_octets([a, b, c, d, e, f, behind[0], behind[1]]);
            prop_assert_eq!(word, mac.word());
            prop_assert_eq!(word.mac(), mac);
            prop_assert_eq!(word.is_multicast(), mac.is_multicast());
            prop_assert_eq!(word.is_station(), mac.is_station());
        }
    }

    #[test]
    fn bad_mac_text_is_refused() {
        for text in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:00:00",
            "2:0:0:0:0:1",
            "02:00:00:00:00:0g",
            "+2:00:00:00:00:01",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(ParseMacError), "{text}");
        }
    }

    #[test]
    fn vlan_ids_end_at_their_limits() {
        let legal = (0..=u16::MAX).filter(|vid| VlanId::new(*vid).is_some());
        assert!(legal.eq(1..=4094));
    }

    #[test]
    fn kinds_of_mac() {
        assert!(Mac::BROADCAST.is_multicast());
        assert!(Mac::new([1, 0x80, 0xc2, 0, 0, 0x0f]).word().is_reserved_multicast());
        assert!(!Mac::new([1, 0x80, 0xc2, 0, 0, 0x10]).word().is_reserved_multicast());
        assert!(Mac::new([2, 0x64, 0x76, 0xff, 1, 2]).word().is_router());
        assert!(!GATEWAY_MAC.word().is_router());
        assert!(!Mac::default().is_station());
        assert!(Mac::new([2, 0, 0, 0, 0, 1]).is_station());
    }

    #[test]
    fn words_of_addresses_are_their_octets() {
        for text in ["10.0.20.1", "fd00:20::1"] {
            let address: IpAddr = text.parse().unwrap();
            let family = if address.is_ipv4() { 4 } else { 6 };
            assert_eq!(ip_from_words(family, ip_words(address)), address);
        }
        assert_eq!(ip_octets(ipv4_words([10, 0, 20, 1]))[..6], [10, 0, 20, 1, 0, 0]);
    }

    #[test]
    fn link_local_flips_the_universal_bit() {
        let text = core::net::Ipv6Addr::from(Mac::new([2, 0, 0, 0, 0, 1]).link_local()).to_string();
        assert_eq!(text, "fe80::ff:fe00:1");
    }
}
