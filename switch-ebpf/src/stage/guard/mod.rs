//! Port security: a guarded port sends only from its own addresses, inside ARP and ND too.

use core::ops::ControlFlow;

use switch_common::{
    addr::MacWord,
    table::{
        fdb::Entry,
        guard::Key,
        port::{self, Port},
    },
    verdict::DropReason,
    wire::{
        arp::{self, Arp},
        eth,
        ipv4::{self, Ipv4},
        udp::{self, Udp},
        vlan::{self, Vlan},
    },
};

use super::Stop;
use crate::{
    frame::Frame,
    packet::{Packet, Repeated},
    tables::Tables,
};

mod ipv6;
mod nd;

/// Most tags in a row that are looked behind.
const MAX_TAGS: u32 = 3;
/// Octets of a frame that hold all headers looked at here, within the bounds above.
const HEADERS: u32 = 256;

/// Stops a frame of a guarded port that was not sent from one of the port's addresses.
///
/// `station` is what is known of the frame's source address.
#[inline(always)]
pub fn frame<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    ifindex: u32,
    port: &Port,
    frame: &Frame,
    station: Option<&Entry>,
) -> Result<(), Stop> {
    if is_off(port).is_ok() {
        return Ok(());
    }
    // A configured station at this port is one of its MACs: that saves a look-up.
    let configured = station.is_some_and(|entry| entry.is_static() && entry.ifindex == ifindex);
    if !configured && port.is(port::GUARD_MAC) && !tables.may_send(&Key::mac(ifindex, frame.source)) {
        return Err(Stop::Sender(DropReason::SpoofedMac));
    }
    let subject = Subject {
        ifindex,
        flags: port.flags,
        source: frame.source,
        ethertype: frame.ethertype,
        payload: frame.payload,
        length: frame.length,
    };
    packet.inspect(tables, &subject).map_err(Stop::Sender)
}

/// Stops unless the port may send from any address.
#[inline(always)]
pub fn is_off(port: &Port) -> Result<(), Stop> {
    if port.flags & (port::GUARD_MAC | port::GUARD_IP) == 0 { Ok(()) } else { Err(Stop::Pass) }
}

/// The part of the stage that looks behind the Ethernet header.
#[inline(always)]
pub fn inspect<P: Packet, T: Tables>(
    packet: &mut P,
    tables: &T,
    subject: &Subject,
) -> Result<(), DropReason> {
    packet.pull(HEADERS);
    let guard = Guard { packet, tables, subject };
    let (ethertype, offset) = guard.behind_tags()?;
    match ethertype {
        eth::ARP => guard.arp(offset),
        eth::IPV4 => guard.ipv4(offset),
        eth::IPV6 => ipv6::check(&guard, offset),
        _ => Ok(()),
    }
}

/// A frame that is to be inspected, and the port that it came from.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Interface index of the port's device.
    pub ifindex: u32,
    /// Flags of the port.
    pub flags: u16,
    /// Source address of the frame.
    pub source: MacWord,
    /// Ethertype behind the outermost tag.
    pub ethertype: u16,
    /// Offset of what follows it.
    pub payload: usize,
    /// Octets of what follows it.
    pub length: u32,
}

/// An inspection.
struct Guard<'a, P, T> {
    packet: &'a P,
    tables: &'a T,
    subject: &'a Subject,
}

