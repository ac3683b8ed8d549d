//! An IP packet, read with no care for speed.

use std::net::IpAddr;

use switch_common::{
    verdict::DropReason,
    wire::{eth, ipv4, ipv6},
};

use crate::frame::{ICMP, Packet, TCP, checksum};

/// What a router must know about a packet.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) packet: Packet,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// Offset of the payload.
    pub(super) upper: usize,
    /// Octets of the packet.
    pub(super) octets: usize,
    /// TCP or UDP ports, or the identifier of an echo twice.
    pub(super) ports: Option<[u16; 2]>,
    /// Flags of TCP, type of ICMP.
    pub(super) kind: u8,
    pub(super) identification: u32,
}

impl Read {
    /// Reads what stands behind an ethertype; `whole` is true for a frame that is still to be cut up,
    /// which may be longer than the header can say.
    pub(super) fn of(ethertype: u16, octets: &[u8], whole: bool) -> Result<Self, DropReason> {
        let packet = Packet(octets.to_vec());
        let bad = Err(DropReason::BadIpHeader);
        let (least, version) = match ethertype {
            eth::IPV4 => (ipv4::LEN, 4),
            eth::IPV6 => (ipv6::LEN, 6),
            _ => return Err(DropReason::NotForGateway),
        };
        if octets.len() < least || octets[0] >> 4 != version || version == 4 && octets[0] & 15 < 5 {
            return bad;
        }
        let claims_nothing = if version == 4 { packet.octets() == 0 } else { packet.octets() == least };
        let length = if claims_nothing && whole { octets.len() } else { packet.octets() };
        if length < least || length > octets.len() {
            return bad;
        }
        if version == 4 && octets[0] & 15 > 5 {
            return Err(DropReason::IpOptions);
        }
        if version == 4 && checksum(&octets[..ipv4::LEN]) != 0 {
            return Err(DropReason::BadIpChecksum);
        }
        if version == 6 {
            check_extensions(octets)?;
        }
        let (protocol, upper) = packet.transport();
        let (source, destination) = (packet.source(), packet.destination());
        let identification = identification(&packet);
        let (ports, kind) = (None, 0);
        let mut read = Self {
            packet,
            source,
            destination,
            protocol,
            upper,
            octets: length,
            ports,
            kind,
            identification,
        };
        read.look_behind();
        Ok(read)
    }

    fn look_behind(&mut self) {
        if self.packet.is_later_fragment() {
            return;
        }
        let upper = self.packet.0.get(self.upper..).unwrap_or_default();
        let number = |at: usize| upper.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
        let both = |one, other| Some([number(one)?, number(other)?]);
        match self.protocol {
            TCP if upper.len() >= 14 => (self.ports, self.kind) = (both(0, 2), upper[13]),
            ipv4::UDP if upper.len() >= 8 => self.ports = both(0, 2),
            _ if self.is_icmp() && upper.len() >= 8 => {
                self.kind = upper[0];
                self.ports = both(4, 4).filter(|_| self.is_echo());
            }
            // It might be an error.
            _ if self.is_icmp() => self.kind = 11,
            _ => {}
        }
    }

    pub(super) fn is_icmp(&self) -> bool {
        self.protocol == if self.packet.is_v4() { ICMP } else { ipv6::ICMPV6 }
    }

    fn is_echo(&self) -> bool {
        let kinds: [u8; 2] = if self.packet.is_v4() { [8, 0] } else { [128, 129] };
        self.is_icmp() && kinds.contains(&self.kind)
    }

    pub(super) fn is_echo_request(&self) -> bool {
        self.is_icmp() && self.kind == if self.packet.is_v4() { 8 } else { 128 }
    }

    /// True if its sender may be told of an error.
    pub(super) fn may_be_complained_about(&self) -> bool {
        let is_error = if self.packet.is_v4() {
            [3, 4, 5, 11, 12].contains(&self.kind)
        } else {
            self.kind < 128 || self.kind == 137
        };
        !(self.packet.is_later_fragment() || self.is_icmp() && is_error)
    }

    /// Octets of the largest packet that the frame will be on the wire.
    pub(super) fn largest(&self, segment: u32) -> usize {
        if segment == 0 {
            return self.octets;
        }
        let header = match self.protocol {
            TCP => usize::from(self.packet.0[self.upper + 12] >> 4) * 4,
            _ => 8,
        };
        self.octets.min(self.upper + header + segment as usize)
    }
}

/// The headers end within the packet, there are no more than eight, and none says where to go.
fn check_extensions(octets: &[u8]) -> Result<(), DropReason> {
    let (mut next, mut at, mut routing) = (octets[6], ipv6::LEN, false);
    for _ in 0..8 {
        let known = [ipv6::HOP_BY_HOP, ipv6::ROUTING, ipv6::DESTINATION, ipv6::FRAGMENT];
        if !known.contains(&next) {
            return if routing { Err(DropReason::IpOptions) } else { Ok(()) };
        }
        let Some([following, units, high, low]) = octets.get(at..at + 8).and_then(|rest| rest.first_chunk())
        else {
            return Err(DropReason::BadIpHeader);
        };
        routing |= next == ipv6::ROUTING;
        if next == ipv6::FRAGMENT && u16::from_be_bytes([*high, *low]) >> 3 != 0 {
            return if routing { Err(DropReason::IpOptions) } else { Ok(()) };
        }
        at += if next == ipv6::FRAGMENT { 8 } else { 8 * (usize::from(*units) + 1) };
        next = *following;
    }
    Err(DropReason::BadIpHeader)
}

fn identification(packet: &Packet) -> u32 {
    let octets = &packet.0;
    if packet.is_v4() {
        return u32::from(u16::from_be_bytes([octets[4], octets[5]]));
    }
    // The fragment header is the first one in all packets that are fragments here.
    octets.get(44..48).map_or(0, |id| u32::from_be_bytes([id[0], id[1], id[2], id[3]]))
}
