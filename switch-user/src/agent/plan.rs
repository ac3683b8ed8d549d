//! From the configuration and the facts to what the tables should hold. Pure and deterministic.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use switch_common::{
    addr::{Mac, VlanId},
    table::{
        config::Config,
        fdb,
        flood::{self, CHUNK},
        flow::OPENING_QUOTA,
        guard,
        port::{self, Port},
    },
};

use super::{
    facts::Facts,
    image::{Holder, Hook, Link, Setting, TableImage},
};
use crate::{
    model::{Attachment, ValidPort, ValidUplink, Validated, XdpChoice},
    netlink::{Device, Kind},
};

/// What XDP needs of a device: frames as they were on the wire.
pub const XDP_SETTINGS: [Setting; 3] = [Setting::NoLro, Setting::InlineVlan, Setting::InlineServiceVlan];

/// Everything that a plan depends on.
pub struct Inputs<'a> {
    /// What users want.
    pub desired: &'a Validated,
    /// What exists.
    pub facts: &'a Facts,
    /// Who has which slot.
    pub slots: &'a BTreeMap<Holder, u32>,
    /// The TC hook of this kernel.
    pub tc: Hook,
    /// Nanoseconds between two ticks of the kernel's clock.
    pub tick_ns: u64,
    /// Address of this host's router towards its uplinks.
    pub host_mac: Mac,
    /// Devices that run native XDP at this moment.
    pub native: &'a BTreeSet<u32>,
    /// Devices that refused native XDP, with the reason.
    pub refused: &'a BTreeMap<u32, String>,
}

/// What should be, and how it came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What the kernel should hold.
    pub image: TableImage,
    /// Where each port and uplink stands.
    pub seats: BTreeMap<Holder, Seat>,
    /// Devices whose uplink does without XDP if it cannot be had.
    pub xdp_optional: BTreeSet<u32>,
    /// What cannot be planned.
    pub problems: Vec<String>,
}

/// Where a port or uplink stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seat {
    /// Its row in the tables of counters.
    pub slot: u32,
    /// Name of the device that it was given.
    pub wanted: Option<String>,
    /// The device, if it exists.
    pub device: Option<Arc<Device>>,
    /// Administratively up.
    pub up: bool,
    /// Remarks for people.
    pub notes: Vec<String>,
}

/// Plans the whole switch.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let mut planner = Planner { inputs, plan: Plan::default() };
    let ageing_ns = inputs.desired.ageing.map_or(u64::MAX, |age| {
        // 584 years fit into the number.
        u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)
    });
    planner.plan.image.config = Config {
        ageing_ns,
        tick_ns: inputs.tick_ns,
        gateway_mac: inputs.desired.gateway_mac.word().get(),
        host_mac: inputs.host_mac.word().get(),
        opening_quota: OPENING_QUOTA,
    };
    planner.plan.image.names = inputs.slots.iter().map(|(holder, slot)| (*slot, holder.clone())).collect();
    for (name, uplink) in &inputs.desired.uplinks {
        planner.uplink(name, uplink);
    }
    for (name, port) in &inputs.desired.ports {
        planner.port(name, port);
    }
    planner.finish_flood();
    planner.plan
}

struct Planner<'a> {
    inputs: &'a Inputs<'a>,
    plan: Plan,
}

