//! Empties the tables that the datapath writes.

use anyhow::Result;
use aya::{
    Ebpf,
    maps::{Array, HashMap},
};
use switch_common::table::{
    epoch, fdb,
    flow::{self, Flow},
    fragment, hits, learn, limit,
    neighbour::{self, Neighbour},
    port,
};
use switch_user::agent::image::TableImage;

use super::fill::named;

/// Empties them of what happened with this image: the counters alone go on, of which only the growth counts.
pub(super) fn forget(ebpf: &mut Ebpf, image: &TableImage) -> Result<()> {
    const FLOW: usize = size_of::<Flow>();
    const LIMIT: usize = size_of::<limit::Limit>() / 8;
    clear::<{ size_of::<fdb::Key>() }, { size_of::<fdb::Entry>() }>(ebpf, fdb::NAME)?;
    clear::<{ size_of::<neighbour::Key>() }, { size_of::<Neighbour>() }>(ebpf, neighbour::NAME)?;
    clear::<{ size_of::<flow::Key4>() }, FLOW>(ebpf, flow::NAME4)?;
    clear::<{ size_of::<flow::Key6>() }, FLOW>(ebpf, flow::NAME6)?;
    clear::<{ size_of::<flow::Key4>() }, FLOW>(ebpf, flow::OPENING4)?;
    clear::<{ size_of::<flow::Key6>() }, FLOW>(ebpf, flow::OPENING6)?;
    clear::<{ size_of::<fragment::Key>() }, { size_of::<fragment::Fragment>() }>(ebpf, fragment::NAME)?;
    clear::<{ size_of::<hits::Key>() }, { size_of::<hits::Hits>() }>(ebpf, hits::NAME)?;
    clear::<4, 4>(ebpf, port::FAR)?;
    // When a station moved last: the datapath is quiet about the next one for a while.
    let mut table: Array<_, [u64; 3]> = named(ebpf, epoch::NAME)?.try_into()?;
    let [configured, moved, _] = table.get(&0, 0)?;
    table.set(0, [configured, moved, 0], 0)?;
    for (ifindex, port) in &image.ports {
        for name in [learn::NAME, flow::OPENINGS] {
            Array::<_, [u64; 2]>::try_from(named(ebpf, name)?)?.set(port.slot, [0; 2], 0)?;
        }
        Array::<_, [u64; LIMIT]>::try_from(named(ebpf, limit::NAME)?)?.set(port.slot, [0; LIMIT], 0)?;
        if *ifindex < port::INDEXED {
            Array::<_, u32>::try_from(named(ebpf, port::INDEX)?)?.set(*ifindex, 0, 0)?;
        }
    }
    Ok(())
}

/// Removes all rows.
fn clear<const K: usize, const V: usize>(ebpf: &mut Ebpf, name: &str) -> Result<()> {
    let mut table: HashMap<_, [u8; K], [u8; V]> = named(ebpf, name)?.try_into()?;
    let keys = table.keys().collect::<Result<Vec<_>, _>>()?;
    keys.iter().try_for_each(|key| Ok(table.remove(key)?))
}
