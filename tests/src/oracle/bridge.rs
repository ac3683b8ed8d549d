//! A VLAN switch so naive that it is obviously right: lists of tags, a map of stations, no tables.
//!
//! It reads the validated configuration, not the planned tables, so a wrong plan shows too. It
//! guards MAC addresses; guarded IP addresses are for the fixtures.

use std::collections::{BTreeMap, BTreeSet};

use switch_common::{
    addr::{Mac, VlanId},
    verdict::DropReason,
    wire::vlan::{CUSTOMER, SERVICE},
};
use switch_user::model::{Attachment, Validated};

use crate::{
    fate::{Copies, Failures, Fate},
    frame::{Frame, eth},
    topology::HOST_MAC,
};

/// One side of the switch.
#[derive(Clone, Debug)]
struct Port {
    up: bool,
    uplink: bool,
    qinq: bool,
    access: Option<u16>,
    native: Option<u16>,
    vlans: BTreeSet<u16>,
    macs: Vec<Mac>,
    limit: u32,
}

impl Port {
    fn carries(&self, vid: u16) -> bool {
        self.access == Some(vid) || self.vlans.contains(&vid)
    }

    fn untags(&self, vid: u16) -> bool {
        self.access == Some(vid) || self.native == Some(vid)
    }
}

/// The switch.
#[derive(Clone)]
pub struct Oracle {
    ports: BTreeMap<String, Port>,
    configured: BTreeMap<(u16, Mac), String>,
    learned: BTreeMap<(u16, Mac), String>,
    /// Addresses of the router, from which nobody else may send.
    routers: [Mac; 2],
    mtu: usize,
}

/// A frame taken apart.
pub(super) struct Parts {
    addresses: [u8; 12],
    /// Kind and control information of the tags, from the outermost on.
    pub(super) tags: Vec<(u16, u16)>,
    /// The ethertype and what follows it.
    rest: Vec<u8>,
}

impl Parts {
    /// The parts of a frame that is no runt.
    pub(super) fn of(frame: &Frame) -> Self {
        Self::read(frame).unwrap_or_else(|| panic!("the oracle knows no runts"))
    }

    /// The same frame from and to somebody else, without tags and with another payload.
    pub(super) fn made(destination: Mac, source: Mac, ethertype: u16, payload: &[u8]) -> Self {
        Self::of(&eth(destination, source).payload(ethertype, payload))
    }

    fn read(frame: &Frame) -> Option<Self> {
        let addresses = *frame.0.first_chunk()?;
        let mut rest = &frame.0[12..];
        let mut tags = Vec::new();
        loop {
            let [a, b] = *rest.first_chunk()?;
            let kind = u16::from_be_bytes([a, b]);
            if ![CUSTOMER, SERVICE].contains(&kind) {
                return Some(Self { addresses, tags, rest: rest.to_vec() });
            }
            let [_, _, c, d, _, _] = *rest.first_chunk()?;
            tags.push((kind, u16::from_be_bytes([c, d])));
            rest = &rest[4..];
        }
    }

    /// Receiver.
    pub(super) fn destination(&self) -> Mac {
        self.mac(0)
    }

    /// Sender.
    pub(super) fn source(&self) -> Mac {
        self.mac(6)
    }

    /// What the payload is.
    pub(super) fn ethertype(&self) -> u16 {
        u16::from_be_bytes([self.rest[0], self.rest[1]])
    }

    /// What follows the ethertype.
    pub(super) fn payload(&self) -> &[u8] {
        &self.rest[2..]
    }

    fn mac(&self, at: usize) -> Mac {
        Mac::new(std::array::from_fn(|index| self.addresses[at + index]))
    }

    /// The frame with these tags.
    pub(super) fn with(&self, tags: &[(u16, u16)]) -> Frame {
        let tags = tags.iter().flat_map(|(kind, tci)| [kind.to_be_bytes(), tci.to_be_bytes()].concat());
        Frame(self.addresses.iter().copied().chain(tags).chain(self.rest.iter().copied()).collect())
    }
}

