//! Connections as people ask about them: from a port or address to another one.

use std::net::IpAddr;

use switch_common::wire::{ipv4::ICMP, ipv4::TCP, ipv6::ICMPV6};

use super::ask::{Carried, Connection, has_ports};
use crate::model::{Protocol, Validated};

/// Source port of the packet that is asked about, unless somebody says another one.
pub const SOURCE_PORT: u16 = 49_152;

/// Why a question cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndError {
    /// A name that no port has.
    #[error("there is no port named {0:?}")]
    UnknownPort(String),
    /// A text that means nothing.
    #[error("{0:?} is no destination")]
    Unreadable(String),
    /// Nobody's policies would be asked.
    #[error("neither end is a port of the switch")]
    Outside,
    /// Several ports have an address, each in a network of its own.
    #[error("several ports have the address {address}: {}", ports.join(", "))]
    Ambiguous {
        /// The address.
        address: IpAddr,
        /// Names of the ports.
        ports: Vec<String>,
    },
    /// A port that stands for no address.
    #[error("port {port} has no {family} address (--ip)")]
    NoAddress {
        /// Name of the port.
        port: String,
        /// The family of the other end.
        family: Family,
    },
    /// An address that the rest does not fit.
    #[error("{address} is no {family} address, as the other end or the protocol wants it")]
    WrongFamily {
        /// The address.
        address: IpAddr,
        /// The family that it should have.
        family: Family,
    },
    /// A protocol with ports, and none is said.
    #[error("packets of {0} go to a port")]
    PortMissing(Protocol),
    /// A port, and the protocol has none.
    #[error("packets of {0} go to no port")]
    PortUnknown(Protocol),
}

impl EndError {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::UnknownPort(_) => "see which there are (dvs port list)",
            Self::Unreadable(_) => {
                "write a port or an address, then :PORT and /PROTO if wanted, such as 10.0.20.11:443, [fd00::1]:53/udp \
                 or p2/icmp"
            }
            Self::Outside => "name a port of the switch, or an address of one, at one end at least",
            Self::Ambiguous { .. } => "write the name of the port instead",
            Self::NoAddress { .. } => {
                "give the port one with dvs port set NAME --ip, or write an address instead of its name"
            }
            Self::WrongFamily { .. } => "write addresses of one family; icmp is for IPv4, icmpv6 for IPv6",
            Self::PortMissing(_) => "write it behind a colon, such as p2:53/udp",
            Self::PortUnknown(_) => "leave the port out",
        }
    }
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    const fn of(address: &IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// The connection from a port or address to `IP[:PORT][/PROTO]`, where a port's name may stand for its
/// address. Without protocol it is TCP if there is a port, an echo request otherwise.
///
/// # Errors
/// If that is no question that anybody's policies could be asked.
pub fn connection<'a>(
    valid: &'a Validated,
    from: &str,
    to: &str,
    source_port: u16,
) -> Result<Connection<'a>, EndError> {
    let target = Target::read(to)?;
    let ends = [End::find(valid, from)?, End::find(valid, target.host)?];
    if ends.iter().all(|end| end.port.is_none()) {
        return Err(EndError::Outside);
    }
    let family = family(&ends, target.protocol);
    let protocol = target.protocol.unwrap_or(match (target.port, family) {
        (Some(_), _) => Protocol(TCP),
        (None, Family::V4) => Protocol(ICMP),
        (None, Family::V6) => Protocol(ICMPV6),
    });
    match (has_ports(protocol.0), target.port) {
        (true, None) => return Err(EndError::PortMissing(protocol)),
        (false, Some(_)) => return Err(EndError::PortUnknown(protocol)),
        _ => {}
    }
    let [from, to] = &ends;
    Ok(Connection {
        from: from.port,
        to: to.port,
        source: from.address(family)?,
        destination: to.address(family)?,
        service: Carried::new(protocol.0, [source_port, target.port.unwrap_or_default()]),
    })
}

/// The family that both ends should have.
fn family([from, to]: &[End<'_>; 2], protocol: Option<Protocol>) -> Family {
    let by_protocol = match protocol {
        Some(Protocol(ICMP)) => Some(Family::V4),
        Some(Protocol(ICMPV6)) => Some(Family::V6),
        _ => None,
    };
    let families = |end: &End<'_>| end.addresses.iter().map(Family::of).collect::<Vec<_>>();
    let (sender, receiver) = (families(from), families(to));
    let common = sender.iter().find(|family| receiver.contains(family)).copied();
    let written = [from, to].into_iter().find(|end| end.written).map(|end| families(end)[0]);
    let any = || sender.iter().chain(&receiver).next().copied();
    by_protocol.or(common).or(written).or_else(any).unwrap_or(Family::V4)
}

/// An end, and the addresses that it may stand for.
struct End<'a> {
    port: Option<&'a str>,
    addresses: Vec<IpAddr>,
    /// It was written as an address.
    written: bool,
}

impl<'a> End<'a> {
    fn find(valid: &'a Validated, text: &str) -> Result<Self, EndError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Self::at(valid, address);
        }
        let port = valid.ports.get_key_value(text).ok_or_else(|| EndError::UnknownPort(text.to_owned()));
        port.map(|(name, port)| Self { port: Some(name), addresses: port.ips.clone(), written: false })
    }

    fn at(valid: &'a Validated, address: IpAddr) -> Result<Self, EndError> {
        let ports = valid.ports.iter().filter(|(_, port)| port.ips.contains(&address));
        let ports: Vec<&str> = ports.map(|(name, _)| name.as_str()).collect();
        if ports.len() > 1 {
            let ports = ports.into_iter().map(str::to_owned).collect();
            return Err(EndError::Ambiguous { address, ports });
        }
        Ok(Self { port: ports.first().copied(), addresses: vec![address], written: true })
    }

    /// The first address of the family.
    fn address(&self, family: Family) -> Result<IpAddr, EndError> {
        let found = self.addresses.iter().find(|address| Family::of(address) == family).copied();
        found.ok_or_else(|| match (self.port, self.addresses.first()) {
            (Some(port), _) if !self.written => EndError::NoAddress { port: port.to_owned(), family },
            (_, Some(address)) => EndError::WrongFamily { address: *address, family },
            (_, None) => EndError::Outside,
        })
    }
}

/// Where a packet goes, as it is written.
struct Target<'t> {
    host: &'t str,
    port: Option<u16>,
    protocol: Option<Protocol>,
}

impl<'t> Target<'t> {
    fn read(text: &'t str) -> Result<Self, EndError> {
        Self::parse(text).ok_or_else(|| EndError::Unreadable(text.to_owned()))
    }

    fn parse(text: &'t str) -> Option<Self> {
        let (place, protocol) = match text.rsplit_once('/') {
            Some((place, word)) => (place, Some(word.parse().ok()?)),
            None => (text, None),
        };
        let (host, port) = if let Some(rest) = place.strip_prefix('[') {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        } else if place.parse::<IpAddr>().is_ok() {
            (place, None)
        } else {
            place.rsplit_once(':').map_or((place, None), |(host, port)| (host, Some(port)))
        };
        let port = port.map(str::parse).transpose().ok()?;
        (!host.is_empty()).then_some(Self { host, port, protocol })
    }
}
