//! An IP packet as routing sees it.

use switch_common::{
    addr::IpWords,
    verdict::DropReason,
    wire::{
        eth,
        icmp::{self, Icmp},
        ipv4::{self, Ipv4},
        ipv6::{self, Ipv6},
        tcp::{self, Tcp},
        udp,
    },
};

use crate::{
    chain::{self, End, Fragment},
    frame::Frame,
    packet::Packet,
};

/// What the headers say. Whole words, because parts of it lie on the stack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ip {
    /// 4 or 6.
    pub family: u64,
    /// Sender.
    pub source: IpWords,
    /// Receiver.
    pub destination: IpWords,
    /// Protocol of the payload.
    pub protocol: u64,
    /// How many routers the packet may still pass.
    pub ttl: u64,
    /// Offset of the header.
    pub offset: usize,
    /// Offset of the payload.
    pub upper: usize,
    /// Octets of the packet with its header.
    pub length: u64,
    /// Which part of a datagram it is.
    pub fragment: Fragment,
    /// The datagram of a fragment.
    pub id: u64,
    /// Ports as in a flow's key; 0 if there are none, or none that can be read.
    pub ports: u64,
    /// Of TCP the flags, of ICMP the type.
    pub kind: u64,
    /// Of ICMP, the code.
    pub code: u64,
    /// 1 if the upper layer has ports or a type that cannot be read: it is cut off, or in another fragment.
    pub unread: u64,
    /// 1 if it has IPv4 options or an IPv6 routing header.
    pub options: u64,
    /// Octets of the datagram in front of this part of it.
    pub part: u64,
    /// The network that it came from.
    pub network: u64,
}

impl Ip {
    /// True for ICMP of the packet's family.
    #[inline(always)]
    pub const fn is_icmp(&self) -> bool {
        self.protocol == self.icmp()
    }

    /// The protocol number of the family's ICMP.
    #[inline(always)]
    pub const fn icmp(&self) -> u64 {
        if self.family == 4 { ipv4::ICMP as u64 } else { ipv6::ICMPV6 as u64 }
    }

    /// True for an echo request or reply.
    #[inline(always)]
    pub const fn is_echo(&self) -> bool {
        let kind = self.kind as u8;
        self.is_icmp()
            && if self.family == 4 {
                kind == icmp::ECHO || kind == icmp::ECHO_REPLY
            } else {
                kind == icmp::ECHO6 || kind == icmp::ECHO_REPLY6
            }
    }

    /// True if an error may be sent about the packet (RFC 1122, 3.2.2; RFC 4443, 2.4).
    #[inline(always)]
    pub fn may_complain(&self) -> bool {
        if self.fragment as u64 == Fragment::Later as u64 {
            return false;
        }
        let kind = self.kind as u8;
        let error = if self.family == 4 { icmp::is_error(kind) } else { icmp::is_error6(kind) };
        !(self.is_icmp() && error)
    }

    /// True if the packet can be the first one of a flow: the later packets of one that begins with a
    /// fragment may be whole.
    #[inline(always)]
    pub const fn begins_flow(&self) -> bool {
        self.fragment as u64 != Fragment::Later as u64
            && self.family != 0
            && (!self.is_icmp() || self.is_echo())
    }

    /// True if the packet's connection can be told by a flow's key.
    #[inline(always)]
    pub const fn has_flow(&self) -> bool {
        self.fragment as u64 == Fragment::None as u64 && (!self.is_icmp() || self.is_echo())
    }
}

/// Reads the headers of the IP packet in a frame.
///
/// # Errors
/// When they are not those of a packet that can be routed.
#[inline(always)]
pub fn read<P: Packet>(packet: &P, frame: &Frame, ip: &mut Ip) -> Result<(), DropReason> {
    *ip = Ip::default();
    match frame.ethertype {
        eth::IPV4 => read4(packet, frame, ip)?,
        eth::IPV6 => read6(packet, frame, ip)?,
        _ => return Err(DropReason::NotForGateway),
    }
    read_upper(packet, ip);
    Ok(())
}

