//! What a router tells the sender of a packet that it does not pass on.

use std::net::IpAddr;

use switch_common::wire::tcp::{ACK, FIN, RST, SYN};

use super::{Packet, TCP, ip, sum::checksum};

/// Octets of a packet that an error quotes at most.
const QUOTE: usize = 128;

/// Type of an echo reply in ICMP and `ICMPv6`.
const ECHO_REPLY: (u8, u8) = (0, 129);

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Its TTL or hop limit ends here.
    TimeExceeded,
    /// There is no route to its destination.
    NoRoute,
    /// The route says that the destination is unreachable.
    Unreachable,
    /// The next station does not answer.
    HostDead,
    /// It is larger than this.
    TooBig(u32),
    /// The router listens at no port.
    NoPort,
    /// The router speaks no such protocol.
    NoProtocol,
    /// A firewall forbids it.
    Prohibited,
}

impl Packet {
    /// The error about the packet from a router with this address.
    #[must_use]
    pub fn error(&self, own: IpAddr, error: Error) -> Self {
        let quote = &self.0[..self.octets().min(QUOTE)];
        let (kind, code, info) = if self.is_v4() { error.v4() } else { error.v6() };
        let header = ip(own, self.source());
        // Precedence of network control, as routers send (RFC 1812, 4.3.2.5).
        let header = if self.is_v4() { header.class(0xc0).id(0) } else { header.hops(255) };
        header.icmp(kind, code, info, quote)
    }

    /// The packet that ends the TCP connection which this one is of, in its receiver's name.
    #[must_use]
    pub fn reset(&self) -> Self {
        let (_, at) = self.transport();
        let number =
            |offset: usize| u32::from_be_bytes([0, 1, 2, 3].map(|place| self.0[at + offset + place]));
        let flags = self.0[at + 13];
        let counted = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        let data =
            u32::try_from(self.octets() - at - usize::from(self.0[at + 12] >> 4) * 4).unwrap_or_default();
        let (sequence, acknowledged, flags) = if flags & ACK != 0 {
            (number(8), 0, RST)
        } else {
            (0, number(4).wrapping_add(data + counted), RST | ACK)
        };
        let ports = [&self.0[at + 2..at + 4], &self.0[at..at + 2]].concat();
        let numbers = [sequence, acknowledged].map(u32::to_be_bytes).concat();
        let header = ip(self.destination(), self.source());
        let header = if self.is_v4() { header.class(0xc0).id(0) } else { header };
        header.message(TCP, &[&ports[..], &numbers, &[5 << 4, flags, 0, 0, 0, 0, 0, 0]].concat())
    }

    /// The answer to an echo request, or to a part of one: the packet with its addresses exchanged,
    /// and of another type.
    #[must_use]
    pub fn echo_reply(&self) -> Self {
        let mut reply = self.turned().with_hops(64);
        if !self.is_later_fragment() {
            let (_, at) = self.transport();
            let (old, new) = (self.0[at], if self.is_v4() { ECHO_REPLY.0 } else { ECHO_REPLY.1 });
            let [high, low] = [self.0[at + 2], self.0[at + 3]];
            // The sum of all else, in one's complement, with the new type.
            let others = [!high, !low, !old, 0xff, new, 0];
            reply.0[at] = new;
            reply.0[at + 2..at + 4].copy_from_slice(&checksum(&others).to_be_bytes());
        }
        reply
    }
}

impl Error {
    /// Type, code and the four octets behind the checksum, as RFC 792 and RFC 1191 have them.
    fn v4(self) -> (u8, u8, u32) {
        match self {
            Self::TimeExceeded => (11, 0, 0),
            Self::NoRoute => (3, 0, 0),
            Self::Unreachable | Self::HostDead => (3, 1, 0),
            Self::NoProtocol => (3, 2, 0),
            Self::NoPort => (3, 3, 0),
            Self::TooBig(mtu) => (3, 4, mtu),
            Self::Prohibited => (3, 13, 0),
        }
    }

    /// The same as RFC 4443 has them.
    fn v6(self) -> (u8, u8, u32) {
        match self {
            Self::NoRoute | Self::Unreachable => (1, 0, 0),
            Self::HostDead => (1, 3, 0),
            Self::NoPort | Self::NoProtocol => (1, 4, 0),
            Self::Prohibited => (1, 1, 0),
            Self::TooBig(mtu) => (2, 0, mtu),
            Self::TimeExceeded => (3, 0, 0),
        }
    }
}
