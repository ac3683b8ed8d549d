//! The tables as BPF maps.

use core::ptr;

use aya_ebpf::{
    bindings::{BPF_EXIST, BPF_F_NO_PREALLOC, BPF_NOEXIST},
    helpers::generated::bpf_jiffies64,
    macros::map,
    maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf, lpm_trie::Key as Prefix},
};
use switch_common::{
    MAX_PORTS, event,
    table::{
        config, drops, epoch, fdb, flood, flow, fragment, gateway, guard, hits, learn, limit, names,
        neighbour, overlay, policy, port, route, rules, stats,
    },
};
use switch_ebpf::tables::{Learning, Scratch, Tables};

/// Rights to send that all guarded ports have together.
const MAX_GUARDED: u32 = 262_144;
/// Different ends of routes.
const MAX_TARGETS: u32 = 65_536;
/// Parts of networks: every VLAN in every chunk. Allocated as they come, only by the agent.
const MAX_MEMBERS: u32 = 4095 * flood::MAX_CHUNKS;

#[map(name = "config")]
static CONFIG: Array<config::Config> = Array::with_max_entries(1, 0);
#[map(name = "ports")]
static PORTS: Array<port::Port> = Array::with_max_entries(port::ROWS, 0);
#[map(name = "port_index")]
static PORT_INDEX: Array<u32> = Array::with_max_entries(port::INDEXED, 0);
#[map(name = "port_far")]
static PORT_FAR: HashMap<u32, u32> = HashMap::with_max_entries(MAX_PORTS, BPF_F_NO_PREALLOC);
// Allocated ahead: the datapath itself writes it, and must not need memory for that.
#[map(name = "fdb")]
static FDB: HashMap<fdb::Key, fdb::Entry> = HashMap::with_max_entries(fdb::DEFAULT_CAPACITY, 0);
#[map(name = "guard")]
static GUARD: HashMap<guard::Key, u32> = HashMap::with_max_entries(MAX_GUARDED, BPF_F_NO_PREALLOC);
#[map(name = "flood")]
static FLOOD: HashMap<flood::Key, flood::Chunk> = HashMap::with_max_entries(MAX_MEMBERS, BPF_F_NO_PREALLOC);
#[map(name = "learned")]
static LEARNED: Array<learn::Learned> = Array::with_max_entries(MAX_PORTS, 0);
#[map(name = "forgotten")]
static FORGOTTEN: Array<u64> = Array::with_max_entries(MAX_PORTS, 0);
#[map(name = "stats")]
static STATS: PerCpuArray<stats::Stats> = PerCpuArray::with_max_entries(MAX_PORTS, 0);
#[map(name = "drops")]
static DROPS: PerCpuArray<drops::Drops> = PerCpuArray::with_max_entries(MAX_PORTS, 0);
// Only the agent reads and writes it; it is here to be pinned with the others.
#[map(name = "names")]
static NAMES: Array<names::Name> = Array::with_max_entries(MAX_PORTS, 0);

#[map(name = "epoch")]
static EPOCH: Array<epoch::Epoch> = Array::with_max_entries(1, 0);
#[map(name = "gateways")]
static GATEWAYS: HashMap<u32, gateway::Gateway> = HashMap::with_max_entries(4096, BPF_F_NO_PREALLOC);
#[map(name = "routes4")]
static ROUTES4: LpmTrie<[u32; 2], u64> = LpmTrie::with_max_entries(route::CAPACITY, 0);
#[map(name = "routes6")]
static ROUTES6: LpmTrie<[u32; 5], u64> = LpmTrie::with_max_entries(route::CAPACITY, 0);
#[map(name = "targets")]
static TARGETS: HashMap<u64, route::Target> = HashMap::with_max_entries(MAX_TARGETS, BPF_F_NO_PREALLOC);
#[map(name = "overlay")]
static OVERLAY: HashMap<overlay::Key, overlay::Entry> =
    HashMap::with_max_entries(overlay::CAPACITY, BPF_F_NO_PREALLOC);
// These are written by the datapath, and so allocated ahead.
#[map(name = "neighbours")]
static NEIGHBOURS: HashMap<neighbour::Key, neighbour::Neighbour> =
    HashMap::with_max_entries(neighbour::CAPACITY, 0);
#[map(name = "flows4")]
static FLOWS4: HashMap<flow::Key4, flow::Flow> = HashMap::with_max_entries(flow::DEFAULT_CAPACITY, 0);
#[map(name = "flows6")]
static FLOWS6: HashMap<flow::Key6, flow::Flow> = HashMap::with_max_entries(flow::DEFAULT_CAPACITY, 0);
#[map(name = "opening4")]
static OPENING4: HashMap<flow::Key4, flow::Flow> = HashMap::with_max_entries(flow::OPENING_CAPACITY, 0);
#[map(name = "opening6")]
static OPENING6: HashMap<flow::Key6, flow::Flow> = HashMap::with_max_entries(flow::OPENING_CAPACITY, 0);
#[map(name = "openings")]
static OPENINGS: Array<flow::Opening> = Array::with_max_entries(MAX_PORTS, 0);
#[map(name = "expired")]
static EXPIRED: Array<u64> = Array::with_max_entries(MAX_PORTS, 0);
#[map(name = "fragments")]
static FRAGMENTS: LruHashMap<fragment::Key, fragment::Fragment> =
    LruHashMap::with_max_entries(fragment::CAPACITY, 0);
