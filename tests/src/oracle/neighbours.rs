//! What a router knows of stations.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

use switch_common::addr::Mac;
use switch_user::model::{Attachment, Validated};

/// An address in a network.
type Key = (u16, IpAddr);

/// Milliseconds between two requests.
const RETRY: u64 = 1000;
/// Requests after which a station counts as dead.
const PATIENCE: u32 = 3;

/// What is known of an address.
#[derive(Clone, Debug, Default)]
struct Neighbour {
    mac: Option<Mac>,
    configured: bool,
    asked: u64,
    unanswered: u32,
}

/// Whether a station can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Known(Mac),
    Ask,
    Wait,
    Dead,
}

/// All stations.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours(BTreeMap<Key, Neighbour>);

impl Neighbours {
    /// Those that are configured: addresses of open ports with one MAC address.
    pub(super) fn new(config: &Validated) -> Self {
        let mut all = BTreeMap::new();
        for port in config.ports.values().filter(|port| port.up && !port.ips.is_empty()) {
            let (&[mac], Attachment::Access { vlan, .. }) = (port.macs.as_slice(), &port.attachment) else {
                continue;
            };
            let link_local = IpAddr::from(Ipv6Addr::from(mac.link_local()));
            for ip in port.ips.iter().copied().chain([link_local]) {
                let row = Neighbour { mac: Some(mac), configured: true, ..Neighbour::default() };
                all.entry((vlan.get(), ip)).or_insert(row);
            }
        }
        Self(all)
    }

    /// The MAC address that was configured for an address.
    pub(super) fn configured(&self, key: Key) -> Option<Mac> {
        self.0.get(&key).filter(|row| row.configured)?.mac
    }

    /// A station has said that it has an address; `new` if that is noted though nothing was known of it.
    pub(super) fn heard(&mut self, key: Key, mac: Mac, new: bool) {
        match self.0.get_mut(&key) {
            Some(row) if row.configured => {}
            Some(row) => (row.mac, row.unanswered) = (Some(mac), 0),
            None if new => drop(self.0.insert(key, Neighbour { mac: Some(mac), ..Neighbour::default() })),
            None => {}
        }
    }

    /// True if nobody answers for an address.
    pub(super) fn is_dead(&self, key: Key) -> bool {
        self.0.get(&key).is_some_and(|row| row.mac.is_none() && row.unanswered >= PATIENCE)
    }

    /// Looks a station up, and notes that it is asked for if it is to be.
    pub(super) fn resolve(&mut self, key: Key, now: u64) -> State {
        let row = self.0.entry(key).or_default();
        if let Some(mac) = row.mac {
            return State::Known(mac);
        }
        if row.unanswered == 0 || now - row.asked >= RETRY {
            let told = row.unanswered >= PATIENCE && row.unanswered % 2 == 1;
            (row.asked, row.unanswered) = (now, row.unanswered + 1);
            return if told { State::Dead } else { State::Ask };
        }
        if row.unanswered >= PATIENCE { State::Dead } else { State::Wait }
    }
}
