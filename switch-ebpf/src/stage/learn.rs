//! Remembers where the sender of a frame is.

use switch_common::{
    shared::Shared,
    table::{
        fdb::{Entry, Key},
        port::{self, Port},
        stats::Stats,
    },
    verdict::DropReason,
};

use super::Stop;
use crate::{
    epoch,
    frame::{Frame, Place},
    tables::{Learning, Tables},
};

/// A station's time stamp is written at most this often (1 s): frames of several CPUs would
/// otherwise pull its cache line back and forth.
const REFRESH_NS: u64 = 1_000_000_000;

/// What is known of the station that a frame says it is from.
#[inline(always)]
pub fn station<'a, T: Tables>(tables: &'a T, frame: &Frame, place: &Place) -> Option<&'a Entry> {
    tables.station(&Key::of(place.network, frame.source))
}

/// Learns the source address, or notes that it is still there.
///
/// A configured station never moves: its address at another port is an impostor, or the frame came
/// back through a loop.
#[inline(always)]
pub fn source<T: Tables>(
    tables: &T,
    ifindex: u32,
    port: &Port,
    frame: &Frame,
    place: &Place,
    station: Option<&Entry>,
) -> Result<(), Stop> {
    let key = Key::of(place.network, frame.source);
    let Some(entry) = station else {
        if !port.is(port::GUARD_MAC) {
            appear(tables, ifindex, port, &key);
        }
        return Ok(());
    };
    if entry.is_static() {
        return if entry.ifindex == ifindex {
            Ok(())
        } else {
            Err(Stop::Sender(DropReason::MacOwnedElsewhere))
        };
    }
    if entry.ifindex == ifindex {
        let now = tables.now();
        if now.saturating_sub(entry.seen.get()) > REFRESH_NS {
            entry.seen.set(now);
        }
    } else if !port.is(port::GUARD_MAC) {
        move_here(tables, ifindex, port, &key, entry.ifindex);
    }
    Ok(())
}

/// Stops unless the source address is known to be at this port and needs no note.
#[inline(always)]
pub fn is_known<T: Tables>(tables: &T, ifindex: u32, station: Option<&Entry>) -> Result<(), Stop> {
    let entry = station.ok_or(Stop::Pass)?;
    let known = entry.ifindex == ifindex
        && (entry.is_static() || tables.now().saturating_sub(entry.seen.get()) <= REFRESH_NS);
    if known { Ok(()) } else { Err(Stop::Pass) }
}

/// A station that was not known anywhere.
#[inline(always)]
fn appear<T: Tables>(tables: &T, ifindex: u32, port: &Port, key: &Key) {
    if !has_room(tables, port) {
        return count(tables, port, |stats| &stats.limited);
    }
    match tables.learn(key, &entry(tables, ifindex)) {
        Learning::Done => {
            came(tables, port);
            count(tables, port, |stats| &stats.learned);
        }
        Learning::Raced => {}
        Learning::Full => count(tables, port, |stats| &stats.full),
    }
}

/// A station that was at another port until now.
#[inline(always)]
fn move_here<T: Tables>(tables: &T, ifindex: u32, port: &Port, key: &Key, from: u32) {
    if !has_room(tables, port) {
        return count(tables, port, |stats| &stats.limited);
    }
    if tables.relearn(key, &entry(tables, ifindex)) == Learning::Done {
        if let Some(old) = tables.port(from)
            && let Some(learned) = tables.learned(old.slot)
        {
            learned.left.add(1);
        }
        came(tables, port);
        count(tables, port, |stats| &stats.moved);
        epoch::moved(tables);
    }
}

/// True if the port may have one more learned address.
#[inline(always)]
fn has_room<T: Tables>(tables: &T, port: &Port) -> bool {
    match tables.learned(port.slot) {
        Some(learned) => learned.count(tables.forgotten(port.slot)) < u64::from(port.learn_limit),
        None => false,
    }
}

/// The row of a station that is at this port now.
#[inline(always)]
fn entry<T: Tables>(tables: &T, ifindex: u32) -> Entry {
    Entry { ifindex, flags: 0, seen: Shared::new(tables.now()) }
}

#[inline(always)]
fn came<T: Tables>(tables: &T, port: &Port) {
    if let Some(learned) = tables.learned(port.slot) {
        learned.came.add(1);
    }
}

#[inline(always)]
fn count<T: Tables>(tables: &T, port: &Port, which: fn(&Stats) -> &Shared) {
    if let Some(stats) = tables.stats(port.slot) {
        which(stats).add_local(1);
    }
}