#[map(name = "limits")]
static LIMITS: Array<limit::Limit> = Array::with_max_entries(MAX_PORTS, 0);
#[map(name = "hits")]
static HITS: HashMap<hits::Key, hits::Hits> = HashMap::with_max_entries(hits::DEFAULT_CAPACITY, 0);
#[map(name = "policies")]
static POLICIES: Array<policy::Policy> = Array::with_max_entries(MAX_PORTS, 0);
#[map(name = "rules")]
static RULES: Array<rules::Row> = Array::with_max_entries(rules::DEFAULT_CAPACITY, 0);
#[map(name = "events")]
static EVENTS: RingBuf = RingBuf::with_byte_size(event::CAPACITY, 0);
#[map(name = "scratch")]
static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// The maps above. Has no state of its own: programs name the maps directly.
pub(super) struct Maps;

impl Tables for Maps {
    #[inline(always)]
    fn now(&self) -> u64 {
        match CONFIG.get(0) {
            // SAFETY: the helper has no preconditions; the kernel makes it a load of the counter.
            Some(config) => config.time(unsafe { bpf_jiffies64() }),
            None => 0,
        }
    }

    #[inline(always)]
    fn config(&self) -> Option<&config::Config> {
        CONFIG.get(0)
    }

    #[inline(always)]
    fn port(&self, ifindex: u32) -> Option<&port::Port> {
        let row = match PORT_INDEX.get(ifindex) {
            Some(row) => *row,
            None => far(ifindex),
        };
        if row == 0 { None } else { PORTS.get(row) }
    }

    #[inline(always)]
    fn station(&self, key: &fdb::Key) -> Option<&fdb::Entry> {
        // SAFETY: rows are replaced whole and hold only integers: a reused row is a wrong place at
        // worst, for the one frame that raced with the change. What changes in place is a `Shared` cell.
        unsafe { FDB.get(key) }
    }

    #[inline(always)]
    fn learn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning {
        const EXISTS: i32 = -17;
        match FDB.insert(key, entry, BPF_NOEXIST.into()) {
            Ok(()) => Learning::Done,
            Err(EXISTS) => Learning::Raced,
            Err(_) => Learning::Full,
        }
    }

    #[inline(always)]
    fn relearn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning {
        match FDB.insert(key, entry, BPF_EXIST.into()) {
            Ok(()) => Learning::Done,
            Err(_) => Learning::Raced,
        }
    }

    #[inline(always)]
    fn learned(&self, slot: u32) -> Option<&learn::Learned> {
        LEARNED.get(slot)
    }

    #[inline(always)]
    fn forgotten(&self, slot: u32) -> u64 {
        match FORGOTTEN.get(slot) {
            Some(count) => *count,
            None => 0,
        }
    }

    #[inline(always)]
    fn may_send(&self, key: &guard::Key) -> bool {
        GUARD.get_ptr(key).is_some()
    }

    #[inline(always)]
    fn members(&self, key: &flood::Key) -> Option<&flood::Chunk> {
        // SAFETY: without pre-allocation a replaced row lives until its readers are gone.
        unsafe { FLOOD.get(key) }
    }

    #[inline(always)]
    fn epoch(&self) -> Option<&epoch::Epoch> {
        EPOCH.get(0)
    }

    #[inline(always)]
    fn gateway(&self, network: u32) -> Option<&gateway::Gateway> {
        // SAFETY: without pre-allocation a replaced row lives until its readers are gone.
        unsafe { GATEWAYS.get(network) }
    }

    #[inline(always)]
    fn route4(&self, key: &route::Key4) -> Option<&u64> {
        // SAFETY: both are a number of bits and then eight octets, and all octets are keys.
        ROUTES4.get(unsafe { &*ptr::from_ref(key).cast::<Prefix<[u32; 2]>>() })
    }

    #[inline(always)]
    fn route6(&self, key: &route::Key6) -> Option<&u64> {
        // SAFETY: both are a number of bits and then twenty octets, and all octets are keys.
        ROUTES6.get(unsafe { &*ptr::from_ref(key).cast::<Prefix<[u32; 5]>>() })
    }

    #[inline(always)]
    fn target(&self, number: u64) -> Option<&route::Target> {
        // SAFETY: rows are never changed, and one that is removed lives until its readers are gone.
        unsafe { TARGETS.get(number) }
    }

    #[inline(always)]
    fn overlay(&self, key: &overlay::Key) -> Option<&overlay::Entry> {
        // SAFETY: without pre-allocation a replaced row lives until its readers are gone.
        unsafe { OVERLAY.get(key) }
    }

