//! What the kernel should hold, and what it holds, in one vocabulary.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use switch_common::{
    addr::Mac,
    table::{
        config::Config,
        fdb, flood,
        gateway::Gateway,
        guard, neighbour, overlay,
        port::Port,
        route::{self, Target},
    },
};

use super::compiled::{Compiled, Version};
pub use crate::netlink::owned::Setting;

/// Who a slot belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// An uplink, by the name of its device.
    Uplink(String),
    /// A port, by its name.
    Port(String),
    /// A router, by its name: its slot is its number in the tables of routes.
    Router(String),
    /// A policy, by its name: its slot is its number in the table of policies.
    Policy(String),
    /// Another host, by its name: its slot is in its number in the table of ports.
    Host(String),
    /// An overlay network, by its name: its slot is its number inside the switch.
    Network(String),
}

impl Holder {
    /// The name without the kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Uplink(name)
            | Self::Port(name)
            | Self::Router(name)
            | Self::Policy(name)
            | Self::Host(name)
            | Self::Network(name) => name,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uplink(name) => write!(out, "uplink {name}"),
            Self::Port(name) => write!(out, "port {name}"),
            Self::Router(name) => write!(out, "router {name}"),
            Self::Policy(name) => write!(out, "policy {name}"),
            Self::Host(name) => write!(out, "host {name}"),
            Self::Network(name) => write!(out, "network {name}"),
        }
    }
}

/// The kernel hooks that can hold the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// TC at ingress by a tcx link.
    Tcx,
    /// TC at ingress by a filter of the clsact qdisc.
    Clsact,
    /// XDP in the driver.
    XdpNative,
    /// XDP in the generic hook.
    XdpGeneric,
}

impl Hook {
    /// True for both modes of XDP, of which a device can have only one.
    pub const fn is_xdp(self) -> bool {
        matches!(self, Self::XdpNative | Self::XdpGeneric)
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Tcx => "tcx",
            Self::Clsact => "clsact",
            Self::XdpNative => "native XDP",
            Self::XdpGeneric => "generic XDP",
        })
    }
}

/// The pipeline at one hook of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Number of the device.
    pub ifindex: u32,
    /// Where at the device.
    pub hook: Hook,
}

/// State of a link that is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It runs the program that was loaded, on the tables that are in use.
    Current,
    /// It runs another one.
    Outdated,
    /// Its device is gone, though another one may have the number by now.
    Dead,
}

/// State of a setting of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingState {
    /// It is as the switch needs it.
    pub right: bool,
    /// We made it so.
    pub ours: bool,
}

/// Members of a chunk of a network: [`flood::Chunk`] without the room that it does not use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Devices that get frames untagged.
    pub untagged: BTreeSet<u32>,
    /// Devices that get frames tagged.
    pub tagged: BTreeSet<u32>,
    /// Number of the network's last chunk, in its first one.
    pub last: u32,
}

impl Members {
    /// Those who are in both, in the same form; the last chunk is of `other`.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self {
            untagged: self.untagged.intersection(&other.untagged).copied().collect(),
            tagged: self.tagged.intersection(&other.tagged).copied().collect(),
            last: other.last,
        }
    }

    /// True if nobody is in it who is not in `other`.
    pub fn within(&self, other: &Self) -> bool {
        self.untagged.is_subset(&other.untagged) && self.tagged.is_subset(&other.tagged)
    }
}

/// Routes of all routers. They can be a million, so whoever holds the same ones shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// IPv4 routes, with the number of their target.
    pub v4: Arc<BTreeMap<route::Key4, u64>>,
    /// IPv6 routes, with the number of their target.
    pub v6: Arc<BTreeMap<route::Key6, u64>>,
    /// Targets of routes by number.
    pub targets: Arc<BTreeMap<u64, Target>>,
}

/// What the kernel should hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableImage {
    /// Settings of the switch.
    pub config: Config,
    /// Who has which slot.
    pub names: BTreeMap<u32, Holder>,
    /// Policies of ports, by slot.
    pub policies: BTreeMap<u32, Arc<Compiled>>,
    /// Rows that there are for policies.
    pub rule_capacity: u32,
    /// Rows of the port table, by device.
    pub ports: BTreeMap<u32, Port>,
    /// Configured stations, with the device they are at.
    pub stations: BTreeMap<fdb::Key, u32>,
    /// Addresses of guarded ports.
    pub guard: BTreeSet<guard::Key>,
    /// Who gets copies.
    pub flood: BTreeMap<flood::Key, Members>,
    /// What stands for overlay networks and other hosts on the underlay.
    pub overlay: BTreeMap<overlay::Key, overlay::Entry>,
    /// Networks that are routed.
    pub gateways: BTreeMap<u32, Gateway>,
    /// Routes of all routers.
    pub routes: Routes,
    /// Configured neighbours.
    pub neighbours: BTreeMap<neighbour::Key, Mac>,
    /// Where the pipeline is attached.
    pub links: BTreeSet<Link>,
    /// Settings that devices need.
    pub settings: BTreeSet<(u32, Setting)>,
}

/// What the kernel holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Settings of the switch.
    pub config: Config,
    /// Who has which slot.
    pub names: BTreeMap<u32, Holder>,
    /// Policies that are there, by slot.
    pub policies: BTreeMap<u32, Version>,
    /// Rows of the port table, by device.
    pub ports: BTreeMap<u32, Port>,
    /// Configured stations, with the device they are at.
    pub stations: BTreeMap<fdb::Key, u32>,
    /// Learned stations that no row of the port table accounts for: see [`backs`].
    pub strays: usize,
    /// Addresses of guarded ports.
    pub guard: BTreeSet<guard::Key>,
    /// Who gets copies.
    pub flood: BTreeMap<flood::Key, Members>,
    /// What stands for overlay networks and other hosts on the underlay.
    pub overlay: BTreeMap<overlay::Key, overlay::Entry>,
    /// Networks that are routed.
    pub gateways: BTreeMap<u32, Gateway>,
    /// Routes of all routers.
    pub routes: Routes,
    /// Configured neighbours.
    pub neighbours: BTreeMap<neighbour::Key, Mac>,
    /// Our links.
    pub links: BTreeMap<Link, LinkState>,
    /// Settings that were looked at. One that is missing is not ours.
    pub settings: BTreeMap<(u32, Setting), SettingState>,
}

/// Slots of the policies of a port.
pub fn policies(port: &Port) -> impl Iterator<Item = u32> {
    port.policies.iter().filter(|slot| **slot != 0).map(|slot| u32::from(*slot))
}

/// True if a station of this network may have been learned at a port with this row.
pub fn backs(port: &Port, network: u16) -> bool {
    !port.is(switch_common::table::port::GUARD_MAC) && (port.pvid == network || port.carries(network))
}

#[cfg(test)]
mod tests {
    use switch_common::table::port::{GUARD_MAC, TRUNK};

    use super::*;

    #[test]
    fn learned_stations_need_a_port_that_learns_in_their_network() {
        let mut port = Port { pvid: 10, ..Port::default() };
        assert!(backs(&port, 10));
        assert!(!backs(&port, 20));
        port.flags = TRUNK;
        port.allow(20);
        assert!(backs(&port, 20));
        port.flags |= GUARD_MAC;
        assert!(!backs(&port, 10));
    }
}
