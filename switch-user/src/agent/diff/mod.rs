//! From what the kernel holds to what it should hold, in an order that never opens a gap. Pure.
//!
//! A port opens last: its addresses, its row and its place in the floods are there before its
//! device runs the pipeline. It closes first. A row that loses something (a guard, a member) is
//! written before what it no longer needs is removed. So whatever prefix of the operations is done
//! when the agent dies, no frame reaches a port that the old and the new configuration both keep it from.
//!
//! The one exception are firewalls with several policies: each policy changes in one step, but one after the other.
//! Between two of them a packet meets the new version of one and the old version of the next.

mod policies;
mod routing;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use switch_common::table::{config::Config, port::Port};

use self::policies::Change;
use super::image::{Link, LinkState, Members, Observed, Setting, TableImage, backs};
pub use super::op::Op;

/// The operations that turn `now` into `goal`, in the order in which they are to be done.
pub fn diff(now: &Observed, goal: &TableImage) -> Vec<Op> {
    let mut ops = Vec::new();
    // Without any firewall the datapath asks for none, so it is told last, when all have left.
    let early = Config { firewalls: now.config.firewalls.max(goal.config.firewalls), ..goal.config };
    if now.config != early {
        ops.push(Op::Config(early));
    }
    let policies = Change::new(now, goal);
    close(now, goal, &mut ops);
    policies.begin(&mut ops);
    open(now, goal, &policies, &mut ops);
    routing::change(now, goal, &mut ops);
    clean(now, goal, &policies, &mut ops);
    if early != goal.config {
        ops.push(Op::Config(goal.config));
    }
    links(now, goal, &mut ops);
    if ops.iter().any(Op::is_judged) {
        ops.push(Op::Epoch);
    }
    ops
}

/// Takes leaving networks out of their routers, and leaving ports out of the floods and out of the port table.
fn close(now: &Observed, goal: &TableImage, ops: &mut Vec<Op>) {
    routing::close(now, goal, ops);
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
fn open(now: &Observed, goal: &TableImage, policies: &Change<'_>, ops: &mut Vec<Op>) {
    ops.extend(changes(&now.names, &goal.names).map(|(slot, holder)| Op::Name(*slot, holder.clone())));
    ops.extend(goal.guard.difference(&now.guard).map(|key| Op::Guard(*key)));
    ops.extend(changes(&now.stations, &goal.stations).map(|(key, ifindex)| Op::Station(*key, *ifindex)));
    ops.extend(changes(&now.neighbours, &goal.neighbours).map(|(key, mac)| Op::Neighbour(*key, *mac)));
    ops.extend(changes(&now.overlay, &goal.overlay).map(|(key, entry)| Op::Overlay(*key, *entry)));
    let written = policies.written.iter();
    ops.extend(written.map(|(slot, policy)| Op::Policy(*slot, Arc::clone(policy))));
    let stale =
        |ifindex: &u32, row: &Port| now.ports.get(ifindex) != Some(row) || policies.closed.contains(ifindex);
    let ports = goal.ports.iter().filter(|(ifindex, row)| stale(ifindex, row));
    ops.extend(ports.map(|(ifindex, row)| Op::Port(*ifindex, Box::new(*row))));
    // The first chunk says how many there are, so it comes after the others.
    for (key, members) in goal.flood.iter().rev() {
        let known = now.flood.get(key);
        if known.is_none_or(|known| known.last != members.last || known.common(members) != *members) {
            ops.push(Op::Flood(*key, members.clone()));
        }
    }
}

/// Removes what nobody needs any more.
fn clean(now: &Observed, goal: &TableImage, policies: &Change<'_>, ops: &mut Vec<Op>) {
    ops.extend(leaving(&now.flood, &goal.flood).map(|(key, _)| Op::Unflood(*key)));
    ops.extend(leaving(&now.neighbours, &goal.neighbours).map(|(key, _)| Op::Unneighbour(*key)));
    ops.extend(leaving(&now.overlay, &goal.overlay).map(|(key, _)| Op::Unoverlay(*key)));
    ops.extend(leaving(&now.stations, &goal.stations).map(|(key, _)| Op::Unstation(*key)));
    ops.extend(now.guard.difference(&goal.guard).map(|key| Op::Unguard(*key)));
    let rest = leaving(&now.policies, &goal.policies).filter(|(slot, _)| !policies.early.contains(slot));
    ops.extend(rest.map(|(slot, _)| Op::Unpolicy(*slot)));
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