impl Oracle {
    /// The switch of this configuration, all devices of which have this MTU.
    pub fn new(validated: &Validated, mtu: usize) -> Self {
        let mut ports = BTreeMap::new();
        let mut configured = BTreeMap::new();
        for (name, port) in &validated.ports {
            let row = row(&port.attachment, port.up, &port.macs, port.learn_limit);
            for vid in row.vlans.iter().copied().chain(row.access) {
                configured.extend(port.macs.iter().map(|mac| ((vid, *mac), name.clone())));
            }
            ports.insert(name.clone(), row);
        }
        for (name, uplink) in &validated.uplinks {
            let attachment = Attachment::Trunk { vlans: uplink.vlans.clone(), native: uplink.native };
            let row = Port { uplink: true, ..row(&attachment, true, &[], u32::MAX) };
            ports.insert(name.clone(), row);
        }
        Self { ports, configured, learned: BTreeMap::new(), routers: [validated.gateway_mac, HOST_MAC], mtu }
    }

    /// What becomes of a frame that comes in at a port. It must not be a runt.
    ///
    /// # Panics
    /// If there is no such port, or the frame is a runt.
    pub fn send(&mut self, from: &str, frame: &Frame) -> Fate {
        let parts = Parts::of(frame);
        match self.accept(from, &parts) {
            Ok(class) => self.deliver(from, &parts, &class),
            Err(fate) => fate,
        }
    }

    /// Whether the switch takes the frame, and in which VLAN; remembers its sender.
    pub(super) fn accept(&mut self, from: &str, parts: &Parts) -> Result<Class, Fate> {
        let port = self.ports[from].clone();
        let (destination, source) = (parts.destination(), parts.source());
        if !port.up {
            return Err(Fate::drop(DropReason::PortDown));
        }
        if source.is_multicast() || source.is_zero() {
            return Err(Fate::drop(DropReason::BadSource));
        }
        let foreign = matches!(source.octets(), [0x02, 0x64, 0x76, 0x80..=0xff, ..]) && !port.uplink;
        if foreign || self.routers.contains(&source) {
            return Err(Fate::drop(DropReason::SpoofedGateway));
        }
        if let [1, 0x80, 0xc2, 0, 0, 0..=15] = destination.octets() {
            return Err(if port.uplink { Fate::Pass } else { Fate::drop(DropReason::ReservedMulticast) });
        }
        let class = classify(&port, parts);
        let class = class.map_err(|reason| if port.uplink { Fate::Pass } else { Fate::drop(reason) })?;
        if !port.macs.is_empty() && !port.macs.contains(&source) {
            return Err(Fate::drop(DropReason::SpoofedMac));
        }
        let station = (class.vid, source);
        if self.configured.get(&station).is_some_and(|owner| owner != from) {
            return Err(Fate::drop(DropReason::MacOwnedElsewhere));
        }
        if port.macs.is_empty() && self.may_learn(from, station, port.limit) {
            self.learned.insert(station, from.into());
        }
        Ok(class)
    }

    /// Who gets a frame that was taken, and in which form.
    pub(super) fn deliver(&self, from: &str, parts: &Parts, class: &Class) -> Fate {
        let destination = parts.destination();
        if let Some(to) = self.place(class.vid, destination) {
            if to == from {
                return Fate::drop(DropReason::SamePort);
            }
            return match self.form(parts, class, to) {
                Ok(frame) => Fate::forward(to, frame),
                Err(reason) => Fate::drop_at(to, reason),
            };
        }
        let (mut copies, mut failures) = (Copies::new(), Failures::new());
        for name in self.members(class.vid).filter(|name| *name != from) {
            match self.form(parts, class, name) {
                Ok(frame) => drop(copies.insert(name.to_owned(), frame)),
                Err(reason) => drop(failures.insert(name.to_owned(), reason)),
            }
        }
        if copies.is_empty() && failures.is_empty() {
            return Fate::drop(DropReason::NoReceiver);
        }
        Fate::Flood(copies, failures)
    }

