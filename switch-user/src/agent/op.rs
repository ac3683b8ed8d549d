//! The writes that there are.

use std::{fmt, net::IpAddr, sync::Arc};

use switch_common::{
    addr::{Mac, ip_from_words},
    table::{
        config::Config,
        fdb, flood,
        gateway::Gateway,
        guard, neighbour, overlay,
        port::Port,
        route::{Key4, Key6, Target},
    },
};

use super::{
    compiled::Compiled,
    image::{Holder, Link, Members, Setting},
};

/// One write. Each is atomic in the kernel, but for lists, whose members are written one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Replace the settings of the switch.
    Config(Config),
    /// Zero the counters of a slot and give it to a new holder.
    Name(u32, Holder),
    /// Free a slot.
    Unname(u32),
    /// Allow an address at a guarded port.
    Guard(guard::Key),
    /// Forbid it.
    Unguard(guard::Key),
    /// Configure a station at a device, in place of whatever was known of it.
    Station(fdb::Key, u32),
    /// Remove a configured station.
    Unstation(fdb::Key),
    /// Write a policy, or another version of it.
    Policy(u32, Arc<Compiled>),
    /// Remove a policy, which no port has.
    Unpolicy(u32),
    /// Write the row of a device.
    Port(u32, Box<Port>),
    /// Remove it: frames from the device are dropped if the pipeline still runs there.
    Unport(u32),
    /// Write a chunk of a network.
    Flood(flood::Key, Members),
    /// Remove it.
    Unflood(flood::Key),
    /// Configure a neighbour, in place of whatever was known of it.
    Neighbour(neighbour::Key, Mac),
    /// Remove a configured neighbour.
    Unneighbour(neighbour::Key),
    /// Write what stands for a network or host on the underlay, or the other way round.
    Overlay(overlay::Key, overlay::Entry),
    /// Remove it.
    Unoverlay(overlay::Key),
    /// Write a network's side of its router.
    Gateway(u32, Gateway),
    /// Remove it: the network is not routed.
    Ungateway(u32),
    /// Add a target of routes.
    Target(u64, Box<Target>),
    /// Remove a target, to which no route leads.
    Untarget(u64),
    /// Write IPv4 routes.
    Routes4(Vec<(Key4, u64)>),
    /// Write IPv6 routes.
    Routes6(Vec<(Key6, u64)>),
    /// Remove IPv4 routes.
    Unroutes4(Vec<Key4>),
    /// Remove IPv6 routes.
    Unroutes6(Vec<Key6>),
    /// Let everything be judged again that was judged before.
    Epoch,
    /// Remove learned stations that no port's row accounts for.
    Sweep,
    /// Change a setting of a device, if it is not right already.
    Set(u32, Setting),
    /// Undo the change, if it was ours.
    Unset(u32, Setting),
    /// Attach the pipeline.
    Attach(Link),
    /// Replace the program of a link, atomically.
    Replace(Link),
    /// Detach the pipeline.
    Detach(Link),
}

impl Op {
    /// The device that the operation is for, if it is for one.
    pub const fn device(&self) -> Option<u32> {
        match self {
            Self::Guard(key) | Self::Unguard(key) => Some(key.ifindex),
            Self::Station(_, ifindex)
            | Self::Port(ifindex, _)
            | Self::Unport(ifindex)
            | Self::Set(ifindex, _)
            | Self::Unset(ifindex, _) => Some(*ifindex),
            Self::Attach(link) | Self::Replace(link) | Self::Detach(link) => Some(link.ifindex),
            Self::Config(_)
            | Self::Name(..)
            | Self::Unname(_)
            | Self::Policy(..)
            | Self::Unpolicy(_)
            | Self::Unstation(_)
            | Self::Flood(..)
            | Self::Unflood(_)
            | Self::Neighbour(..)
            | Self::Unneighbour(_)
            | Self::Overlay(..)
            | Self::Unoverlay(_)
            | Self::Gateway(..)
            | Self::Ungateway(_)
            | Self::Target(..)
            | Self::Untarget(_)
            | Self::Routes4(_)
            | Self::Routes6(_)
            | Self::Unroutes4(_)
            | Self::Unroutes6(_)
            | Self::Epoch
            | Self::Sweep => None,
        }
    }

