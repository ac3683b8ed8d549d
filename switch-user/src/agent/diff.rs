//! From what the kernel holds to what it should hold, in an order that never opens a gap. Pure.
//!
//! A port opens last: its addresses, its row and its place in the floods are there before its
//! device runs the pipeline. It closes first. A row that loses something (a guard, a member) is
//! written before what it no longer needs is removed. So whatever prefix of the operations is done
//! when the agent dies, no frame reaches a port that the old and the new configuration both keep it from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use switch_common::table::{config::Config, fdb, flood, guard, port::Port};

use super::image::{
    Holder, Hook, Link, LinkState, Members, Observed, Setting, SettingState, TableImage, backs,
};

/// One write. Each is atomic in the kernel.
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
    /// Write the row of a device.
    Port(u32, Box<Port>),
    /// Remove it: frames from the device are dropped if the pipeline still runs there.
    Unport(u32),
    /// Write a chunk of a network.
    Flood(flood::Key, Members),
    /// Remove it.
    Unflood(flood::Key),
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
            | Self::Unstation(_)
            | Self::Flood(..)
            | Self::Unflood(_)
            | Self::Sweep => None,
        }
    }

    /// True if it lets frames through that were kept out before: not to be done for a device whose
    /// earlier operations failed.
    pub const fn opens(&self) -> bool {
        matches!(self, Self::Port(..) | Self::Attach(_))
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
            Self::Port(ifindex, _) => write!(out, "write the row of device {ifindex}"),
            Self::Unport(ifindex) => write!(out, "remove the row of device {ifindex}"),
            Self::Flood(key, _) => write!(out, "write the members of VLAN {}", key.network),
            Self::Unflood(key) => write!(out, "remove the members of VLAN {}", key.network),
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

/// The operations that turn `now` into `goal`, in the order in which they are to be done.
pub fn diff(now: &Observed, goal: &TableImage) -> Vec<Op> {
    let mut ops = Vec::new();
    if now.config != goal.config {
        ops.push(Op::Config(goal.config));
    }
    close(now, goal, &mut ops);
    open(now, goal, &mut ops);
    clean(now, goal, &mut ops);
    links(now, goal, &mut ops);
    ops
}

/// Takes leaving ports out of the floods and out of the port table.
fn close(now: &Observed, goal: &TableImage, ops: &mut Vec<Op>) {
    let nobody = Members::default();
    for (key, members) in &now.flood {
        let goal = goal.flood.get(key).unwrap_or(&nobody);
        if !members.within(goal) {
            ops.push(Op::Flood(*key, Members { last: members.last, ..members.common(goal) }));
        }
    }
    ops.extend(leaving(&now.ports, &goal.ports).map(|(ifindex, _)| Op::Unport(*ifindex)));
}

/// Writes what ports need, then the ports, then their places in the floods.
fn open(now: &Observed, goal: &TableImage, ops: &mut Vec<Op>) {
    ops.extend(changes(&now.names, &goal.names).map(|(slot, holder)| Op::Name(*slot, holder.clone())));
    ops.extend(goal.guard.difference(&now.guard).map(|key| Op::Guard(*key)));
    ops.extend(changes(&now.stations, &goal.stations).map(|(key, ifindex)| Op::Station(*key, *ifindex)));
    ops.extend(changes(&now.ports, &goal.ports).map(|(ifindex, row)| Op::Port(*ifindex, Box::new(*row))));
    // The first chunk says how many there are, so it comes after the others.
    for (key, members) in goal.flood.iter().rev() {
        let known = now.flood.get(key);
        if known.is_none_or(|known| known.last != members.last || known.common(members) != *members) {
            ops.push(Op::Flood(*key, members.clone()));
        }
    }
}

/// Removes what nobody needs any more.
fn clean(now: &Observed, goal: &TableImage, ops: &mut Vec<Op>) {
    ops.extend(leaving(&now.flood, &goal.flood).map(|(key, _)| Op::Unflood(*key)));
    ops.extend(leaving(&now.stations, &goal.stations).map(|(key, _)| Op::Unstation(*key)));
    ops.extend(now.guard.difference(&goal.guard).map(|key| Op::Unguard(*key)));
    ops.extend(leaving(&now.names, &goal.names).map(|(slot, _)| Op::Unname(*slot)));
    if now.strays > 0 || now.ports.iter().any(|(ifindex, row)| shrinks(row, goal.ports.get(ifindex))) {
        ops.push(Op::Sweep);
    }
}

/// True if stations may have been learned under the old row that the new one does not account for.
fn shrinks(old: &Port, new: Option<&Port>) -> bool {
    let Some(new) = new else { return true };
    old != new && (0..=4095).any(|network| backs(old, network) && !backs(new, network))
}

/// Prepares devices, attaches and replaces programs; detaches what is left over.
///
/// A device has one XDP program at most, so an old one goes before a new one comes. At TC the new
/// one comes first.
fn links(now: &Observed, goal: &TableImage, ops: &mut Vec<Op>) {
    let wrong = |at: &&(u32, Setting)| now.settings.get(at).is_none_or(|state| !state.right);
    ops.extend(goal.settings.iter().filter(wrong).map(|(ifindex, setting)| Op::Set(*ifindex, *setting)));
    let superfluous: BTreeSet<Link> =
        now.links.keys().filter(|link| !goal.links.contains(link)).copied().collect();
    let dead =
        now.links.iter().filter(|(link, state)| **state == LinkState::Dead && goal.links.contains(link));
    ops.extend(superfluous.iter().filter(|link| link.hook.is_xdp()).map(|link| Op::Detach(*link)));
    ops.extend(dead.map(|(link, _)| Op::Detach(*link)));
    for link in &goal.links {
        match now.links.get(link) {
            Some(LinkState::Current) => {}
            Some(LinkState::Outdated) => ops.push(Op::Replace(*link)),
            Some(LinkState::Dead) | None => ops.push(Op::Attach(*link)),
        }
    }
    ops.extend(superfluous.iter().filter(|link| !link.hook.is_xdp()).map(|link| Op::Detach(*link)));
    let ours = now.settings.iter().filter(|(at, state)| state.ours && !goal.settings.contains(at));
    ops.extend(ours.map(|((ifindex, setting), _)| Op::Unset(*ifindex, *setting)));
}

/// Entries of `goal` that are missing or different in `now`.
fn changes<'a, K: Ord, V: PartialEq>(
    now: &'a BTreeMap<K, V>,
    goal: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    goal.iter().filter(|(key, value)| now.get(key) != Some(value))
}