#[inline(always)]
fn read4<P: Packet>(packet: &P, frame: &Frame, ip: &mut Ip) -> Result<(), DropReason> {
    let header = Ipv4(packet.at(frame.payload).ok_or(DropReason::BadIpHeader)?);
    if !header.is_valid() {
        return Err(DropReason::BadIpHeader);
    }
    ip.length = octets(packet, frame, header.total_len().into(), ipv4::LEN as u64)?;
    if !header.is_plain() {
        ip.options = 1;
    } else if !header.has_right_checksum() {
        return Err(DropReason::BadIpChecksum);
    }
    ip.fragment = match (header.is_fragment(), header.is_later_fragment()) {
        (false, _) => Fragment::None,
        (true, false) => Fragment::First,
        (true, true) => Fragment::Later,
    };
    ip.family = 4;
    ip.source = header.source_words();
    ip.destination = header.destination_words();
    ip.protocol = header.protocol().into();
    ip.ttl = header.ttl().into();
    ip.offset = frame.payload;
    ip.upper = packet.opaque(frame.payload + header.header_len());
    ip.id = header.id().into();
    ip.part = header.part().into();
    Ok(())
}

#[inline(always)]
fn read6<P: Packet>(packet: &P, frame: &Frame, ip: &mut Ip) -> Result<(), DropReason> {
    let header = Ipv6(packet.at(frame.payload).ok_or(DropReason::BadIpHeader)?);
    if !header.is_valid() {
        return Err(DropReason::BadIpHeader);
    }
    let payload = header.payload_len();
    let claimed = if payload == 0 { 0 } else { u64::from(payload) + ipv6::LEN as u64 };
    ip.length = octets(packet, frame, claimed, ipv6::LEN as u64)?;
    ip.family = 6;
    ip.source = header.source_words();
    ip.destination = header.destination_words();
    ip.ttl = header.hop_limit().into();
    ip.offset = frame.payload;
    let found = chain::walk(packet, header.next_header(), frame.payload + ipv6::LEN);
    if found.end != End::Upper {
        return Err(DropReason::BadIpHeader);
    }
    ip.options = found.routing;
    ip.protocol = found.next;
    ip.upper = found.offset;
    ip.fragment = found.fragment;
    ip.id = found.id;
    ip.part = found.part;
    Ok(())
}

/// Octets of the packet: what its header claims, which the frame must have. A frame that is still to
/// be cut up into packets may be longer than the header can say, and then claims nothing; a packet
/// without payload too, in IPv6.
#[inline(always)]
fn octets<P: Packet>(packet: &P, frame: &Frame, claimed: u64, header: u64) -> Result<u64, DropReason> {
    let there = u64::from(frame.length);
    if claimed == 0 {
        let whole = packet.segment() != 0;
        let empty = header == ipv6::LEN as u64;
        return match (whole, empty) {
            (true, _) => Ok(there),
            (false, true) if there >= header => Ok(header),
            _ => Err(DropReason::BadIpHeader),
        };
    }
    if claimed < header || claimed > there { Err(DropReason::BadIpHeader) } else { Ok(claimed) }
}

/// Reads what the upper layer tells a flow by.
#[inline(always)]
fn read_upper<P: Packet>(packet: &P, ip: &mut Ip) {
    let protocol = ip.protocol as u8;
    let known = matches!(protocol, ipv4::TCP | ipv4::UDP | ipv4::SCTP) || ip.is_icmp();
    ip.unread = known.into();
    if ip.fragment == Fragment::Later {
        return;
    }
    if protocol == ipv4::TCP {
        if let Some(octets) = packet.at::<{ tcp::LEN }>(ip.upper) {
            ip.kind = Tcp(octets).flags().into();
            ip.ports = ports(octets).into();
            ip.unread = 0;
        }
    } else if protocol == ipv4::UDP || protocol == ipv4::SCTP {
        if let Some(octets) = packet.at::<{ udp::LEN }>(ip.upper) {
            ip.ports = ports(octets).into();
            ip.unread = 0;
        }
    } else if ip.is_icmp() {
        read_icmp(packet, ip);
    }
}

#[inline(always)]
fn read_icmp<P: Packet>(packet: &P, ip: &mut Ip) {
    let Some(octets) = packet.at::<{ icmp::LEN }>(ip.upper) else {
        // Whatever it is, no error is sent about it.
        ip.kind = icmp::TIME_EXCEEDED.into();
        return;
    };
    let message = Icmp(octets);
    ip.kind = message.kind().into();
    ip.code = message.code().into();
    ip.unread = 0;
    if ip.is_echo() {
        ip.ports = message.ports().into();
    }
}

/// Both ports as they stand in memory.
#[inline(always)]
pub const fn ports<const N: usize>(header: &[u8; N]) -> u32 {
    const { assert!(N >= 4) };
    u32::from_ne_bytes([header[0], header[1], header[2], header[3]])
}
