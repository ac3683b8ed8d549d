//! From the configuration and the facts to what the tables should hold. Pure and deterministic.
//!
//! One file a subject, each a part of the same planner, in the order of what is in the way of a frame.

pub mod firewall;
mod flood;
mod neighbours;
mod overlay;
mod ports;
pub mod routes;
mod routing;
mod uplinks;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use switch_common::{
    addr::{Mac, VlanId},
    table::{config::Config, flow::OPENING_QUOTA, port::Port},
};

use self::routes::routes;
pub use self::{overlay::Underlay, uplinks::XDP_SETTINGS};
use super::{
    facts::Facts,
    image::{Holder, Hook, Link, Routes, Setting, TableImage},
};
use crate::{
    model::{ValidNetwork, Validated},
    netlink::{Device, Kind},
};

/// Everything that a plan depends on.
pub struct Inputs<'a> {
    /// What users want.
    pub desired: &'a Validated,
    /// What exists.
    pub facts: &'a Facts,
    /// Who has which slot.
    pub slots: &'a BTreeMap<Holder, u32>,
    /// This host's side of the underlay, if it has one.
    pub underlay: Option<Underlay>,
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
    /// Other hosts, with their rows in the tables of counters.
    pub hosts: BTreeMap<String, u32>,
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
    /// Closed until the host claims it: it is still at another one.
    pub standby: bool,
    /// Remarks for people.
    pub notes: Vec<String>,
}

/// Plans the whole switch.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    plan_around(inputs, routes(inputs.desired, inputs.slots), &mut firewall::Cache::default())
}

/// Plans the whole switch but for what was planned before: its routes, and the rules of its policies.
/// They are too many to do it again for every change.
pub fn plan_around(inputs: &Inputs<'_>, routes: Routes, policies: &mut firewall::Cache) -> Plan {
    let networks = inputs.desired.networks.values().map(|network| (network.vlan, network)).collect();
    let mut planner = Planner { inputs, networks, policies, plan: Plan::default() };
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
        ..Config::default()
    };
    planner.plan.image.rule_capacity = inputs.desired.rule_capacity;
    planner.plan.image.names = inputs.slots.iter().map(|(holder, slot)| (*slot, holder.clone())).collect();
    for (name, uplink) in &inputs.desired.uplinks {
        planner.uplink(name, uplink);
    }
    for (name, port) in &inputs.desired.ports {
        planner.port(name, port);
    }
    planner.overlay();
    planner.finish_flood();
    planner.finish_firewall();
    planner.gateways();
    planner.plan.image.routes = routes;
    planner.plan
}

struct Planner<'a> {
    inputs: &'a Inputs<'a>,
    networks: BTreeMap<VlanId, &'a ValidNetwork>,
    /// Policies that were compiled before.
    policies: &'a mut firewall::Cache,
    plan: Plan,
}

impl Planner<'_> {
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
}

fn carry(row: &mut Port, vlans: &BTreeSet<VlanId>, native: Option<VlanId>) {
    row.pvid = native.map_or(0, VlanId::get);
    for vlan in vlans {
        row.allow(vlan.get());
    }
}
