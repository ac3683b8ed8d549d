//! User space's side of the tables: one file a map, each opened by its pin.

pub mod config;
pub mod count;
pub mod drops;
pub mod epoch;
pub mod events;
pub mod fdb;
pub mod flood;
pub mod flows;
pub mod gateways;
pub mod guard;
pub mod hits;
pub mod limits;
pub mod names;
pub mod neighbours;
pub mod overlay;
pub(super) mod pool;
pub mod ports;
pub mod routes;
pub mod rules;
pub mod stats;
mod trie;

use std::{
    marker::PhantomData,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    path::Path,
};

use aya::{
    Pod,
    maps::{Array, HashMap, Map, MapData, MapError, MapType, PerCpuArray, PerCpuValues},
    util::nr_cpus,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use self::trie::Trie;
use super::{DataplaneError, sys};
use crate::report::TableStatus;

/// What a row can be made of.
pub trait Raw: Copy + FromBytes + IntoBytes + Immutable + 'static {}
impl<T: Copy + FromBytes + IntoBytes + Immutable + 'static> Raw for T {}

/// Lets aya take our types, which it does not know.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Row<T>(T);

// SAFETY: the derives of zerocopy prove that the type is plain bytes without padding.
unsafe impl<T: Raw> Pod for Row<T> {}

/// An error of one table.
fn failed(
    table: &'static str,
    action: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> DataplaneError {
    DataplaneError::Table { table, action, source: Box::new(source) }
}

fn open(name: &'static str, pin: &Path) -> Result<MapData, DataplaneError> {
    MapData::from_pin(pin).map_err(|error| failed(name, "open", error))
}

/// A hash from `K` to `V`.
pub(super) struct Hash<K: Raw, V: Raw> {
    name: &'static str,
    map: HashMap<MapData, Row<K>, Row<V>>,
}

impl<K: Raw, V: Raw> Hash<K, V> {
    fn open(name: &'static str, pin: &Path) -> Result<Self, DataplaneError> {
        let data = open(name, pin)?;
        let map = Map::from_map_data(data).and_then(HashMap::try_from);
        Ok(Self { name, map: map.map_err(|error| failed(name, "open", error))? })
    }

    fn get(&self, key: &K) -> Result<Option<V>, DataplaneError> {
        match self.map.get(&Row(*key), 0) {
            Ok(Row(value)) => Ok(Some(value)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(failed(self.name, "read", error)),
        }
    }

    fn set(&mut self, key: &K, value: V) -> Result<(), DataplaneError> {
        match self.map.insert(Row(*key), Row(value), 0) {
            Ok(()) => Ok(()),
            Err(error) if is_full(&error) => {
                Err(DataplaneError::Full { table: self.name, capacity: self.capacity()? })
            }
            Err(error) => Err(failed(self.name, "write", error)),
        }
    }

    fn remove(&mut self, key: &K) -> Result<(), DataplaneError> {
        match self.map.remove(&Row(*key)) {
            Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
            Err(MapError::SyscallError(error)) if error.io_error.raw_os_error() == Some(libc::ENOENT) => {
                Ok(())
            }
            Err(error) => Err(failed(self.name, "write", error)),
        }
    }

    fn scan(&self, visit: impl FnMut(K, V)) -> Result<(), DataplaneError> {
        scan(self.name, self.data(), visit)
    }

    fn is_empty(&self) -> bool {
        self.map.keys().next().is_none()
    }

    fn capacity(&self) -> Result<u32, DataplaneError> {
        let info = self.data().info();
        Ok(info.map_err(|error| failed(self.name, "read", error))?.max_entries())
    }

    fn status(&self) -> Result<TableStatus, DataplaneError> {
        let mut entries = 0;
        self.scan(|_, _| entries += 1)?;
        status(self.name, self.data(), Some(entries))
    }

    fn data(&self) -> &MapData {
        use aya::maps::IterableMap;
        self.map.map()
    }
}

fn is_full(error: &MapError) -> bool {
    let MapError::SyscallError(error) = error else { return false };
    matches!(error.io_error.raw_os_error(), Some(libc::E2BIG | libc::ENOSPC))
}

/// Visits all entries of a map in batches.
fn scan<K: Raw, V: Raw>(
    name: &'static str,
    map: &MapData,
    mut visit: impl FnMut(K, V),
) -> Result<(), DataplaneError> {
    let entries = |keys: &[u8], values: &[u8]| {
        let pairs = keys.chunks_exact(size_of::<K>()).zip(values.chunks_exact(size_of::<V>()));
        for (key, value) in pairs {
            if let (Ok(key), Ok(value)) = (K::read_from_bytes(key), V::read_from_bytes(value)) {
                visit(key, value);
            }
        }
    };
    sys::scan(map.fd().as_fd(), size_of::<K>(), size_of::<V>(), entries)
        .map_err(|error| failed(name, "read", error))
}

/// An array of `V`.
pub(super) struct List<V: Raw> {
    name: &'static str,
    map: Array<MapData, Row<V>>,
}

impl<V: Raw> List<V> {
    fn open(name: &'static str, pin: &Path) -> Result<Self, DataplaneError> {
        let map = Map::from_map_data(open(name, pin)?).and_then(Array::try_from);
        Ok(Self { name, map: map.map_err(|error| failed(name, "open", error))? })
    }

    fn get(&self, index: u32) -> Result<V, DataplaneError> {
        let row = self.map.get(&index, 0);
        row.map(|Row(value)| value).map_err(|error| failed(self.name, "read", error))
    }

    fn set(&mut self, index: u32, value: V) -> Result<(), DataplaneError> {
        self.map.set(index, Row(value), 0).map_err(|error| failed(self.name, "write", error))
    }

    fn scan(&self, visit: impl FnMut(u32, V)) -> Result<(), DataplaneError> {
        scan(self.name, self.data(), visit)
    }

    fn capacity(&self) -> Result<u32, DataplaneError> {
        let info = self.data().info();
        Ok(info.map_err(|error| failed(self.name, "read", error))?.max_entries())
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.data().fd().as_fd()
    }

    fn status(&self) -> Result<TableStatus, DataplaneError> {
        status(self.name, self.data(), None)
    }

    fn data(&self) -> &MapData {
        use aya::maps::IterableMap;
        self.map.map()
    }
}

/// A per-CPU array of `V`.
pub(super) struct CpuList<V: Raw> {
    name: &'static str,
    map: PerCpuArray<MapData, Row<V>>,
    _rows: PhantomData<V>,
}

impl<V: Raw> CpuList<V> {
    fn open(name: &'static str, pin: &Path) -> Result<Self, DataplaneError> {
        let map = Map::from_map_data(open(name, pin)?).and_then(PerCpuArray::try_from);
        Ok(Self { name, map: map.map_err(|error| failed(name, "open", error))?, _rows: PhantomData })
    }

    /// One value a CPU.
    fn get(&self, index: u32) -> Result<Vec<V>, DataplaneError> {
        let values = self.map.get(&index, 0).map_err(|error| failed(self.name, "read", error))?;
        Ok(values.iter().map(|Row(value)| *value).collect())
    }

    fn zero(&mut self, index: u32) -> Result<(), DataplaneError> {
        let cpus = nr_cpus().map_err(|(_, error)| failed(self.name, "write", error))?;
        let zeros = PerCpuValues::try_from(vec![Row(V::new_zeroed()); cpus]);
        let zeros = zeros.map_err(|error| failed(self.name, "write", error))?;
        self.map.set(index, zeros, 0).map_err(|error| failed(self.name, "write", error))
    }

    fn status(&self) -> Result<TableStatus, DataplaneError> {
        use aya::maps::IterableMap;
        status(self.name, self.map.map(), None)
    }
}

/// Size of a table of which the agent does not know more than its name.
pub(super) fn size(name: &'static str, pin: &Path) -> Result<TableStatus, DataplaneError> {
    let map = open(name, pin)?;
    let info = map.info().map_err(|error| failed(name, "read", error))?;
    if matches!(info.map_type(), Ok(MapType::Array | MapType::PerCpuArray | MapType::RingBuf)) {
        return status(name, &map, None);
    }
    let (key_size, value_size) = (info.key_size() as usize, info.value_size() as usize);
    let mut entries = 0;
    let count = |keys: &[u8], _: &[u8]| entries += (keys.len() / key_size) as u64;
    sys::scan(map.fd().as_fd(), key_size, value_size, count).map_err(|error| failed(name, "read", error))?;
    status(name, &map, Some(entries))
}

fn status(name: &'static str, map: &MapData, entries: Option<u64>) -> Result<TableStatus, DataplaneError> {
    let info = map.info().map_err(|error| failed(name, "read", error))?;
    let fd = map.fd().as_fd();
    let bytes = sys::describe(&fd.as_raw_fd(), "memlock").map_err(|error| failed(name, "read", error))?;
    let bytes = bytes.unwrap_or_default().into();
    Ok(TableStatus { name: name.to_owned(), entries, capacity: info.max_entries(), bytes })
}
