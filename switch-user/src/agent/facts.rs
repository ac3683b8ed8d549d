//! What is true of this host: the devices that exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::netlink::{Device, links::Devices};

/// The devices of the host at one moment, found by number and by any of their names.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    devices: Devices,
    names: BTreeMap<String, u32>,
}

impl Facts {
    /// Facts about these devices.
    pub fn new(devices: Devices) -> Self {
        let mut names = BTreeMap::new();
        let aliases = devices.values().filter_map(|device| Some((device.alias.clone()?, device.ifindex)));
        // Backwards, because of devices with the same alias the first one is meant.
        names.extend(aliases.rev());
        for device in devices.values() {
            for name in std::iter::once(&device.name).chain(&device.altnames) {
                names.insert(name.clone(), device.ifindex);
            }
        }
        Self { devices, names }
    }

    /// The device with this name or alternative name; if there is none, the one with this alias.
    pub fn named(&self, name: &str) -> Option<&Arc<Device>> {
        self.names.get(name).and_then(|ifindex| self.devices.get(ifindex))
    }

    /// The device with this number.
    pub fn device(&self, ifindex: u32) -> Option<&Arc<Device>> {
        self.devices.get(&ifindex)
    }

    /// All devices.
    pub fn devices(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.devices.values()
    }

    /// All names, alternative names and aliases.
    pub fn names(&self) -> BTreeSet<String> {
        self.names.keys().cloned().collect()
    }
}

impl FromIterator<Device> for Facts {
    fn from_iter<I: IntoIterator<Item = Device>>(devices: I) -> Self {
        Self::new(devices.into_iter().map(|device| (device.ifindex, Arc::new(device))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_found_by_each_of_its_names() {
        let device =
            Device { ifindex: 4, name: "v1".into(), altnames: vec!["vm-eth0".into()], ..Device::default() };
        let facts: Facts = [device].into_iter().collect();
        assert_eq!(facts.named("v1"), facts.device(4));
        assert_eq!(facts.named("vm-eth0"), facts.device(4));
        assert!(facts.named("v2").is_none());
        assert_eq!(facts.names().len(), 2);
    }

    #[test]
    fn an_alias_counts_where_no_device_has_the_name() {
        let device = |ifindex, name: &str, alias: &str| Device {
            ifindex,
            name: name.into(),
            alias: Some(alias.into()),
            ..Device::default()
        };
        let facts: Facts =
            [device(4, "v1", "web"), device(5, "v2", "web"), device(6, "v3", "v1")].into_iter().collect();
        let found = |name| facts.named(name).map(|device| device.ifindex);
        assert_eq!([found("web"), found("v1"), found("v3")], [Some(4), Some(4), Some(6)]);
    }
}
