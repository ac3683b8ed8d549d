//! What changes in routing.
//!
//! While rows change, a packet must not get where neither the old nor the new configuration sends it.
//! So networks leave their routers before any route changes, and join them after all have. Routes
//! are added from the longest prefix to the shortest, then changed, then removed from the shortest to
//! the longest: what a packet's longest prefix is at any moment, it is in the old or the new table too.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    sync::Arc,
};

use switch_common::table::route::CAPACITY;

use super::{Op, changes, leaving};
use crate::agent::image::{Observed, Routes, TableImage};

/// Most routes of one operation.
const BATCH: usize = 65_536;

/// Takes networks out of the routers that they leave.
pub(super) fn close(now: &Observed, goal: &TableImage, ops: &mut Vec<Op>) {
    let stays = |network, vrf| goal.gateways.get(network).is_some_and(|row| row.vrf == vrf);
    let leaving = now.gateways.iter().filter(|(network, row)| !stays(*network, row.vrf));
    ops.extend(leaving.map(|(network, _)| Op::Ungateway(*network)));
}

/// Brings targets and routes to where they should be, then lets networks join their routers.
pub(super) fn change(now: &Observed, goal: &TableImage, ops: &mut Vec<Op>) {
    let superfluous = superfluous(&now.routes, &goal.routes);
    let unused = |number: &&u64| !superfluous.used.contains(*number);
    ops.extend(superfluous.all.iter().filter(unused).map(|number| Op::Untarget(*number)));
    if !Arc::ptr_eq(&now.routes.targets, &goal.routes.targets) {
        let missing = changes(&now.routes.targets, &goal.routes.targets);
        ops.extend(missing.map(|(number, target)| Op::Target(*number, Box::new(*target))));
    }
    routes(&now.routes.v4, &goal.routes.v4, Op::Routes4, Op::Unroutes4, ops);
    routes(&now.routes.v6, &goal.routes.v6, Op::Routes6, Op::Unroutes6, ops);
    let opening = changes(&now.gateways, &goal.gateways);
    ops.extend(opening.map(|(network, row)| Op::Gateway(*network, *row)));
    ops.extend(superfluous.used.iter().map(|number| Op::Untarget(*number)));
}

/// Targets that have to go.
#[derive(Default)]
struct Superfluous {
    all: BTreeSet<u64>,
    /// Those to which routes lead at this moment.
    used: BTreeSet<u64>,
}

fn superfluous(now: &Routes, goal: &Routes) -> Superfluous {
    let all: BTreeSet<u64> = leaving(&now.targets, &goal.targets).map(|(number, _)| *number).collect();
    if all.is_empty() {
        return Superfluous::default();
    }
    let used = now.v4.values().chain(now.v6.values()).filter(|number| all.contains(number));
    Superfluous { used: used.copied().collect(), all }
}

fn routes<K: Ord + Copy>(
    now: &Arc<BTreeMap<K, u64>>,
    goal: &Arc<BTreeMap<K, u64>>,
    write: fn(Vec<(K, u64)>) -> Op,
    remove: fn(Vec<K>) -> Op,
    ops: &mut Vec<Op>,
) {
    if Arc::ptr_eq(now, goal) {
        return;
    }
    let Differences { mut added, changed, removed } = differences(now, goal);
    // The order of keys is that of the lengths of their prefixes.
    added.reverse();
    let writes = batches(&added, write).chain(batches(&changed, write)).collect::<Vec<_>>();
    let removals = batches(&removed, remove).collect::<Vec<_>>();
    let crowded = now.len() + added.len() > CAPACITY as usize;
    let (first, second) = if crowded { (removals, writes) } else { (writes, removals) };
    ops.extend(first.into_iter().chain(second));
}

fn batches<T: Clone>(rows: &[T], op: fn(Vec<T>) -> Op) -> impl Iterator<Item = Op> {
    rows.chunks(BATCH).map(move |rows| op(rows.to_vec()))
}

struct Differences<K> {
    added: Vec<(K, u64)>,
    changed: Vec<(K, u64)>,
    removed: Vec<K>,
}

/// Walks along both trees at once, which takes a fraction of the time of looking up each key.
fn differences<K: Ord + Copy>(now: &BTreeMap<K, u64>, goal: &BTreeMap<K, u64>) -> Differences<K> {
    let mut found = Differences { added: Vec::new(), changed: Vec::new(), removed: Vec::new() };
    let (mut now, mut goal) = (now.iter().peekable(), goal.iter().peekable());
    while let Some(side) = side(&mut now, &mut goal) {
        let old = if side.is_le() { now.next() } else { None };
        let new = if side.is_ge() { goal.next() } else { None };
        match (old, new) {
            (None, Some((key, number))) => found.added.push((*key, *number)),
            (Some((key, _)), None) => found.removed.push(*key),
            (Some((_, old)), Some((key, new))) if old != new => found.changed.push((*key, *new)),
            _ => {}
        }
    }
    found
}

/// Which of two walks is behind; `None` if both are at their end.
fn side<'a, K: Ord + 'a, V: 'a>(
    one: &mut Peekable<impl Iterator<Item = (&'a K, &'a V)>>,
    other: &mut Peekable<impl Iterator<Item = (&'a K, &'a V)>>,
) -> Option<Ordering> {
    match (one.peek(), other.peek()) {
        (Some((one, _)), Some((other, _))) => Some(one.cmp(other)),
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (None, None) => None,
    }
}
