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

use crate::{fate::Fate, frame::Frame};

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
pub struct Oracle {
    ports: BTreeMap<String, Port>,
    configured: BTreeMap<(u16, Mac), String>,
    learned: BTreeMap<(u16, Mac), String>,
    mtu: usize,
}

/// A frame taken apart.
struct Parts {
    addresses: [u8; 12],
    tags: Vec<(u16, u16)>,
    rest: Vec<u8>,
}

impl Parts {
    fn of(frame: &Frame) -> Option<Self> {
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

    fn mac(&self, at: usize) -> Mac {
        Mac::new(std::array::from_fn(|index| self.addresses[at + index]))
    }

    fn with(&self, tags: &[(u16, u16)]) -> Frame {
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
        Self { ports, configured, learned: BTreeMap::new(), mtu }
    }

    /// What becomes of a frame that comes in at a port. It must not be a runt.
    ///
    /// # Panics
    /// If there is no such port, or the frame is a runt.
    pub fn send(&mut self, from: &str, frame: &Frame) -> Fate {
        let Some(parts) = Parts::of(frame) else { panic!("the oracle knows no runts") };
        match self.accept(from, &parts) {
            Ok(class) => self.deliver(from, &parts, &class),
            Err(fate) => fate,
        }
    }

    /// Whether the switch takes the frame, and in which VLAN; remembers its sender.
    fn accept(&mut self, from: &str, parts: &Parts) -> Result<Class, Fate> {
        let port = self.ports[from].clone();
        let (destination, source) = (parts.mac(0), parts.mac(6));
        if !port.up {
            return Err(Fate::drop(DropReason::PortDown));
        }
        if source.is_multicast() || source.is_zero() {
            return Err(Fate::drop(DropReason::BadSource));
        }
        if let [1, 0x80, 0xc2, 0, 0, 0..=15] = destination.octets() {
            return Err(if port.uplink { Fate::Pass } else { Fate::drop(DropReason::ReservedMulticast) });
        }
        let class = classify(&port, parts);
        let class = class.map_err(|reason| if port.uplink { Fate::Pass } else { Fate::drop(reason) })?;
        if !port.macs.is_empty() && !port.macs.contains(&source) {
            return Err(Fate::drop(DropReason::SpoofedMac));
        }
        let station = (class.0, source);
        if self.configured.get(&station).is_some_and(|owner| owner != from) {
            return Err(Fate::drop(DropReason::MacOwnedElsewhere));
        }
        if port.macs.is_empty() && self.may_learn(from, station, port.limit) {
            self.learned.insert(station, from.into());
        }
        Ok(class)
    }

    /// Who gets a frame that was taken, and in which form.
    fn deliver(&self, from: &str, parts: &Parts, class: &Class) -> Fate {
        let (vid, destination) = (class.0, parts.mac(0));
        let station = (vid, destination);
        let known = self.configured.get(&station).or_else(|| self.learned.get(&station));
        if let Some(to) = known.filter(|_| !destination.is_multicast()) {
            if to == from {
                return Fate::drop(DropReason::SamePort);
            }
            return match self.form(parts, class, &self.ports[to]) {
                Ok(frame) => Fate::Forward(to.clone(), frame),
                Err(reason) => Fate::drop_at(to, reason),
            };
        }
        let members = self.ports.iter().filter(|(name, port)| *name != from && port.up && port.carries(vid));
        let (mut copies, mut failures) = (BTreeMap::new(), BTreeMap::new());
        for (name, receiver) in members {
            match self.form(parts, class, receiver) {
                Ok(frame) => drop(copies.insert(name.clone(), frame)),
                Err(reason) => drop(failures.insert(name.clone(), reason)),
            }
        }
        if copies.is_empty() && failures.is_empty() {
            return Fate::drop(DropReason::NoReceiver);
        }
        Fate::Flood(copies, failures)
    }

    /// The frame as a receiver gets it, or why it cannot.
    fn form(&self, parts: &Parts, class: &Class, receiver: &Port) -> Result<Frame, DropReason> {
        let (vid, kind, priority, inner) = class;
        if !receiver.up {
            return Err(DropReason::ReceiverDown);
        }
        let untags = receiver.untags(*vid);
        if untags && !inner.is_empty() && !receiver.qinq {
            return Err(DropReason::InnerTag);
        }
        let tagged = [&[(*kind, priority | vid)][..], inner].concat();
        // A customer's outermost tag has room beside the MTU.
        let length = parts.rest.len() - 2 + 4 * inner.len().saturating_sub(1);
        if length > self.mtu {
            return Err(DropReason::MtuExceeded);
        }
        Ok(parts.with(if untags { inner } else { &tagged }))
    }

    fn may_learn(&self, port: &str, station: (u16, Mac), limit: u32) -> bool {
        let here = self.learned.values().filter(|at| *at == port).count();
        self.learned.get(&station).is_some_and(|at| at == port)
            || u32::try_from(here).is_ok_and(|here| here < limit)
    }
}

/// VLAN, kind and priority of the switch's tag, and the tags below it.
type Class = (u16, u16, u16, Vec<(u16, u16)>);

fn classify(port: &Port, parts: &Parts) -> Result<Class, DropReason> {
    let outer = parts.tags.first().copied();
    let priority = outer.map_or(0, |(_, tci)| tci & 0xf000);
    if port.qinq {
        let vid = port.access.unwrap_or_default();
        return Ok((vid, SERVICE, priority, parts.tags.clone()));
    }
    let inner = parts.tags.iter().skip(1).copied().collect::<Vec<_>>();
    match (outer.map(|(kind, tci)| (kind, tci & 0xfff)), port.access) {
        (Some((_, vid)), Some(_)) if vid != 0 || !inner.is_empty() => Err(DropReason::TaggedOnAccess),
        (_, Some(access)) => Ok((access, CUSTOMER, priority, inner)),
        (Some((kind, vid)), None) if vid != 0 => {
            if port.vlans.contains(&vid) {
                Ok((vid, kind, priority, inner))
            } else {
                Err(DropReason::VlanNotAllowed)
            }
        }
        (_, None) => match port.native {
            Some(native) => Ok((native, CUSTOMER, priority, inner)),
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
