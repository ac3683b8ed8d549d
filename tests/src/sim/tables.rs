//! The tables in memory.

use std::{
    cell::{Cell, RefCell, UnsafeCell},
    collections::BTreeMap,
};

use switch_common::{
    event::Event,
    shared::Shared,
    table::{
        config, drops, epoch, fdb, flood, flow, fragment, gateway, guard, hits, learn, limit, neighbour,
        overlay, policy, port, route, rules, stats,
    },
    verdict::DropReason,
};
use switch_ebpf::tables::{Learning, Scratch, Tables};
use switch_user::agent::image::{Members, TableImage};
use zerocopy::{Immutable, IntoBytes};

use super::hash::Hash;

/// Rows of a table that no test fills up.
const ROOMY: usize = 4096;
/// The host has been up for a while.
const START: u64 = 1_000_000_000_000;

/// What the datapath counts for one slot.
#[derive(Default)]
struct Counters {
    learned: learn::Learned,
    openings: flow::Opening,
    limit: limit::Limit,
    stats: stats::Stats,
    drops: drops::Drops,
}

/// Tables that behave like the kernel's.
pub struct MemTables {
    image: TableImage,
    flood: BTreeMap<flood::Key, flood::Chunk>,
    counters: BTreeMap<u32, Counters>,
    epoch: epoch::Epoch,
    scratch: UnsafeCell<Scratch>,
    /// The clock.
    pub now: Cell<u64>,
    /// The forwarding database.
    pub fdb: Hash<fdb::Key, fdb::Entry>,
    /// Who has which IP address.
    pub neighbours: Hash<neighbour::Key, neighbour::Neighbour>,
    /// Established IPv4 flows.
    pub flows4: Hash<flow::Key4, flow::Flow>,
    /// Established IPv6 flows.
    pub flows6: Hash<flow::Key6, flow::Flow>,
    /// Half-open IPv4 flows.
    pub opening4: Hash<flow::Key4, flow::Flow>,
    /// Half-open IPv6 flows.
    pub opening6: Hash<flow::Key6, flow::Flow>,
    /// Policies by slot.
    pub policies: Vec<policy::Policy>,
    /// Compiled rules.
    pub rules: Vec<rules::Row>,
    /// What user space was told.
    pub events: RefCell<Vec<Event>>,
    /// What rules decided about.
    pub hits: Hash<hits::Key, hits::Hits>,
    /// Ports of datagrams in fragments.
    pub fragments: Hash<fragment::Key, fragment::Fragment>,
}

impl MemTables {
    /// Tables with the rows of an image.
    pub fn new(image: &TableImage) -> Self {
        let mut tables = Self {
            image: TableImage::default(),
            flood: BTreeMap::new(),
            counters: BTreeMap::from([(0, Counters::default())]),
            epoch: epoch::Epoch::default(),
            scratch: UnsafeCell::default(),
            now: Cell::new(START),
            fdb: Hash::new(ROOMY),
            neighbours: Hash::new(ROOMY),
            flows4: Hash::new(ROOMY),
            flows6: Hash::new(ROOMY),
            opening4: Hash::new(ROOMY),
            opening6: Hash::new(ROOMY),
            policies: Vec::new(),
            rules: Vec::new(),
            events: RefCell::default(),
            hits: Hash::new(ROOMY),
            fragments: Hash::new(ROOMY),
        };
        tables.change(image);
        tables
    }

    /// Replaces what was configured and moves the epoch; what was learned and counted stays.
    pub fn change(&mut self, image: &TableImage) {
        let entry = |ifindex| fdb::Entry { ifindex, flags: fdb::STATIC, seen: Shared::default() };
        self.fdb.retain(|_, entry| !entry.is_static());
        for (key, ifindex) in &image.stations {
            self.fdb.put(key, entry(*ifindex));
        }
        self.neighbours.retain(|_, neighbour| !neighbour.is_static());
        for (key, mac) in &image.neighbours {
            let mac = Shared::new(mac.word().get());
            let row = neighbour::Neighbour { mac, flags: neighbour::STATIC, ..Default::default() };
            self.neighbours.put(key, row);
        }
        for port in image.ports.values() {
            self.counters.entry(port.slot).or_default();
        }
        self.flood = image.flood.iter().map(|(key, members)| (*key, chunk(members))).collect();
        let (rules, heads) = pool(image);
        self.rules = rules;
        let slots = heads.keys().max().map_or(0, |slot| slot + 1);
        let head = |slot| Shared::new(heads.get(&slot).copied().unwrap_or_default().into());
        self.policies = (0..slots).map(|slot| policy::Policy { head: head(slot) }).collect();
        self.image = image.clone();
        self.epoch.configured.add(1);
    }