impl Planner<'_> {
    fn uplink(&mut self, name: &str, uplink: &ValidUplink) {
        let holder = Holder::Uplink(name.to_owned());
        let Some(device) = self.seat(&holder, Some(name), true) else { return };
        let mut row = self.row(&holder, &device, port::UP | port::UPLINK | port::TRUNK, u32::MAX);
        carry(&mut row, &uplink.vlans, uplink.native);
        if self.xdp(&holder, &device, uplink.xdp) && self.inputs.native.contains(&device.ifindex) {
            row.flags |= port::XDP_TARGET;
        }
        self.plan.image.settings.insert((device.ifindex, Setting::Promisc));
        for vlan in &uplink.vlans {
            self.join(*vlan, &row, &device, uplink.native == Some(*vlan));
        }
        self.plan.image.ports.insert(device.ifindex, row);
    }

    fn port(&mut self, name: &str, port: &ValidPort) {
        let holder = Holder::Port(name.to_owned());
        let Some(device) = self.seat(&holder, port.device.as_deref(), port.up) else { return };
        let row = self.port_row(&holder, &device, port);
        for (vlan, untagged) in memberships(&port.attachment) {
            for mac in &port.macs {
                self.plan.image.stations.insert(fdb::Key::new(vlan.get(), *mac), device.ifindex);
            }
            if port.up {
                self.join(vlan, &row, &device, untagged);
            }
        }
        self.guard(&device, port);
        self.plan.image.ports.insert(device.ifindex, row);
    }

    fn port_row(&self, holder: &Holder, device: &Device, port: &ValidPort) -> Port {
        let mut row = self.row(holder, device, 0, port.learn_limit);
        let mut set = |bit, on| row.flags |= if on { bit } else { 0 };
        set(port::UP, port.up);
        set(port::GUARD_MAC, !port.macs.is_empty());
        set(port::GUARD_IP, !port.ips.is_empty());
        set(port::PEER, device.kind == Kind::Veth && device.peer_elsewhere);
        set(port::XDP_TARGET, device.kind == Kind::Tap);
        match &port.attachment {
            Attachment::Access { vlan, qinq } => {
                set(port::QINQ, *qinq);
                row.pvid = vlan.get();
            }
            Attachment::Trunk { vlans, native } => {
                set(port::TRUNK, true);
                carry(&mut row, vlans, *native);
            }
        }
        row
    }

    fn row(&self, holder: &Holder, device: &Device, flags: u16, learn_limit: u32) -> Port {
        let slot = self.inputs.slots.get(holder).copied().unwrap_or_default();
        Port { ifindex: device.ifindex, slot, mtu: device.mtu, learn_limit, flags, ..Port::default() }
    }

    /// Finds the device of a port or uplink and attaches the pipeline to it.
    fn seat(&mut self, holder: &Holder, wanted: Option<&str>, up: bool) -> Option<Arc<Device>> {
        let slot = self.inputs.slots.get(holder).copied();
        if slot.is_none() {
            self.plan.problems.push(format!("{holder}: the switch is full; remove another port first"));
        }
        let found = wanted.filter(|_| slot.is_some()).and_then(|name| self.inputs.facts.named(name));
        let device = found.filter(|device| self.is_usable(holder, device)).cloned();
        if let Some(device) = &device {
            self.plan.image.links.insert(Link { ifindex: device.ifindex, hook: self.inputs.tc });
            if self.inputs.tc == Hook::Clsact {
                self.plan.image.settings.insert((device.ifindex, Setting::Clsact));
            }
        }
        let mut seat = Seat { slot: slot.unwrap_or_default(), up, ..Seat::default() };
        seat.wanted = wanted.map(str::to_owned);
        seat.device.clone_from(&device);
        self.plan.seats.insert(holder.clone(), seat);
        device
    }

    fn is_usable(&mut self, holder: &Holder, device: &Device) -> bool {
        let ifindex = device.ifindex;
        let problem = if device.kind == Kind::Other {
            Some("does not carry Ethernet frames; use another one".to_owned())
        } else {
            let taken = |seat: &Seat| seat.device.as_ref().is_some_and(|other| other.ifindex == ifindex);
            let owner = self.plan.seats.iter().find(|(_, seat)| taken(seat));
            owner.map(|(owner, _)| format!("is the one of {owner} by another name; give each its own"))
        };
        let Some(problem) = problem else { return true };
        self.plan.problems.push(format!("{holder}: device {} {problem}", device.name));
        false
    }

    /// Plans XDP at an uplink; true if it is to run in the driver.
    fn xdp(&mut self, holder: &Holder, device: &Device, choice: XdpChoice) -> bool {
        let (hook, note) = self.xdp_hook(device, choice);
        if let (Some(note), Some(seat)) = (note, self.plan.seats.get_mut(holder)) {
            seat.notes.push(note);
        }
        let Some(hook) = hook else { return false };
        self.plan.image.links.insert(Link { ifindex: device.ifindex, hook });
        self.plan.image.settings.extend(XDP_SETTINGS.map(|setting| (device.ifindex, setting)));
        hook == Hook::XdpNative
    }

    fn xdp_hook(&mut self, device: &Device, choice: XdpChoice) -> (Option<Hook>, Option<String>) {
        match choice {
            XdpChoice::Off => (None, None),
            XdpChoice::Generic => (Some(Hook::XdpGeneric), None),
            XdpChoice::Native => (Some(Hook::XdpNative), None),
            // A veth hands the tag of a frame over beside it, where XDP does not see it.
            XdpChoice::Auto if device.kind == Kind::Veth => {
                (None, Some("no native XDP: a veth hides VLAN tags from it".into()))
            }
            XdpChoice::Auto => {
                if let Some(reason) = self.inputs.refused.get(&device.ifindex) {
                    return (None, Some(format!("no native XDP: {reason}")));
                }
                self.plan.xdp_optional.insert(device.ifindex);
                (Some(Hook::XdpNative), None)
            }
        }
    }

    fn guard(&mut self, device: &Device, port: &ValidPort) {
        let ifindex = device.ifindex;
        let guard = &mut self.plan.image.guard;
        guard.extend(port.macs.iter().map(|mac| guard::Key::mac(ifindex, mac.word())));
        if port.ips.is_empty() {
            return;
        }
        guard.extend(port.ips.iter().map(|ip| guard::Key::ip(ifindex, *ip)));
        let link_local = |mac: &Mac| guard::Key::ipv6(ifindex, mac.link_local());
        guard.extend(port.macs.iter().map(link_local));
    }

    fn join(&mut self, vlan: VlanId, row: &Port, device: &Device, untagged: bool) {
        let members = self.plan.image.flood.entry(chunk_key(vlan.get(), row.slot)).or_default();
        let side = if untagged { &mut members.untagged } else { &mut members.tagged };
        side.insert(device.ifindex);
    }

    /// Gives every network its first chunk, and tells that one which is the last.
    fn finish_flood(&mut self) {
        let mut last: BTreeMap<u16, u16> = BTreeMap::new();
        for key in self.plan.image.flood.keys() {
            last.insert(key.network, key.chunk);
        }
        for (network, chunk) in last {
            let first = self.plan.image.flood.entry(flood::Key { network, chunk: 0 }).or_default();
            first.last = chunk.into();
        }
    }
}

/// The chunk of a slot. There are fewer slots than fit into the type.
fn chunk_key(network: u16, slot: u32) -> flood::Key {
    let chunk = u16::try_from(slot as usize / CHUNK).unwrap_or(u16::MAX);
    flood::Key { network, chunk }
}

fn carry(row: &mut Port, vlans: &BTreeSet<VlanId>, native: Option<VlanId>) {
    row.pvid = native.map_or(0, VlanId::get);
    for vlan in vlans {
        row.allow(vlan.get());
    }
}

/// VLANs of a port, with whether it gets their frames untagged.
fn memberships(attachment: &Attachment) -> Vec<(VlanId, bool)> {
    match attachment {
        Attachment::Access { vlan, .. } => vec![(*vlan, true)],
        Attachment::Trunk { vlans, native } => {
            vlans.iter().map(|vlan| (*vlan, *native == Some(*vlan))).collect()
        }
    }
}
