//! Settings of devices that we changed: remembered, so that exactly these are undone.
//!
//! The asymmetry of failure decides: to leave a setting behind is untidy, to undo somebody else's
//! breaks his network. So a change is written down before it is made, and only a setting that was
//! found wrong is ever changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Device, NetlinkError, ethtool, qdisc, request, tunnel};

/// A setting that the switch needs in a state of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// Promiscuous mode is on.
    Promisc,
    /// Large receive offload is off.
    NoLro,
    /// Removal of VLAN tags on receive is off.
    InlineVlan,
    /// Removal of service tags (802.1ad) on receive is off.
    InlineServiceVlan,
    /// The device has a clsact qdisc.
    Clsact,
}

/// What makes a record worthless: after a reboot or in another network namespace the numbers mean other devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    boot: String,
    namespace: u64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    place: Place,
    changed: BTreeMap<u32, BTreeSet<Setting>>,
    /// The device for tunnels is ours, or is about to be made.
    #[serde(default)]
    tunnels: bool,
}

/// The settings that we changed.
pub struct Owned {
    path: PathBuf,
    record: Record,
    moved: bool,
}

impl Owned {
    /// Reads the record, which need not exist.
    ///
    /// # Errors
    /// When it exists and cannot be read.
    pub fn open(path: &Path) -> Result<Self, NetlinkError> {
        let failed = |source| record_error("read", path, source);
        let place = here().map_err(failed)?;
        let record: Record = match fs::read(path) {
            // Half a file is what a power cut leaves behind, and after it no setting of ours is left.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Record { place: place.clone(), ..Record::default() }
            }
            Err(error) => return Err(failed(error)),
        };
        let moved = record.place != place;
        let record = if moved { Record { place, ..Record::default() } } else { record };
        Ok(Self { path: path.to_owned(), record, moved })
    }

    /// True if the record is of another boot or network namespace, where nothing can be undone from here.
    pub const fn moved(&self) -> bool {
        self.moved
    }

    /// Begins a record of this place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settle(&mut self) -> Result<(), NetlinkError> {
        self.moved = false;
        self.save()
    }

    /// What we changed, by device.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Setting)> + '_ {
        self.record.changed.iter().flat_map(|(ifindex, settings)| settings.iter().map(|s| (*ifindex, *s)))
    }

    /// Drops what was noted of devices that are gone.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn retain(&mut self, exists: impl Fn(u32) -> bool) -> Result<(), NetlinkError> {
        let before = self.record.changed.len();
        self.record.changed.retain(|ifindex, _| exists(*ifindex));
        if self.record.changed.len() == before { Ok(()) } else { self.save() }
    }

    /// Brings about a setting, unless it is right already.
    ///
    /// # Errors
    /// When the kernel refuses, or the record cannot be written.
    pub fn change(&mut self, device: &Device, setting: Setting) -> Result<(), NetlinkError> {
        if is_right(device, setting)? {
            return Ok(());
        }
        let new = self.record.changed.entry(device.ifindex).or_default().insert(setting);
        if new {
            self.save()?;
        }
        let changed = set(device.ifindex, setting, true);
        if changed.is_err() && new {
            self.forget(device.ifindex, setting)?;
        }
        changed
    }

    /// Takes a change of ours back. A setting that is not ours stays; a device that is gone, or is
    /// going at this moment, has taken its settings with it.
    ///
    /// # Errors
    /// When the kernel refuses, or the record cannot be written.
    pub fn undo(&mut self, ifindex: u32, setting: Setting) -> Result<(), NetlinkError> {
        let ours = self.record.changed.get(&ifindex).is_some_and(|settings| settings.contains(&setting));
        if !ours {
            return Ok(());
        }
        match set(ifindex, setting, false) {
            Err(NetlinkError::Refused { source, .. }) if source.raw_os_error() == Some(libc::ENODEV) => {}
            undone => undone?,
        }
        self.forget(ifindex, setting)
    }

    /// The number of the device for tunnels, which is made if it is not there.
    ///
    /// # Errors
    /// When somebody else has one of this name, the kernel refuses, or the record cannot be written.
    pub fn tunnels(&mut self, mtu: u32) -> Result<u32, NetlinkError> {
        if let Some((device, fits)) = tunnel::find()? {
            if !self.record.tunnels || !fits {
                return Err(NetlinkError::NotOurs(tunnel::NAME));
            }
            if device.mtu != mtu || !device.up {
                tunnel::prepare(device.ifindex, mtu)?;
            }
            return Ok(device.ifindex);
        }
        self.record.tunnels = true;
        self.save()?;
        if let Err(error) = tunnel::create(mtu) {
            self.record.tunnels = false;
            self.save()?;
            return Err(error);
        }
        let made = tunnel::find()?;
        made.map(|(device, _)| device.ifindex).ok_or(NetlinkError::NotOurs(tunnel::NAME))
    }

    /// Removes the device for tunnels if it is ours.
    ///
    /// # Errors
    /// When the kernel refuses, or the record cannot be written.
    pub fn remove_tunnels(&mut self) -> Result<(), NetlinkError> {
        if !self.record.tunnels {
            return Ok(());
        }
        if let Some((device, true)) = tunnel::find()? {
            tunnel::remove(device.ifindex)?;
        }
        self.record.tunnels = false;
        self.save()
    }

    fn forget(&mut self, ifindex: u32, setting: Setting) -> Result<(), NetlinkError> {
        if let Some(settings) = self.record.changed.get_mut(&ifindex) {
            settings.remove(&setting);
            if settings.is_empty() {
                self.record.changed.remove(&ifindex);
            }
        }
        self.save()
    }

    /// Replaces the file in one step, because the process may be killed at any moment. The disk is
    /// not waited for: a record does not outlive the boot it is of.
    fn save(&self) -> Result<(), NetlinkError> {
        let write = || -> io::Result<()> {
            let aside = self.path.with_extension("json.new");
            fs::write(&aside, serde_json::to_vec_pretty(&self.record)?)?;
            fs::rename(&aside, &self.path)
        };
        write().map_err(|source| record_error("write", &self.path, source))
    }
}