    #[inline(always)]
    fn neighbour(&self, key: &neighbour::Key) -> Option<&neighbour::Neighbour> {
        // SAFETY: as for stations.
        unsafe { NEIGHBOURS.get(key) }
    }

    #[inline(always)]
    fn meet(&self, key: &neighbour::Key, neighbour: &neighbour::Neighbour) -> bool {
        NEIGHBOURS.insert(key, neighbour, BPF_NOEXIST.into()).is_ok()
    }

    #[inline(always)]
    fn flow4(&self, key: &flow::Key4) -> Option<&flow::Flow> {
        // SAFETY: as for stations.
        unsafe { FLOWS4.get(key) }
    }

    #[inline(always)]
    fn flow6(&self, key: &flow::Key6) -> Option<&flow::Flow> {
        // SAFETY: as for stations.
        unsafe { FLOWS6.get(key) }
    }

    #[inline(always)]
    fn opening4(&self, key: &flow::Key4) -> Option<&flow::Flow> {
        // SAFETY: as for stations.
        unsafe { OPENING4.get(key) }
    }

    #[inline(always)]
    fn opening6(&self, key: &flow::Key6) -> Option<&flow::Flow> {
        // SAFETY: as for stations.
        unsafe { OPENING6.get(key) }
    }

    #[inline(always)]
    fn keep4(&self, key: &flow::Key4, flow: &flow::Flow) -> bool {
        FLOWS4.insert(key, flow, 0).is_ok()
    }

    #[inline(always)]
    fn keep6(&self, key: &flow::Key6, flow: &flow::Flow) -> bool {
        FLOWS6.insert(key, flow, 0).is_ok()
    }

    #[inline(always)]
    fn open4(&self, key: &flow::Key4, flow: &flow::Flow) -> bool {
        OPENING4.insert(key, flow, 0).is_ok()
    }

    #[inline(always)]
    fn open6(&self, key: &flow::Key6, flow: &flow::Flow) -> bool {
        OPENING6.insert(key, flow, 0).is_ok()
    }

    #[inline(always)]
    fn close4(&self, key: &flow::Key4) -> bool {
        OPENING4.remove(key).is_ok()
    }

    #[inline(always)]
    fn close6(&self, key: &flow::Key6) -> bool {
        OPENING6.remove(key).is_ok()
    }

    #[inline(always)]
    fn openings(&self, slot: u32) -> Option<&flow::Opening> {
        OPENINGS.get(slot)
    }

    #[inline(always)]
    fn expired(&self, slot: u32) -> u64 {
        match EXPIRED.get(slot) {
            Some(count) => *count,
            None => 0,
        }
    }

    #[inline(always)]
    fn fragment(&self, key: &fragment::Key) -> Option<&fragment::Fragment> {
        // SAFETY: as for stations.
        unsafe { FRAGMENTS.get(key) }
    }

    #[inline(always)]
    fn remember(&self, key: &fragment::Key, fragment: &fragment::Fragment) {
        // Without room the later fragments go their way without their ports.
        FRAGMENTS.insert(key, fragment, 0).unwrap_or_default();
    }

    #[inline(always)]
    fn limit(&self, slot: u32) -> Option<&limit::Limit> {
        LIMITS.get(slot)
    }

    #[inline(always)]
    fn policy(&self, slot: u32) -> Option<&policy::Policy> {
        POLICIES.get(slot)
    }

    #[inline(always)]
    fn rules(&self, row: u32) -> Option<&rules::Row> {
        RULES.get(row)
    }

    #[inline(always)]
    fn hits(&self, key: &hits::Key) -> Option<&hits::Hits> {
        // SAFETY: as for stations.
        unsafe { HITS.get(key) }
    }

    #[inline(always)]
    fn first_hit(&self, key: &hits::Key, hits: &hits::Hits) -> bool {
        HITS.insert(key, hits, BPF_NOEXIST.into()).is_ok()
    }

    #[inline(always)]
    fn tell(&self, event: &event::Event) {
        // A ring that nobody empties is full, and then loses the event.
        EVENTS.output::<event::Event>(event, 0).unwrap_or_default();
    }

    #[inline(always)]
    fn scratch(&self) -> Option<&mut Scratch> {
        // SAFETY: the memory is this CPU's, and a program is not interrupted by another one of ours.
        SCRATCH.get_ptr_mut(0).map(|scratch| unsafe { &mut *scratch })
    }

    #[inline(always)]
    fn stats(&self, slot: u32) -> Option<&stats::Stats> {
        STATS.get(slot)
    }

    #[inline(always)]
    fn drops(&self, slot: u32) -> Option<&drops::Drops> {
        DROPS.get(slot)
    }
}

/// The row of a device whose index is beyond the array; 0 for none.
#[inline(always)]
fn far(ifindex: u32) -> u32 {
    // SAFETY: the value is one integer.
    match unsafe { PORT_FAR.get(ifindex) } {
        Some(row) => *row,
        None => 0,
    }
}

/// Keeps the map that no program names in the object.
#[used]
static KEEP: &Array<names::Name> = &NAMES;
