//! Where everything that outlives the agent is pinned: a BPF file system in the state directory.
//!
//! ```text
//! <state>/bpf/v<ABI>/maps/{ports,guard,...,fdb-<size>,flows4-<size>,flows6-<size>,rules-<size>,policies-<size>,hits-<size>}
//! <state>/bpf/v<ABI>/links/<ifindex>-<hook>
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, RwLock},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};
use switch_common::{
    ABI_VERSION,
    table::{config, drops, epoch, fdb, flood, gateway, guard, limit, names, neighbour, overlay, stats},
};

use super::{DataplaneError, Sizes, catalogue::sized, table};
use crate::agent::image::{Hook, Link};

const HOOKS: [(Hook, &str); 3] =
    [(Hook::Tcx, "tcx"), (Hook::XdpNative, "xdp-native"), (Hook::XdpGeneric, "xdp-generic")];

/// The pins of one agent, shared by all who use its tables.
pub struct Home {
    root: PathBuf,
    /// Sizes of the tables in use.
    sizes: RwLock<Sizes>,
    sweeping: Mutex<()>,
    moving: Mutex<()>,
}

impl Home {
    /// The place in a state directory; nothing is touched.
    pub fn new(state: &Path) -> Self {
        Self {
            root: state.join("bpf"),
            sizes: RwLock::default(),
            sweeping: Mutex::default(),
            moving: Mutex::default(),
        }
    }

    /// Mounts the file system if it is not there, and makes the directories.
    pub(super) fn make(&self) -> Result<(), DataplaneError> {
        create(&self.root)?;
        if !self.is_mounted()? {
            let none = None::<&str>;
            mount(Some("bpf"), &self.root, Some("bpf"), MsFlags::empty(), Some("mode=0700"))
                .or_else(|_| mount(Some("bpf"), &self.root, Some("bpf"), MsFlags::empty(), none))
                .map_err(|error| file_error("mount a BPF file system at", &self.root, error.into()))?;
        }
        create(&self.maps())?;
        create(&self.links())
    }

    /// True if a BPF file system is mounted here.
    pub(super) fn is_mounted(&self) -> Result<bool, DataplaneError> {
        match statfs(&self.root) {
            Ok(found) => Ok(found.filesystem_type() == BPF_FS_MAGIC),
            Err(nix::Error::ENOENT) => Ok(false),
            Err(error) => Err(file_error("look at", &self.root, error.into())),
        }
    }

    /// Unmounts the file system, even if somebody still looks at it.
    pub(super) fn unmount(&self) -> Result<(), DataplaneError> {
        umount2(&self.root, MntFlags::MNT_DETACH)
            .map_err(|error| file_error("unmount", &self.root, error.into()))?;
        remove_dir(&self.root)
    }

    pub(super) fn set_sizes(&self, sizes: Sizes) {
        *self.sizes.write().unwrap_or_else(PoisonError::into_inner) = sizes;
    }