    /// The port of a station, if it is known.
    pub(super) fn place(&self, vid: u16, station: Mac) -> Option<&str> {
        let known = self.configured.get(&(vid, station)).or_else(|| self.learned.get(&(vid, station)));
        known.filter(|_| !station.is_multicast()).map(String::as_str)
    }

    /// Ports and uplinks that get floods of a VLAN.
    pub(super) fn members(&self, vid: u16) -> impl Iterator<Item = &str> {
        let open = self.ports.iter().filter(move |(_, port)| port.up && port.carries(vid));
        open.map(|(name, _)| name.as_str())
    }

    /// True for an uplink.
    pub(super) fn is_uplink(&self, port: &str) -> bool {
        self.ports[port].uplink
    }

    /// The frame as a receiver gets it, or why it cannot.
    pub(super) fn form(&self, parts: &Parts, class: &Class, receiver: &str) -> Result<Frame, DropReason> {
        // A customer's outermost tag has room beside the MTU.
        let length = parts.payload().len() + 4 * class.inner.len().saturating_sub(1);
        self.form_of(length, parts, class, receiver)
    }

    /// The same for a frame the largest packet of which is this long.
    pub(super) fn form_of(
        &self,
        length: usize,
        parts: &Parts,
        class: &Class,
        receiver: &str,
    ) -> Result<Frame, DropReason> {
        let receiver = &self.ports[receiver];
        if !receiver.up {
            return Err(DropReason::ReceiverDown);
        }
        let untags = receiver.untags(class.vid);
        if untags && !class.inner.is_empty() && !receiver.qinq {
            return Err(DropReason::InnerTag);
        }
        let tagged = [&[(class.kind, class.priority | class.vid)][..], &class.inner].concat();
        if length > self.mtu {
            return Err(DropReason::MtuExceeded);
        }
        Ok(parts.with(if untags { &class.inner } else { &tagged }))
    }

    fn may_learn(&self, port: &str, station: (u16, Mac), limit: u32) -> bool {
        let here = self.learned.values().filter(|at| *at == port).count();
        self.learned.get(&station).is_some_and(|at| at == port)
            || u32::try_from(here).is_ok_and(|here| here < limit)
    }
}

/// The switch's tag, and the tags below it.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) vid: u16,
    pub(super) kind: u16,
    pub(super) priority: u16,
    pub(super) inner: Vec<(u16, u16)>,
}

fn classify(port: &Port, parts: &Parts) -> Result<Class, DropReason> {
    let outer = parts.tags.first().copied();
    let priority = outer.map_or(0, |(_, tci)| tci & 0xf000);
    if port.qinq {
        let vid = port.access.unwrap_or_default();
        return Ok(Class { vid, kind: SERVICE, priority, inner: parts.tags.clone() });
    }
    let inner = parts.tags.iter().skip(1).copied().collect::<Vec<_>>();
    match (outer.map(|(kind, tci)| (kind, tci & 0xfff)), port.access) {
        (Some((_, vid)), Some(_)) if vid != 0 || !inner.is_empty() => Err(DropReason::TaggedOnAccess),
        (_, Some(access)) => Ok(Class { vid: access, kind: CUSTOMER, priority, inner }),
        (Some((kind, vid)), None) if vid != 0 => {
            if port.vlans.contains(&vid) {
                Ok(Class { vid, kind, priority, inner })
            } else {
                Err(DropReason::VlanNotAllowed)
            }
        }
        (_, None) => match port.native {
            Some(native) => Ok(Class { vid: native, kind: CUSTOMER, priority, inner }),
            None => Err(DropReason::UntaggedOnTrunk),
        },
    }
}

fn row(attachment: &Attachment, up: bool, macs: &[Mac], limit: u32) -> Port {
    let (access, native, vlans, qinq) = match attachment {
        Attachment::Access { vlan, qinq } => (Some(vlan.get()), None, BTreeSet::new(), *qinq),
        Attachment::Trunk { vlans, native } => {
            let vlans = vlans.iter().copied().map(VlanId::get).collect();
            (None, native.map(VlanId::get), vlans, false)
        }
    };
    Port { up, uplink: false, qinq, access, native, vlans, macs: macs.to_vec(), limit }
}