impl<P: Packet, T: Tables> Guard<'_, P, T> {
    /// Ethertype and offset of what the frame carries behind all its tags.
    #[inline(always)]
    fn behind_tags(&self) -> Result<(u16, usize), DropReason> {
        let Subject { ethertype, payload, .. } = *self.subject;
        if !vlan::is_tag(ethertype) {
            return Ok((ethertype, self.packet.opaque(payload)));
        }
        let mut tags =
            Tags { packet: self.packet, ethertype: ethertype.into(), offset: self.packet.opaque(payload) };
        P::repeat(MAX_TAGS, &mut tags);
        let ethertype = tags.ethertype as u16;
        if vlan::is_tag(ethertype) {
            return Err(DropReason::GuardEvasion);
        }
        Ok((ethertype, tags.offset))
    }

    /// RFC 826; a sender of 0.0.0.0 is a probe for a duplicate (RFC 5227, 1.1).
    #[inline(always)]
    fn arp(&self, offset: usize) -> Result<(), DropReason> {
        let arp = Arp(self.at::<{ arp::LEN }>(offset)?);
        let own_mac = self.speaks_for(arp.sender_mac());
        let own_ip = arp.sender_ip() == [0; 4] || self.owns_ipv4(arp.sender_ip());
        if arp.is_ethernet_ipv4() && own_mac && own_ip { Ok(()) } else { Err(DropReason::SpoofedArp) }
    }

    /// A source of 0.0.0.0 is for clients that ask for an address, and for IGMP queriers without one
    /// (RFC 4541, 2.1.1).
    #[inline(always)]
    fn ipv4(&self, offset: usize) -> Result<(), DropReason> {
        let ip = Ipv4(self.at(offset)?);
        if !self.has(port::GUARD_IP) {
            return Ok(());
        }
        if !ip.is_valid() {
            return Err(DropReason::SpoofedIp);
        }
        if ip.source() != [0; 4] {
            return if self.owns_ipv4(ip.source()) { Ok(()) } else { Err(DropReason::SpoofedIp) };
        }
        match ip.protocol() {
            ipv4::IGMP => Ok(()),
            ipv4::UDP if ip.destination() == [255; 4] && !ip.is_later_fragment() => {
                self.dhcp_client(offset + ip.header_len())
            }
            _ => Err(DropReason::SpoofedIp),
        }
    }

    #[inline(always)]
    fn dhcp_client(&self, offset: usize) -> Result<(), DropReason> {
        let udp = Udp(self.at(offset)?);
        if udp.source() == udp::DHCP_CLIENT && udp.destination() == udp::DHCP_SERVER {
            Ok(())
        } else {
            Err(DropReason::SpoofedIp)
        }
    }

    /// True if the frame may name this MAC address as its sender's: its source, or another of the port's.
    #[inline(always)]
    fn speaks_for(&self, mac: MacWord) -> bool {
        mac == self.subject.source
            || self.has(port::GUARD_MAC) && self.tables.may_send(&Key::mac(self.subject.ifindex, mac))
    }

    /// True if the port has this flag.
    #[inline(always)]
    fn has(&self, flag: u16) -> bool {
        self.subject.flags & flag != 0
    }

    /// True if the port may send from this IPv4 address.
    #[inline(always)]
    fn owns_ipv4(&self, address: [u8; 4]) -> bool {
        !self.has(port::GUARD_IP) || self.tables.may_send(&Key::ipv4(self.subject.ifindex, address))
    }

    /// True if the port may send from this IPv6 address.
    #[inline(always)]
    fn owns_ipv6(&self, address: [u8; 16]) -> bool {
        !self.has(port::GUARD_IP) || self.tables.may_send(&Key::ipv6(self.subject.ifindex, address))
    }

    /// Octets of a header, which a whole frame has.
    #[inline(always)]
    fn at<const N: usize>(&self, offset: usize) -> Result<&[u8; N], DropReason> {
        self.packet.at(offset).ok_or(DropReason::Runt)
    }
}

/// The walk along the tags of a frame.
struct Tags<'a, P> {
    packet: &'a P,
    /// A whole word, as in [`ipv6`].
    ethertype: u64,
    offset: usize,
}

impl<P: Packet> Repeated for Tags<'_, P> {
    #[inline(always)]
    fn turn(&mut self, _index: u32) -> ControlFlow<()> {
        if !vlan::is_tag(self.ethertype as u16) {
            return ControlFlow::Break(());
        }
        let Some(tag) = self.packet.at(self.offset) else { return ControlFlow::Break(()) };
        self.ethertype = Vlan(tag).ethertype().into();
        self.offset = self.packet.opaque(self.offset + vlan::LEN);
        ControlFlow::Continue(())
    }
}