    /// How many frames were dropped for this reason in this slot.
    pub fn dropped(&self, slot: u32, reason: DropReason) -> u64 {
        self.drops(slot).and_then(|drops| drops.of(reason)).map_or(0, Shared::get)
    }

    /// How many flows there are, established and half-open.
    pub fn flows(&self) -> usize {
        self.flows4.len() + self.flows6.len() + self.opening4.len() + self.opening6.len()
    }

    /// Where a station is believed to be.
    pub fn at(&self, key: fdb::Key) -> Option<u32> {
        self.station(&key).map(|entry| entry.ifindex)
    }

    fn counters<T>(&self, slot: u32, which: fn(&Counters) -> &T) -> Option<&T> {
        self.counters.get(&slot).map(which)
    }
}

/// Members as the kernel has them.
pub fn chunk(members: &Members) -> flood::Chunk {
    let mut chunk = flood::Chunk {
        untagged: u16::try_from(members.untagged.len()).unwrap_or_default(),
        total: u16::try_from(members.untagged.len() + members.tagged.len()).unwrap_or_default(),
        last: members.last,
        ..flood::Chunk::default()
    };
    for (member, ifindex) in chunk.members.iter_mut().zip(members.untagged.iter().chain(&members.tagged)) {
        *member = *ifindex;
    }
    chunk
}

/// The value of the longest prefix that a key is in. As in the kernel, a key is its number of bits in
/// four octets, and then the octets whose bits count.
fn longest<'a, K: IntoBytes + Immutable>(
    routes: &'a BTreeMap<K, u64>,
    key: &K,
    bits: fn(&K) -> u32,
) -> Option<&'a u64> {
    let octets = |key: &K| key.as_bytes()[4..].to_vec();
    let wanted = octets(key);
    let fits = |(row, _): &(&K, &u64)| {
        let prefix = octets(row);
        bits(row) <= bits(key) && (0..bits(row)).all(|at| bit(&prefix, at) == bit(&wanted, at))
    };
    routes.iter().filter(fits).max_by_key(|(row, _)| bits(row)).map(|(_, number)| number)
}

fn bit(octets: &[u8], at: u32) -> bool {
    octets[at as usize / 8] >> (7 - at % 8) & 1 != 0
}

impl Tables for MemTables {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn config(&self) -> Option<&config::Config> {
        Some(&self.image.config)
    }

    fn port(&self, ifindex: u32) -> Option<&port::Port> {
        self.image.ports.get(&ifindex)
    }

    fn station(&self, key: &fdb::Key) -> Option<&fdb::Entry> {
        self.fdb.get(key)
    }

    fn learn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning {
        if self.fdb.get(key).is_some() {
            return Learning::Raced;
        }
        if self.fdb.put(key, entry.clone()) { Learning::Done } else { Learning::Full }
    }

    fn relearn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning {
        if self.fdb.get(key).is_none() {
            return Learning::Raced;
        }
        self.fdb.put(key, entry.clone());
        Learning::Done
    }

    fn learned(&self, slot: u32) -> Option<&learn::Learned> {
        self.counters(slot, |counters| &counters.learned)
    }

    fn forgotten(&self, _slot: u32) -> u64 {
        0
    }

    fn may_send(&self, key: &guard::Key) -> bool {
        self.image.guard.contains(key)
    }

    fn members(&self, key: &flood::Key) -> Option<&flood::Chunk> {
        self.flood.get(key)
    }

    fn epoch(&self) -> Option<&epoch::Epoch> {
        Some(&self.epoch)
    }

    fn gateway(&self, network: u32) -> Option<&gateway::Gateway> {
        self.image.gateways.get(&network)
    }

    fn route4(&self, key: &route::Key4) -> Option<&u64> {
        longest(&self.image.routes.v4, key, |row| row.bits)
    }

