//! Which station has an address.

use switch_common::{
    addr::{IpWords, MacWord},
    shared::Shared,
    table::{
        gateway::Gateway,
        neighbour::Neighbour,
        port::Port,
        route::{self, Hop},
    },
    wire::ipv6,
};

use super::lookup;
use crate::{epoch, tables::Tables};

/// Whether the next station of a packet can be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum State {
    /// It has a MAC address.
    Known,
    /// It is to be asked for now.
    Ask,
    /// It was asked for and may still answer.
    Wait,
    /// It does not answer.
    Dead,
}

/// What is known of the next station: its MAC address if it has one, and what to do.
///
/// Marks it as asked for if it is to be. One who sends to many that are not there, as a scan does, is
/// slowed down.
#[inline(always)]
pub(super) fn resolve<T: Tables>(tables: &T, next: &Hop, family: u64, sender: u32) -> (u64, State) {
    let key = lookup::key(next.network, family, next.address);
    let now = tables.now();
    let Some(neighbour) = tables.neighbour(&key) else {
        if !may_ask(tables, sender, now) {
            return (0, State::Wait);
        }
        let fresh = Neighbour { asked: Shared::new(now), unanswered: Shared::new(1), ..Neighbour::default() };
        // Another CPU may have been faster; then it asks. Without room nobody can remember the answer.
        return (0, if tables.meet(&key, &fresh) { State::Ask } else { State::Wait });
    };
    let mac = neighbour.mac.get();
    if mac != 0 {
        return (mac, State::Known);
    }
    let unanswered = neighbour.unanswered.get();
    let dead = unanswered >= Neighbour::PATIENCE;
    let early = now.wrapping_sub(neighbour.asked.get()) < Neighbour::RETRY_NS;
    if early || !may_ask(tables, sender, now) {
        return (0, if dead { State::Dead } else { State::Wait });
    }
    neighbour.asked.set(now);
    neighbour.unanswered.set(unanswered + 1);
    // Of a station that is dead the sender is told every other time: one packet cannot be both.
    (0, if dead && unanswered % 2 == 1 { State::Dead } else { State::Ask })
}

/// True if a packet of the port in this slot may make the router ask, or fill the table.
#[inline(always)]
fn may_ask<T: Tables>(tables: &T, slot: u32, now: u64) -> bool {
    tables.limit(slot).is_some_and(|limit| limit.questions.allows(now))
}

/// A station has said that it has an address.
///
/// What was known is brought up to date. What was not is noted only if the station spoke to the
/// router, and only for an address that belongs to the network: nobody fills the table with others.
#[inline(always)]
pub fn heard<T: Tables>(
    tables: &T,
    gateway: Option<&Gateway>,
    port: &Port,
    network: u16,
    family: u64,
    address: IpWords,
    mac: MacWord,
) {
    // Nobody has a group's address (RFC 1812, 3.3.2), or the router's.
    let router =
        tables.config().is_none_or(|config| mac.get() == config.gateway_mac || mac.get() == config.host_mac);
    if router || !mac.is_station() {
        return;
    }
    let key = lookup::key(network.into(), family, address);
    let now = tables.now();
    if let Some(neighbour) = tables.neighbour(&key) {
        if neighbour.is_static() {
            return;
        }
        neighbour.heard.set(now);
        neighbour.unanswered.set(0);
        let old = neighbour.mac.get();
        if old != mac.get() {
            neighbour.mac.set(mac.get());
            epoch::moved(tables);
        }
        return;
    }
    let Some(gateway) = gateway else { return };
    let local = family == 6 && ipv6::is_link_local(address);
    let connected = lookup::target(tables, gateway.vrf, family, address).is_some_and(|target| {
        target.kind == route::CONNECTED && target.hops[0].network == u64::from(network)
    });
    if (local || connected) && may_ask(tables, port.slot, now) {
        let fresh =
            Neighbour { mac: Shared::new(mac.get()), heard: Shared::new(now), ..Neighbour::default() };
        tables.meet(&key, &fresh);
    }
}
