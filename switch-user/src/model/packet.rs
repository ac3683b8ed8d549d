//! Words of rules about packets: protocols, ethertypes and peers, as people write them.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use switch_common::wire::{
    ipv4::{ICMP, SCTP, TCP, UDP},
    ipv6::ICMPV6,
};

/// Before the name of a group.
const GROUP: &str = "group:";

/// The protocols that have names here.
const PROTOCOLS: [(&str, u8); 5] =
    [("tcp", TCP), ("udp", UDP), ("sctp", SCTP), ("icmp", ICMP), ("icmpv6", ICMPV6)];

/// A protocol of IP: a number, for some of which there is a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol(pub u8);

impl Protocol {
    /// The word for it.
    fn word(self) -> Option<&'static str> {
        PROTOCOLS.iter().find(|(_, number)| *number == self.0).map(|(word, _)| *word)
    }
}

impl FromStr for Protocol {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        let known = PROTOCOLS.iter().find(|(word, _)| *word == text).map(|(_, number)| *number);
        known.or_else(|| text.parse().ok()).map(Self).ok_or(NotAWord)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Some(word) => out.write_str(word),
            None => self.0.fmt(out),
        }
    }
}

/// What stands in the type field of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ethertype(pub u16);

impl FromStr for Ethertype {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u16::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.map(Self).map_err(|_| NotAWord)
    }
}

impl fmt::Display for Ethertype {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#06x}", self.0)
    }
}

/// The other end of a packet's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Peer {
    /// Whoever it is.
    #[default]
    Any,
    /// An address in this prefix; an address alone is a prefix of its whole length.
    Prefix(IpNet),
    /// A member of the group of this name.
    Group(String),
}

impl Peer {
    /// True for whoever it is.
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }

    /// The name of the group.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Group(name) => Some(name),
            Self::Any | Self::Prefix(_) => None,
        }
    }
}

impl FromStr for Peer {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        if text == "any" {
            return Ok(Self::Any);
        }
        if let Some(group) = text.strip_prefix(GROUP) {
            return Ok(Self::Group(group.into()));
        }
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| text.parse::<IpNet>()).map(Self::Prefix).map_err(|_| NotAWord)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => out.write_str("any"),
            Self::Prefix(prefix) if prefix.prefix_len() == prefix.max_prefix_len() => prefix.addr().fmt(out),
            Self::Prefix(prefix) => prefix.fmt(out),
            Self::Group(name) => write!(out, "{GROUP}{name}"),
        }
    }
}

/// A text that means nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this means nothing here")]
pub struct NotAWord;

/// Reads a text, or a number as if it were one.
struct WordVisitor<T>(std::marker::PhantomData<T>);

impl<T: FromStr> de::Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a word or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|_| E::custom(NotAWord))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

fn word<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(WordVisitor(std::marker::PhantomData))
}

impl<'de> Deserialize<'de> for Protocol {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        word(from)
    }
}

impl<'de> Deserialize<'de> for Ethertype {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        word(from)
    }
}

impl<'de> Deserialize<'de> for Peer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        word(from)
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.word() {
            Some(word) => to.serialize_str(word),
            None => to.serialize_u8(self.0),
        }
    }
}

impl Serialize for Ethertype {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr + fmt::Display>(written: &[(&str, Option<&str>)]) {
        for (text, expected) in written {
            let read = text.parse::<T>().ok().map(|word| word.to_string());
            assert_eq!(read.as_deref(), *expected, "{text}");
        }
    }

    #[test]
    fn protocols_are_words_or_numbers() {
        let known = [("tcp", 6), ("udp", 17), ("sctp", 132), ("icmp", 1), ("icmpv6", 58)];
        for (word, number) in known {
            check::<Protocol>(&[(word, Some(word)), (&format!("{number}"), Some(word))]);
        }
        check::<Protocol>(&[("47", Some("47")), ("0", Some("0")), ("256", None), ("gre", None), ("", None)]);
    }

    #[test]
    fn ethertypes_are_hexadecimal_or_decimal() {
        check::<Ethertype>(&[
            ("0x88cc", Some("0x88cc")),
            ("0x88CC", Some("0x88cc")),
            ("35020", Some("0x88cc")),
            ("0x600", Some("0x0600")),
            ("0x10000", None),
            ("88cc", None),
            ("lldp", None),
        ]);
    }

    #[test]
    fn peers_are_anybody_prefixes_or_groups() {
        check::<Peer>(&[
            ("any", Some("any")),
            ("10.0.0.1", Some("10.0.0.1")),
            ("10.0.0.1/32", Some("10.0.0.1")),
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("FD00::1", Some("fd00::1")),
            ("fd00::/16", Some("fd00::/16")),
            ("group:web", Some("group:web")),
            ("10.0.0.0/33", None),
            ("web", None),
            ("", None),
        ]);
    }
}
