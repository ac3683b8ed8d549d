//! A switch that routes: reads the configuration anew for every packet.

use std::{collections::BTreeMap, net::IpAddr};

use switch_common::{
    addr::Mac,
    table::route::HOPS,
    verdict::DropReason,
    wire::{
        eth::{ARP, IPV6},
        vlan::{CUSTOMER, SERVICE},
    },
};
use switch_user::model::{Attachment, NextHop, Validated};

use super::{
    bridge::{Class, Oracle, Parts},
    neighbours::{Neighbours, State},
    packet::Read,
    space::{Space, Way, vid_of},
};
use crate::{
    fate::{Copies, Failures, Fate},
    frame::{Error, Frame, eth, router_solicitation},
    topology::HOST_MAC,
};

/// What tells a flow: addresses, protocol, ports.
type Flow = (IpAddr, IpAddr, u8, Option<[u16; 2]>);

/// What tells a datagram: addresses, identification, network, protocol.
type Datagram = (IpAddr, IpAddr, u32, u16, u8);

/// The switch.
#[derive(Clone)]
pub struct Router {
    pub(super) switch: Oracle,
    config: Validated,
    mtu: usize,
    pub(super) neighbours: Neighbours,
    /// The next hop that a flow got.
    chosen: BTreeMap<Flow, NextHop>,
    /// Ports of datagrams in fragments.
    datagrams: BTreeMap<Datagram, Option<[u16; 2]>>,
    /// Milliseconds since the start.
    now: u64,
}

/// A frame on its way through.
pub(super) struct Job<'a> {
    pub(super) from: &'a str,
    pub(super) parts: &'a Parts,
    pub(super) class: &'a Class,
    segment: u32,
    /// Which of several next hops a new flow gets.
    pick: usize,
}

impl Job<'_> {
    /// The frame's answer: another packet, back out of the port that the frame came from.
    pub(super) fn answer(&self, source: Mac, destination: Mac, ethertype: u16, packet: &[u8]) -> Frame {
        Parts::made(destination, source, ethertype, packet).with(&self.parts.tags)
    }
}