/// How a setting is made.
enum Means {
    /// By the device's flag.
    Flag,
    /// By switching this offload off.
    Offload(&'static str),
    /// By a qdisc.
    Qdisc,
}

impl Setting {
    const fn means(self) -> Means {
        match self {
            Self::Promisc => Means::Flag,
            Self::NoLro => Means::Offload(ethtool::LRO),
            Self::InlineVlan => Means::Offload(ethtool::VLAN),
            Self::InlineServiceVlan => Means::Offload(ethtool::SERVICE_VLAN),
            Self::Clsact => Means::Qdisc,
        }
    }
}

/// True if the setting is as the switch needs it.
///
/// # Errors
/// When the device is gone.
pub fn is_right(device: &Device, setting: Setting) -> Result<bool, NetlinkError> {
    match setting.means() {
        Means::Flag => Ok(device.promisc),
        Means::Qdisc => Ok(qdisc::clsact_devices()?.contains(&device.ifindex)),
        Means::Offload(offload) => {
            let on = ethtool::is_on(device.ifindex, offload);
            on.map(|on| !on).map_err(|source| refused("read", offload, device.ifindex, source))
        }
    }
}

fn set(ifindex: u32, setting: Setting, needed: bool) -> Result<(), NetlinkError> {
    match setting.means() {
        Means::Flag => request::set_promisc(ifindex, needed),
        Means::Qdisc if needed => qdisc::add_clsact(ifindex),
        Means::Qdisc => qdisc::remove_empty_clsact(ifindex).map(drop),
        Means::Offload(offload) => {
            let done = ethtool::switch(ifindex, offload, !needed);
            done.map_err(|source| refused("switch", offload, ifindex, source))
        }
    }
}

fn refused(action: &str, offload: &str, ifindex: u32, source: io::Error) -> NetlinkError {
    NetlinkError::Refused { action: format!("{action} offload {offload} of device {ifindex}"), source }
}

fn record_error(action: &'static str, path: &Path, source: io::Error) -> NetlinkError {
    NetlinkError::Record { action, path: path.display().to_string(), source }
}

fn here() -> io::Result<Place> {
    use std::os::unix::fs::MetadataExt;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::metadata("/proc/thread-self/ns/net")?.ino();
    Ok(Place { boot: boot.trim().to_owned(), namespace })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_another_boot_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("owned.json");
        assert!(!Owned::open(&path).unwrap().moved());
        let text = r#"{"place":{"boot":"another","namespace":1},"changed":{"4":["promisc"]}}"#;
        fs::write(&path, text).unwrap();
        let mut owned = Owned::open(&path).unwrap();
        assert!(owned.moved());
        assert_eq!(owned.iter().count(), 0);
        assert!(Owned::open(&path).unwrap().moved(), "to look does not change anything");
        owned.settle().unwrap();
        assert!(!Owned::open(&path).unwrap().moved());
    }

    #[test]
    fn a_setting_that_is_right_is_not_ours() {
        let directory = tempfile::tempdir().unwrap();
        let mut owned = Owned::open(&directory.path().join("owned.json")).unwrap();
        let device = Device { ifindex: u32::MAX, promisc: true, ..Device::default() };
        owned.change(&device, Setting::Promisc).unwrap();
        assert_eq!(owned.iter().count(), 0);
        owned.undo(device.ifindex, Setting::Promisc).unwrap();
    }

    #[test]
    fn a_change_that_fails_leaves_no_claim() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("owned.json");
        let mut owned = Owned::open(&path).unwrap();
        let gone = Device { ifindex: u32::MAX, ..Device::default() };
        owned.change(&gone, Setting::Promisc).unwrap_err();
        assert_eq!(Owned::open(&path).unwrap().iter().count(), 0);
    }
}