    /// Sizes of the tables in use.
    pub(super) fn sizes(&self) -> Sizes {
        *self.sizes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only one at a time may search the forwarding database for what has to go, because it settles
    /// the counts afterwards.
    pub(super) fn sweeping(&self) -> MutexGuard<'_, ()> {
        self.sweeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everything be judged again that was judged before.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub fn advance(&self, epoch: &mut table::epoch::Table) -> Result<(), DataplaneError> {
        let _one_at_a_time = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        epoch.advance()
    }

    fn version(&self) -> PathBuf {
        self.root.join(format!("v{ABI_VERSION}"))
    }

    pub(super) fn maps(&self) -> PathBuf {
        self.version().join("maps")
    }

    fn links(&self) -> PathBuf {
        self.version().join("links")
    }

    /// Pin of a table.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    /// Pin of a table that the configuration sizes, as it is in use.
    pub(super) fn sized(&self, name: &str) -> PathBuf {
        let sizes = sized(self.sizes());
        let size = sizes.iter().find(|sized| sized.name == name).map_or(0, |sized| sized.size);
        self.sized_as(name, size)
    }

    /// Pin of such a table of this size.
    pub(super) fn sized_as(&self, name: &str, size: u32) -> PathBuf {
        self.maps().join(format!("{name}-{size}"))
    }

    /// Pins of such a table of other sizes.
    pub(super) fn others(&self, table: &str) -> Result<Vec<PathBuf>, DataplaneError> {
        let used = self.sized(table);
        let prefix = format!("{table}-");
        let mut pins = list(&self.maps())?;
        pins.retain(|pin| name(pin).starts_with(&prefix) && *pin != used);
        Ok(pins)
    }

    /// Pin of a link; hooks without links have none.
    pub(super) fn link(&self, link: Link) -> PathBuf {
        let hook = HOOKS.iter().find(|(hook, _)| *hook == link.hook).map_or("", |(_, name)| name);
        self.links().join(format!("{}-{hook}", link.ifindex))
    }

    /// All links that are pinned, whether they are alive or not.
    pub(super) fn pinned_links(&self) -> Result<Vec<(Link, PathBuf)>, DataplaneError> {
        let pins = list(&self.links())?;
        Ok(pins.into_iter().filter_map(|pin| Some((link_of(name(&pin))?, pin))).collect())
    }

    /// Pins of all tables, of former versions too.
    pub(super) fn all_tables(&self) -> Result<Vec<PathBuf>, DataplaneError> {
        let mut pins = Vec::new();
        for version in self.versions()? {
            pins.extend(list(&version.join("maps"))?);
        }
        Ok(pins)
    }

    /// Directories of all versions of the contract. The kernel has files of its own beside them.
    pub(super) fn versions(&self) -> Result<Vec<PathBuf>, DataplaneError> {
        let mut versions = list(&self.root)?;
        versions.retain(|path| is_version(name(path)));
        Ok(versions)
    }

    /// Directories of other versions than this one's.
    pub(super) fn other_versions(&self) -> Result<Vec<PathBuf>, DataplaneError> {
        let used = self.version();
        let mut versions = self.versions()?;
        versions.retain(|version| *version != used);
        Ok(versions)
    }

    /// Moves the links of another version here, where they are found to be outdated and replaced.
    pub(super) fn adopt_links(&self, version: &Path) -> Result<(), DataplaneError> {
        for pin in list(&version.join("links"))? {
            let here = self.links().join(name(&pin));
            if !here.exists() {
                fs::rename(&pin, &here).map_err(|error| file_error("move", &pin, error))?;
            }
        }
        Ok(())
    }

    /// Removes a version with all that is in it.
    pub(super) fn remove_version(version: &Path) -> Result<(), DataplaneError> {
        for directory in list(version)? {
            for pin in list(&directory)? {
                remove(&pin)?;
            }
            remove_dir(&directory)?;
        }
        remove_dir(version)
    }

    /// Opens the table of drops.
    ///
    /// # Errors
    /// When it is missing or has another layout.
    pub fn drops(&self) -> Result<table::drops::Table, DataplaneError> {
        table::drops::Table::open(&self.map(drops::NAME))
    }

    /// Opens all tables.
    ///
    /// # Errors
    /// When one is missing or has another layout.
    pub fn tables(&self) -> Result<Tables, DataplaneError> {
        Ok(Tables {
            config: table::config::Table::open(&self.map(config::NAME))?,
            names: table::names::Table::open(&self.map(names::NAME))?,
            ports: table::ports::Table::open(self)?,
            guard: table::guard::Table::open(&self.map(guard::NAME))?,
            flood: table::flood::Table::open(&self.map(flood::NAME))?,
            fdb: table::fdb::Table::open(&self.sized(fdb::NAME))?,
            stats: table::stats::Table::open(&self.map(stats::NAME))?,
            limits: table::limits::Table::open(&self.map(limit::NAME))?,
            drops: self.drops()?,
            learn: table::count::Table::stations(self)?,
            epoch: table::epoch::Table::open(&self.map(epoch::NAME))?,
            gateways: table::gateways::Table::open(&self.map(gateway::NAME))?,
            routes: table::routes::Table::open(self)?,
            neighbours: table::neighbours::Table::open(&self.map(neighbour::NAME))?,
            overlay: table::overlay::Table::open(&self.map(overlay::NAME))?,
            openings: table::count::Table::half_open(self)?,
            rules: table::rules::Table::open(self)?,
            hits: table::hits::Table::open(self)?,
        })
    }
}

/// All tables, opened.
#[expect(missing_docs, reason = "each is documented in its module")]
pub struct Tables {
    pub config: table::config::Table,
    pub names: table::names::Table,
    pub ports: table::ports::Table,
    pub guard: table::guard::Table,
    pub flood: table::flood::Table,
    pub fdb: table::fdb::Table,
    pub stats: table::stats::Table,
    /// What ports' packets may cause.
    pub limits: table::limits::Table,
    pub drops: table::drops::Table,
    pub learn: table::count::Table,
    pub epoch: table::epoch::Table,
    pub gateways: table::gateways::Table,
    pub routes: table::routes::Table,
    pub neighbours: table::neighbours::Table,
    pub overlay: table::overlay::Table,
    pub openings: table::count::Table,
    pub rules: table::rules::Table,
    pub hits: table::hits::Table,
}

fn link_of(name: &str) -> Option<Link> {
    let (ifindex, hook) = name.split_once('-')?;
    let (hook, _) = HOOKS.iter().find(|(_, name)| *name == hook)?;
    Some(Link { ifindex: ifindex.parse().ok()?, hook: *hook })
}

fn is_version(name: &str) -> bool {
    name.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok())
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn create(directory: &Path) -> Result<(), DataplaneError> {
    fs::create_dir_all(directory).map_err(|error| file_error("create", directory, error))
}

/// Entries of a directory, which need not exist, in the order of their names.
fn list(directory: &Path) -> Result<Vec<PathBuf>, DataplaneError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect()),
    };
    let mut entries: Vec<PathBuf> = entries.map_err(|error| file_error("list", directory, error))?;
    entries.sort();
    Ok(entries)
}

/// Removes a pin, which need not exist.
pub(super) fn remove(pin: &Path) -> Result<(), DataplaneError> {
    match fs::remove_file(pin) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file_error("remove", pin, error)),
        _ => Ok(()),
    }
}

fn remove_dir(directory: &Path) -> Result<(), DataplaneError> {
    fs::remove_dir(directory).map_err(|error| file_error("remove", directory, error))
}

pub(super) fn file_error(action: &'static str, path: &Path, source: io::Error) -> DataplaneError {
    DataplaneError::File { action, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_named_after_device_and_hook() {
        let home = Home::new(Path::new("/state"));
        for (hook, _) in HOOKS {
            let link = Link { ifindex: 17, hook };
            assert_eq!(link_of(name(&home.link(link))), Some(link));
        }
        assert_eq!(link_of("17-clsact"), None);
        assert_eq!(link_of("tcx-17"), None);
        assert!(is_version(name(&home.version())));
        assert!(!is_version("maps.debug"));
    }
}