/// Entries of `now` whose key `goal` does not have.
fn leaving<'a, K: Ord, V, W>(
    now: &'a BTreeMap<K, V>,
    goal: &'a BTreeMap<K, W>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    now.iter().filter(|(key, _)| !goal.contains_key(key))
}

impl Observed {
    /// Notes that an operation was done.
    pub fn record(&mut self, op: &Op) {
        match op {
            Op::Config(config) => self.config = *config,
            Op::Name(slot, holder) => drop(self.names.insert(*slot, holder.clone())),
            Op::Unname(slot) => drop(self.names.remove(slot)),
            Op::Guard(key) => drop(self.guard.insert(*key)),
            Op::Unguard(key) => drop(self.guard.remove(key)),
            Op::Station(key, ifindex) => drop(self.stations.insert(*key, *ifindex)),
            Op::Unstation(key) => drop(self.stations.remove(key)),
            Op::Port(ifindex, row) => drop(self.ports.insert(*ifindex, **row)),
            Op::Unport(ifindex) => drop(self.ports.remove(ifindex)),
            Op::Flood(key, members) => drop(self.flood.insert(*key, members.clone())),
            Op::Unflood(key) => drop(self.flood.remove(key)),
            Op::Sweep => self.strays = 0,
            Op::Set(..) | Op::Unset(..) => self.record_setting(op),
            Op::Attach(link) | Op::Replace(link) => drop(self.links.insert(*link, LinkState::Current)),
            Op::Detach(link) => drop(self.links.remove(link)),
        }
    }

    /// Whether a changed setting is ours is known to the record of settings; to say so here makes
    /// sure that it is asked when the setting is no longer needed.
    fn record_setting(&mut self, op: &Op) {
        if let Op::Set(ifindex, setting) = op {
            self.settings.insert((*ifindex, *setting), SettingState { right: true, ours: true });
        } else if let Op::Unset(ifindex, setting) = op {
            self.settings.remove(&(*ifindex, *setting));
        }
    }

    /// Links that run the pipeline, of whatever version.
    pub fn alive(&self) -> impl Iterator<Item = Link> {
        self.links.iter().filter(|(_, state)| **state != LinkState::Dead).map(|(link, _)| *link)
    }

    /// Devices that run native XDP.
    pub fn native(&self) -> BTreeSet<u32> {
        self.alive().filter(|link| link.hook == Hook::XdpNative).map(|link| link.ifindex).collect()
    }
}
