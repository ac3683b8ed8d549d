//! The tables as BPF maps.

use aya_ebpf::{
    bindings::{BPF_EXIST, BPF_F_NO_PREALLOC, BPF_NOEXIST},
    helpers::generated::bpf_jiffies64,
    macros::map,
    maps::{Array, HashMap, PerCpuArray},
};
use switch_common::{
    MAX_PORTS,
    table::{config, drops, fdb, flood, guard, learn, names, port, stats},
};
use switch_ebpf::tables::{Learning, Tables};

/// Rights to send that all guarded ports have together.
const MAX_GUARDED: u32 = 262_144;
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