    /// True if it lets frames through that were kept out before: not to be done for a device whose
    /// earlier operations failed.
    pub const fn opens(&self) -> bool {
        matches!(self, Self::Port(..) | Self::Attach(_))
    }

    /// True if what comes after it in routing relies on it.
    pub const fn routes(&self) -> bool {
        matches!(
            self,
            Self::Ungateway(_)
                | Self::Target(..)
                | Self::Routes4(_)
                | Self::Routes6(_)
                | Self::Unroutes4(_)
                | Self::Unroutes6(_)
        )
    }

    /// True if it relies on what came before it in routing: not to be done if something of that failed.
    pub const fn relies(&self) -> bool {
        matches!(self, Self::Gateway(..) | Self::Untarget(_) | Self::Routes4(_) | Self::Routes6(_))
    }

    /// True if what was judged before may be judged differently after it.
    pub const fn is_judged(&self) -> bool {
        !matches!(self, Self::Name(..) | Self::Unname(_) | Self::Set(..) | Self::Unset(..) | Self::Epoch)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(_) => write!(out, "write the settings of the switch"),
            Self::Name(slot, holder) => write!(out, "give slot {slot} to {holder}"),
            Self::Unname(slot) => write!(out, "free slot {slot}"),
            Self::Guard(key) => write!(out, "allow an address at device {}", key.ifindex),
            Self::Unguard(key) => write!(out, "forbid an address at device {}", key.ifindex),
            Self::Station(key, ifindex) => {
                write!(out, "set {} in VLAN {} at device {ifindex}", key.mac, key.network)
            }
            Self::Unstation(key) => write!(out, "remove {} from VLAN {}", key.mac, key.network),
            Self::Policy(slot, policy) => write!(out, "write {} rows of policy {slot}", policy.rows().len()),
            Self::Unpolicy(slot) => write!(out, "remove policy {slot}"),
            Self::Port(ifindex, _) => write!(out, "write the row of device {ifindex}"),
            Self::Unport(ifindex) => write!(out, "remove the row of device {ifindex}"),
            Self::Flood(key, _) => write!(out, "write the members of VLAN {}", key.network),
            Self::Unflood(key) => write!(out, "remove the members of VLAN {}", key.network),
            Self::Neighbour(key, mac) => {
                write!(out, "set {mac} for {} in VLAN {}", address(key), key.network)
            }
            Self::Unneighbour(key) => write!(out, "remove {} from VLAN {}", address(key), key.network),
            Self::Overlay(..) => write!(out, "write a row of the overlay"),
            Self::Unoverlay(_) => write!(out, "remove a row of the overlay"),
            Self::Gateway(network, _) => write!(out, "route VLAN {network}"),
            Self::Ungateway(network) => write!(out, "do not route VLAN {network}"),
            Self::Target(number, _) => write!(out, "add the target {number:016x} of routes"),
            Self::Untarget(number) => write!(out, "remove the target {number:016x} of routes"),
            Self::Routes4(rows) => write!(out, "write {} IPv4 routes", rows.len()),
            Self::Routes6(rows) => write!(out, "write {} IPv6 routes", rows.len()),
            Self::Unroutes4(keys) => write!(out, "remove {} IPv4 routes", keys.len()),
            Self::Unroutes6(keys) => write!(out, "remove {} IPv6 routes", keys.len()),
            Self::Epoch => write!(out, "move the epoch"),
            Self::Sweep => write!(out, "remove learned stations without a port"),
            Self::Set(ifindex, setting) => write!(out, "prepare device {ifindex} ({setting:?})"),
            Self::Unset(ifindex, setting) => write!(out, "restore device {ifindex} ({setting:?})"),
            Self::Attach(link) => write!(out, "attach to device {} by {}", link.ifindex, link.hook),
            Self::Replace(link) => {
                write!(out, "replace the {} program of device {}", link.hook, link.ifindex)
            }
            Self::Detach(link) => write!(out, "detach {} from device {}", link.hook, link.ifindex),
        }
    }
}

fn address(key: &neighbour::Key) -> IpAddr {
    ip_from_words(key.family, key.address)
}