impl Router {
    /// The switch of this configuration, all devices of which have this MTU.
    pub fn new(config: &Validated, mtu: usize) -> Self {
        Self {
            switch: Oracle::new(config, mtu),
            config: config.clone(),
            mtu,
            neighbours: Neighbours::new(config),
            chosen: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            now: 0,
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }

    /// Says whether this may become of a frame that comes in at a port, and takes note of it.
    ///
    /// # Errors
    /// With what may become of it instead.
    pub fn judge(&mut self, from: &str, frame: &Frame, segment: u32, seen: &Fate) -> Result<(), Vec<Fate>> {
        let mut fates = Vec::new();
        for pick in 0..HOPS {
            let mut other = self.clone();
            let fate = other.send(from, frame, segment, pick);
            if fate == *seen {
                *self = other;
                return Ok(());
            }
            if !fates.contains(&fate) {
                fates.push(fate);
            }
        }
        Err(fates)
    }

    fn send(&mut self, from: &str, frame: &Frame, segment: u32, pick: usize) -> Fate {
        let parts = Parts::of(frame);
        let class = match self.switch.accept(from, &parts) {
            Ok(class) => class,
            Err(fate) => return fate,
        };
        let job = Job { from, parts: &parts, class: &class, segment, pick };
        let own = match parts.ethertype() {
            ARP => self.arp(&job),
            IPV6 if !self.is_for_router(&job) => self.discovery(&job),
            _ if self.is_for_router(&job) => Some(self.route(&job)),
            _ => None,
        };
        own.unwrap_or_else(|| self.switch.deliver(from, &parts, &class))
    }

    /// The router's address as a port or uplink sees it.
    pub(super) fn mac(&self, port: &str) -> Mac {
        if self.switch.is_uplink(port) { HOST_MAC } else { self.config.gateway_mac }
    }

    /// True for a frame to the router.
    pub(super) fn is_for_router(&self, job: &Job<'_>) -> bool {
        self.space(job).is_some() && job.parts.destination() == self.mac(job.from)
    }

    /// The address space of the frame's network, if it has one.
    pub(super) fn space(&self, job: &Job<'_>) -> Option<Space<'_>> {
        Space::of(&self.config, job.class.vid)
    }

    fn route(&mut self, job: &Job<'_>) -> Fate {
        if !job.class.inner.is_empty() {
            return Fate::drop(DropReason::NotForGateway);
        }
        let read = match Read::of(job.parts.ethertype(), job.parts.payload(), job.segment != 0) {
            Ok(read) => self.in_its_datagram(job, read),
            Err(reason) => return Fate::drop(reason),
        };
        let Some(space) = self.space(job) else { unreachable!("the network has a router") };
        let own = matches!(space.way(read.destination), Some(Way::Own(_)))
            || read.destination == space.link_local();
        if let Some(reason) = martian(&space, &read, own) {
            return Fate::drop(reason);
        }
        let way = space.way(read.destination);
        match (read.packet.hops(), way) {
            (0, _) => Fate::drop(DropReason::TtlZero),
            _ if own => self.own(job, &read),
            (1, _) => self.complain(job, &read, DropReason::TtlExceeded, Error::TimeExceeded),
            (_, None) => self.complain(job, &read, DropReason::NoRoute, Error::NoRoute),
            (_, Some(Way::Blackhole)) => Fate::drop(DropReason::Blackhole),
            (_, Some(Way::Unreachable)) => {
                self.complain(job, &read, DropReason::Unreachable, Error::Unreachable)
            }
            (_, Some(Way::Connected(vid))) => self.hand_over(job, &read, vid, read.destination),
            (_, Some(Way::Via(hops))) => {
                let hop = self.choose(&read, job.pick, &hops);
                self.hand_over(job, &read, vid_of(&self.config, &hop), hop.address)
            }
            (_, Some(Way::Own(_))) => unreachable!("it is the router's own"),
        }
    }

    /// The ports of a later fragment are those of the first.
    fn in_its_datagram(&mut self, job: &Job<'_>, mut read: Read) -> Read {
        let datagram = (read.source, read.destination, read.identification, job.class.vid, read.protocol);
        if read.packet.is_later_fragment() {
            read.ports = self.datagrams.get(&datagram).copied().flatten();
        } else if read.packet.is_fragment() {
            self.datagrams.insert(datagram, read.ports);
        }
        read
    }

    /// A packet to the router itself.
    fn own(&mut self, job: &Job<'_>, read: &Read) -> Fate {
        let packet = &read.packet;
        let refused = Fate::drop(DropReason::NotForGateway);
        if !read.is_icmp() && !packet.is_later_fragment() {
            let error = if read.ports.is_some_and(|ports| ports != [0; 2]) {
                Error::NoPort
            } else {
                Error::NoProtocol
            };
            return self.complain(job, read, DropReason::NotForGateway, error);
        }
        if read.is_icmp() && (packet.is_later_fragment() || read.is_echo_request()) {
            let reply = packet.echo_reply();
            let frame = job.answer(self.mac(job.from), job.parts.source(), job.parts.ethertype(), &reply.0);
            return Fate::forward(job.from, frame);
        }
        if read.is_icmp() && job.parts.ethertype() == IPV6 {
            self.discovery(job).unwrap_or(refused)
        } else {
            refused
        }
    }

    /// Drops the packet and tells its sender, if it may be told.
    fn complain(&self, job: &Job<'_>, read: &Read, reason: DropReason, error: Error) -> Fate {
        let own = self.space(job).and_then(|space| space.own_for(read.source));
        let (Some(own), true) = (own, read.may_be_complained_about()) else { return Fate::drop(reason) };
        let message = read.packet.error(own, error);
        let frame = job.answer(self.mac(job.from), job.parts.source(), job.parts.ethertype(), &message.0);
        Fate::told(reason, &[(job.from, frame)])
    }

    /// The next hop of a flow: the one that it had, if that lives, or any that does.
    fn choose(&mut self, read: &Read, pick: usize, hops: &[NextHop]) -> NextHop {
        let dead = |hop: &NextHop| self.neighbours.is_dead((vid_of(&self.config, hop), hop.address));
        let mut living: Vec<NextHop> = hops.iter().filter(|hop| !dead(hop)).cloned().collect();
        if living.is_empty() {
            living = hops.to_vec();
        }
        let flow = (read.source, read.destination, read.protocol, read.ports);
        let before = self.chosen.get(&flow).filter(|hop| living.contains(hop)).cloned();
        let hop = before.unwrap_or_else(|| living[pick % living.len()].clone());
        self.chosen.insert(flow, hop.clone());
        hop
    }

    /// Hands the packet to a station, if its MAC address is known.
    fn hand_over(&mut self, job: &Job<'_>, read: &Read, vid: u16, station: IpAddr) -> Fate {
        match self.neighbours.resolve((vid, station), self.now) {
            State::Known(mac) => self.pass(job, read, vid, mac),
            State::Wait => Fate::drop(DropReason::NeighbourUnresolved),
            State::Dead => self.complain(job, read, DropReason::NeighbourDead, Error::HostDead),
            State::Ask => Fate::Drop(DropReason::NeighbourUnresolved, self.ask(vid, station)),
        }
    }

    /// Requests for a station, to all of its network.
    fn ask(&self, vid: u16, station: IpAddr) -> Copies {
        let own = Space::of(&self.config, vid).and_then(|space| space.own_for(station));
        let Some(own) = own else { unreachable!("a station is in a subnet with a gateway") };
        self.to_all(vid, 0, 0, |source| request(source, own, station)).0
    }

    /// A frame for all of a network, made for the router's address on each side.
    fn to_all(
        &self,
        vid: u16,
        priority: u16,
        length: usize,
        frame: impl Fn(Mac) -> Parts,
    ) -> (Copies, Failures) {
        let class = Class { vid, kind: self.kind(vid), priority, inner: Vec::new() };
        let (mut copies, mut failures) = (Copies::new(), Failures::new());
        for name in self.switch.members(vid) {
            match self.switch.form_of(length, &frame(self.mac(name)), &class, name) {
                Ok(frame) => drop(copies.insert(name.to_owned(), frame)),
                Err(reason) => drop(failures.insert(name.to_owned(), reason)),
            }
        }
        (copies, failures)
    }

    /// Passes the packet on to a station.
    fn pass(&self, job: &Job<'_>, read: &Read, vid: u16, station: Mac) -> Fate {
        let network = self.config.networks.values().find(|network| network.vlan.get() == vid);
        let limit = network.and_then(|network| network.mtu).map_or(usize::MAX, |mtu| mtu as usize);
        let to = self.switch.place(vid, station);
        let mtu = if to.is_some() { limit.min(self.mtu) } else { limit };
        if read.largest(job.segment) > mtu {
            let too_big = Error::TooBig(u32::try_from(mtu).unwrap_or(u32::MAX));
            return self.complain(job, read, DropReason::PacketTooBig, too_big);
        }
        let packet = read.packet.routed();
        // What stands behind the packet in its frame counts too.
        let length = if job.segment == 0 { packet.0.len() } else { read.largest(job.segment) };
        let frame = |source| Parts::made(station, source, job.parts.ethertype(), &packet.0);
        let Some(to) = to else {
            return match self.to_all(vid, job.class.priority, length, frame) {
                (copies, failures) if copies.is_empty() && failures.is_empty() => {
                    Fate::drop(DropReason::NoReceiver)
                }
                (copies, failures) => Fate::Flood(copies, failures),
            };
        };
        let class = Class { vid, kind: self.kind(vid), priority: job.class.priority, inner: Vec::new() };
        match self.switch.form_of(length, &frame(self.mac(to)), &class, to) {
            Ok(frame) => Fate::forward(to, frame),
            Err(reason) => Fate::drop_at(to, reason),
        }
    }

    /// Kind of a network's tag.
    fn kind(&self, vid: u16) -> u16 {
        let is_service = self.config.ports.values().any(|port| match port.attachment {
            Attachment::Access { vlan, qinq } => qinq && vlan.get() == vid,
            Attachment::Trunk { .. } => false,
        });
        if is_service { SERVICE } else { CUSTOMER }
    }
}

/// Why no station there can have sent the packet, or why it goes nowhere.
fn martian(space: &Space<'_>, read: &Read, own: bool) -> Option<DropReason> {
    let (source, destination) = (read.source, read.destination);
    let source_is_local = is_link_local(source) && source.is_ipv6();
    if is_nobody(source) || source == space.link_local() || source_is_local && !own {
        return Some(DropReason::MartianSource);
    }
    if !own && (is_nobody(destination) || is_link_local(destination)) {
        return Some(DropReason::MartianDestination);
    }
    if source_is_local {
        return None;
    }
    let spoofed =
        matches!(space.way(source), Some(Way::Own(_))) || space.is_strict() && !space.reaches(source);
    spoofed.then_some(DropReason::MartianSource)
}

/// Addresses that no station has (RFC 6890).
fn is_nobody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.is_loopback() || v4.octets()[0] >= 224,
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_loopback() || v6.is_multicast(),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// An ARP request or neighbour solicitation from the router.
fn request(source: Mac, own: IpAddr, station: IpAddr) -> Parts {
    Parts::of(&match (own, station) {
        (IpAddr::V4(own), IpAddr::V4(station)) => eth(Mac::BROADCAST, source).arp(source, own, station),
        (IpAddr::V6(own), IpAddr::V6(station)) => router_solicitation(source, own, station),
        _ => unreachable!("a subnet has one family"),
    })
}
