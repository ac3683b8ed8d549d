//! Writes an image into the tables.

use anyhow::{Result, bail};
use aya::{
    Ebpf, Pod,
    maps::{
        Array, HashMap, Map,
        lpm_trie::{Key, LpmTrie},
    },
};
use switch_common::{
    addr::Mac,
    table::{config, fdb, flood, gateway, guard, neighbour, overlay, policy, port, route, rules},
};
use switch_user::agent::image::TableImage;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::sim;

/// A row of a table, which the kernel takes octet by octet.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Row<T: Copy>(pub(super) T);

// SAFETY: the rows are made of integers without padding (`IntoBytes` is required where they are
// built), so any octets are a value and none is uninitialised.
unsafe impl<T: Copy + 'static> Pod for Row<T> {}

pub(super) fn row<T: Copy + FromBytes + IntoBytes + Immutable>(value: T) -> Row<T> {
    Row(value)
}

/// The octets of a forwarding entry, which is no `Copy` type because it has a shared cell.
pub(super) type Station = Row<[u64; 2]>;

/// Writes what was configured. What is in the tables of an earlier image and not in this one goes.
pub(super) fn fill(ebpf: &mut Ebpf, image: &TableImage, before: &TableImage) -> Result<()> {
    let mut table: Array<_, Row<config::Config>> = named(ebpf, config::NAME)?.try_into()?;
    table.set(0, row(image.config), 0)?;
    ports(ebpf, image)?;
    policies(ebpf, image, before)?;
    let stations = image.stations.iter().map(|(key, ifindex)| {
        let entry = u64::from(*ifindex) | u64::from(fdb::STATIC) << 32;
        (*key, [entry, 0])
    });
    replace(ebpf, fdb::NAME, before.stations.keys(), stations)?;
    replace(ebpf, guard::NAME, before.guard.iter(), image.guard.iter().map(|key| (*key, 1_u32)))?;
    let members = image.flood.iter().map(|(key, members)| (*key, sim::chunk(members)));
    replace(ebpf, flood::NAME, before.flood.keys(), members)?;
    let gateways = image.gateways.iter().map(|(network, gateway)| (*network, *gateway));
    replace(ebpf, gateway::NAME, before.gateways.keys(), gateways)?;
    let entries = image.overlay.iter().map(|(key, entry)| (*key, *entry));
    replace(ebpf, overlay::NAME, before.overlay.keys(), entries)?;
    let neighbours = image.neighbours.iter().map(|(key, mac)| (*key, known(*mac)));
    replace(ebpf, neighbour::NAME, before.neighbours.keys(), neighbours)?;
    let targets = image.routes.targets.iter().map(|(number, target)| (*number, *target));
    replace(ebpf, route::TARGETS, before.routes.targets.keys(), targets)?;
    let v4 = |key: &route::Key4| Key::new(key.bits, [key.vrf, key.address]);
    trie(
        ebpf,
        route::NAME4,
        before.routes.v4.keys().map(v4),
        image.routes.v4.iter().map(|(key, to)| (v4(key), *to)),
    )?;
    let v6 = |key: &route::Key6| {
        let octets: [u8; 20] = *key.as_bytes().last_chunk().unwrap_or(&[0; 20]);
        Key::new(key.bits, octets)
    };
    trie(
        ebpf,
        route::NAME6,
        before.routes.v6.keys().map(v6),
        image.routes.v6.iter().map(|(key, to)| (v6(key), *to)),
    )
}

/// The row of a neighbour that was configured.
fn known(mac: Mac) -> [u64; 5] {
    [mac.word().get(), neighbour::STATIC, 0, 0, 0]
}

fn ports(ebpf: &mut Ebpf, image: &TableImage) -> Result<()> {
    for (ifindex, port) in &image.ports {
        let [number, _] = port::rows(port.slot);
        let mut table: Array<_, Row<port::Port>> = named(ebpf, port::NAME)?.try_into()?;
        table.set(number, row(*port), 0)?;
        if *ifindex < port::INDEXED {
            let mut table: Array<_, u32> = named(ebpf, port::INDEX)?.try_into()?;
            table.set(*ifindex, number, 0)?;
        } else {
            let mut table: HashMap<_, u32, u32> = named(ebpf, port::FAR)?.try_into()?;
            table.insert(ifindex, number, 0)?;
        }
    }
    Ok(())
}

fn policies(ebpf: &mut Ebpf, image: &TableImage, before: &TableImage) -> Result<()> {
    let (rows, heads) = sim::pool(image);
    let mut table: Array<_, Row<rules::Row>> = named(ebpf, rules::NAME)?.try_into()?;
    for (number, value) in (0..).zip(rows) {
        table.set(number, row(value), 0)?;
    }
    let mut table: Array<_, u64> = named(ebpf, policy::NAME)?.try_into()?;
    for slot in before.policies.keys().chain(heads.keys()) {
        table.set(*slot, u64::from(heads.get(slot).copied().unwrap_or_default()), 0)?;
    }
    Ok(())
}

/// Removes these rows from a hash and puts those into it.
fn replace<'a, K, V>(
    ebpf: &mut Ebpf,
    name: &str,
    old: impl Iterator<Item = &'a K>,
    new: impl Iterator<Item = (K, V)>,
) -> Result<()>
where
    K: Copy + FromBytes + IntoBytes + Immutable + 'static,
    V: Copy + FromBytes + IntoBytes + Immutable + 'static,
{
    let mut table: HashMap<_, Row<K>, Row<V>> = named(ebpf, name)?.try_into()?;
    for key in old {
        table.remove(&row(*key))?;
    }
    for (key, value) in new {
        table.insert(row(key), row(value), 0)?;
    }
    Ok(())
}

/// The same for a trie.
fn trie<K: Pod>(
    ebpf: &mut Ebpf,
    name: &str,
    old: impl Iterator<Item = Key<K>>,
    new: impl Iterator<Item = (Key<K>, u64)>,
) -> Result<()> {
    let mut table: LpmTrie<_, K, u64> = named(ebpf, name)?.try_into()?;
    for key in old {
        table.remove(&key)?;
    }
    for (key, number) in new {
        table.insert(&key, number, 0)?;
    }
    Ok(())
}

pub(super) fn named<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Map> {
    match ebpf.map_mut(name) {
        Some(map) => Ok(map),
        None => bail!("the object has no map {name}"),
    }
}
