//! Which table a flow belongs in, and whether there is room.

use switch_common::{
    shared::Shared,
    table::flow::{self, Flow, Key4, Key6},
};

use super::{
    family::Family,
    row::{More, copy, first, is_same, refresh, renew},
    state::state,
};
use crate::{ip::Ip, tables::Tables};

/// Brings the flow's row up to date; false if there is no room for one.
#[inline(always)]
pub(super) fn flow<T: Tables>(tables: &T, ip: &Ip, door: u32, flow: &mut Flow, more: &mut More) -> bool {
    let about = flow::about(ip.ports as u32, door, ip.protocol as u8);
    let back = flow.back;
    if ip.family == 4 {
        // Both addresses are in the low half of their words.
        let key = Key4 { addresses: ip.source[0] | ip.destination[0] << 32, about };
        update(tables, ip, &key, &key.mirror(back), flow, more)
    } else {
        let key = Key6 { source: ip.source, destination: ip.destination, about };
        update(tables, ip, &key, &key.mirror(back), flow, more)
    }
}

/// Adds the flow, or brings it up to date; `back` is the other direction's key. False if there is no
/// room for it.
#[inline(always)]
fn update<T: Tables, K: Family>(
    tables: &T,
    ip: &Ip,
    key: &K,
    back: &K,
    flow: &mut Flow,
    more: &mut More,
) -> bool {
    let twin = back.established(tables);
    if let Some(known) = key.established(tables) {
        let state = state(ip, known.state.get(), twin);
        if is_same(known, flow) {
            refresh(known, flow, state, more);
            return true;
        }
        renew(known, flow, state, more);
        return had_room(tables, flow, key.keep(tables, flow));
    }
    if let Some(twin) = twin {
        let state = state(ip, opposite(twin), Some(twin));
        twin.state.set(twin.state.get() | flow::ANSWERED);
        first(flow, more, state);
        let room = key.keep(tables, flow);
        if room {
            forget(tables, key);
        }
        return had_room(tables, flow, room);
    }
    if let Some(opening) = back.opening(tables) {
        return answer(tables, ip, key, back, (opening, flow, more));
    }
    begin(tables, ip, key, flow, more)
}

/// The state in which the other direction of a flow begins.
#[inline(always)]
fn opposite(flow: &Flow) -> u64 {
    flow::ANSWERED | !flow.state.get() & flow::ORIGINAL
}

/// The answer to the first packet of a connection: both directions are established.
#[inline(always)]
fn answer<T: Tables, K: Family>(
    tables: &T,
    ip: &Ip,
    key: &K,
    back: &K,
    (opening, flow, more): (&Flow, &mut Flow, &mut More),
) -> bool {
    first(flow, more, state(ip, opposite(opening), None));
    if !key.keep(tables, flow) {
        return had_room(tables, flow, false);
    }
    // The scratch memory is free again: the table has a copy.
    copy(opening, flow);
    flow.state = Shared::new(opening.state.get() | flow::ANSWERED);
    // Where it was awaited at first was a guess.
    flow.back = key.door();
    let room = back.keep(tables, flow);
    if room {
        forget(tables, back);
    }
    had_room(tables, flow, room)
}

/// The first packets of a connection.
#[inline(always)]
fn begin<T: Tables, K: Family>(tables: &T, ip: &Ip, key: &K, flow: &mut Flow, more: &mut More) -> bool {
    let Some(known) = key.opening(tables) else {
        first(flow, more, state(ip, flow.state.get(), None));
        let Some(openings) = tables.openings(flow.sender.into()) else { return false };
        let quota = tables.config().map_or(0, |config| config.opening_quota);
        let room = openings.count(tables.expired(flow.sender.into())) < quota && key.open(tables, flow);
        if room {
            openings.came.add(1);
        }
        return had_room(tables, flow, room);
    };
    let lasting = known.packets.get() > 1 && flow.born.wrapping_sub(known.born) >= Flow::REJUDGE_NS;
    let state = state(ip, known.state.get(), None);
    if lasting {
        // Nobody answers, but it goes on: it has earned a place where one look-up finds it.
        renew(known, flow, state, more);
        let room = key.keep(tables, flow);
        if room {
            forget(tables, key);
        }
        had_room(tables, flow, room)
    } else if is_same(known, flow) {
        refresh(known, flow, state, more);
        true
    } else {
        renew(known, flow, state, more);
        had_room(tables, flow, key.open(tables, flow))
    }
}

/// Takes a flow out of the table of the half-open ones.
#[inline(always)]
fn forget<T: Tables, K: Family>(tables: &T, key: &K) {
    let Some(flow) = key.opening(tables) else { return };
    let sender = flow.sender;
    if key.close(tables)
        && let Some(openings) = tables.openings(sender.into())
    {
        openings.left.add(1);
    }
}

/// Counts a flow for which there was no room.
#[inline(always)]
fn had_room<T: Tables>(tables: &T, flow: &Flow, room: bool) -> bool {
    if !room && let Some(stats) = tables.stats(flow.sender.into()) {
        stats.flow_full.add_local(1);
    }
    room
}