    fn route6(&self, key: &route::Key6) -> Option<&u64> {
        longest(&self.image.routes.v6, key, |row| row.bits)
    }

    fn target(&self, number: u64) -> Option<&route::Target> {
        self.image.routes.targets.get(&number)
    }

    fn overlay(&self, key: &overlay::Key) -> Option<&overlay::Entry> {
        self.image.overlay.get(key)
    }

    fn neighbour(&self, key: &neighbour::Key) -> Option<&neighbour::Neighbour> {
        self.neighbours.get(key)
    }

    fn meet(&self, key: &neighbour::Key, neighbour: &neighbour::Neighbour) -> bool {
        self.neighbours.get(key).is_none() && self.neighbours.put(key, neighbour.clone())
    }

    fn flow4(&self, key: &flow::Key4) -> Option<&flow::Flow> {
        self.flows4.get(key)
    }

    fn flow6(&self, key: &flow::Key6) -> Option<&flow::Flow> {
        self.flows6.get(key)
    }

    fn opening4(&self, key: &flow::Key4) -> Option<&flow::Flow> {
        self.opening4.get(key)
    }

    fn opening6(&self, key: &flow::Key6) -> Option<&flow::Flow> {
        self.opening6.get(key)
    }

    fn keep4(&self, key: &flow::Key4, flow: &flow::Flow) -> bool {
        self.flows4.put(key, flow.clone())
    }

    fn keep6(&self, key: &flow::Key6, flow: &flow::Flow) -> bool {
        self.flows6.put(key, flow.clone())
    }

    fn open4(&self, key: &flow::Key4, flow: &flow::Flow) -> bool {
        self.opening4.put(key, flow.clone())
    }

    fn open6(&self, key: &flow::Key6, flow: &flow::Flow) -> bool {
        self.opening6.put(key, flow.clone())
    }

    fn close4(&self, key: &flow::Key4) -> bool {
        self.opening4.remove(key)
    }

    fn close6(&self, key: &flow::Key6) -> bool {
        self.opening6.remove(key)
    }

    fn openings(&self, slot: u32) -> Option<&flow::Opening> {
        self.counters(slot, |counters| &counters.openings)
    }

    fn expired(&self, _slot: u32) -> u64 {
        0
    }

    fn fragment(&self, key: &fragment::Key) -> Option<&fragment::Fragment> {
        self.fragments.get(key)
    }

    fn remember(&self, key: &fragment::Key, fragment: &fragment::Fragment) {
        self.fragments.put(key, fragment.clone());
    }

    fn limit(&self, slot: u32) -> Option<&limit::Limit> {
        self.counters(slot, |counters| &counters.limit)
    }

    fn policy(&self, slot: u32) -> Option<&policy::Policy> {
        self.policies.get(slot as usize)
    }

    fn rules(&self, row: u32) -> Option<&rules::Row> {
        self.rules.get(row as usize)
    }

    fn tell(&self, event: &Event) {
        self.events.borrow_mut().push(*event);
    }

    fn hits(&self, key: &hits::Key) -> Option<&hits::Hits> {
        self.hits.get(key)
    }

    fn first_hit(&self, key: &hits::Key, hits: &hits::Hits) -> bool {
        self.hits.get(key).is_none() && self.hits.put(key, hits.clone())
    }

    fn scratch(&self) -> Option<&mut Scratch> {
        // SAFETY: the table is not `Sync`, so this thread is alone, and a frame uses the memory once
        // at a time, as the trait says.
        Some(unsafe { &mut *self.scratch.get() })
    }

    fn stats(&self, slot: u32) -> Option<&stats::Stats> {
        self.counters(slot, |counters| &counters.stats)
    }

    fn drops(&self, slot: u32) -> Option<&drops::Drops> {
        self.counters(slot, |counters| &counters.drops)
    }
}

/// The rows of all policies, and where each begins, by its slot.
pub fn pool(image: &TableImage) -> (Vec<rules::Row>, BTreeMap<u32, u32>) {
    let (mut rows, mut heads) = (vec![rules::Row::default()], BTreeMap::new());
    for (slot, policy) in &image.policies {
        heads.insert(*slot, u32::try_from(rows.len()).unwrap_or_default());
        rows.extend_from_slice(policy.rows());
    }
    (rows, heads)
}
