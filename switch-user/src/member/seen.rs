//! The devices of the host, and which of them have appeared: somebody has just started a VM here. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::netlink::{Device, Kind, links::Devices};

/// Carries no frames of others.
const LOOPBACK: &str = "lo";

/// Devices, with those that were there before.
#[derive(Debug, Default)]
pub(super) struct Seen {
    devices: Devices,
    /// Devices that were there when the agent started, or that a port has had: none of them is a reason to take
    /// a port from another host.
    old: BTreeSet<u32>,
}

impl Seen {
    /// All devices of an agent that has just started.
    pub(super) fn start(devices: Devices) -> Self {
        Self { old: devices.keys().copied().collect(), devices }
    }

    /// Follows the devices.
    pub(super) fn follow(&mut self, devices: Devices) {
        self.devices = devices;
        self.old.retain(|ifindex| self.devices.contains_key(ifindex));
    }

    /// Notes devices of ports: they have done what they appeared for.
    pub(super) fn settle<'a>(&mut self, names: impl IntoIterator<Item = &'a String>) {
        let settled: Vec<u32> =
            names.into_iter().filter_map(|name| self.named(name)).map(|device| device.ifindex).collect();
        self.old.extend(settled);
    }

    /// The device of this name; the first one of this alias if there is none.
    pub(super) fn named(&self, name: &str) -> Option<&Arc<Device>> {
        let of_name =
            |device: &&Arc<Device>| device.name == name || device.altnames.iter().any(|other| other == name);
        let of_alias = |device: &&Arc<Device>| device.alias.as_deref() == Some(name);
        self.devices.values().find(of_name).or_else(|| self.devices.values().find(of_alias))
    }

    /// All devices.
    pub(super) fn all(&self) -> impl Iterator<Item = &Device> {
        self.devices.values().map(|device| &**device)
    }

    /// Devices that could be those of ports, and of which none of these names is one; with whether they appeared.
    pub(super) fn free<'a>(
        &self,
        taken: impl IntoIterator<Item = &'a String>,
    ) -> impl Iterator<Item = (&Arc<Device>, bool)> {
        let taken: BTreeSet<u32> =
            taken.into_iter().filter_map(|name| self.named(name)).map(|device| device.ifindex).collect();
        let free = self.devices.values().filter(move |device| {
            device.kind != Kind::Other && device.name != LOOPBACK && !taken.contains(&device.ifindex)
        });
        free.map(|device| (device, !self.old.contains(&device.ifindex)))
    }
}

/// All names of devices, with whether one of this name appeared.
pub(super) fn names<'a>(devices: impl Iterator<Item = (&'a Arc<Device>, bool)>) -> BTreeMap<String, bool> {
    let mut names = BTreeMap::new();
    for (device, appeared) in devices {
        for name in device.names() {
            *names.entry(name.clone()).or_default() |= appeared;
        }
    }
    names
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Devices of these numbers and names.
    pub(in super::super) fn devices(list: &[(u32, &str)]) -> Devices {
        let device = |&(ifindex, name): &(u32, &str)| {
            (ifindex, Arc::new(Device { ifindex, name: name.into(), ..Device::default() }))
        };
        list.iter().map(device).collect()
    }

    fn free(seen: &Seen) -> BTreeMap<String, bool> {
        names(seen.free(&["v1".to_owned()]))
    }

    #[test]
    fn a_device_appears_once() {
        let mut seen = Seen::start(devices(&[(1, "lo"), (2, "v1"), (3, "v3")]));
        assert_eq!(free(&seen), [("v3".to_owned(), false)].into());
        seen.follow(devices(&[(2, "v1"), (3, "v3"), (4, "v4")]));
        assert_eq!(free(&seen), [("v3".to_owned(), false), ("v4".to_owned(), true)].into());
        seen.settle(&["v4".to_owned()]);
        assert!(!free(&seen)["v4"], "a port has had it");
        seen.follow(devices(&[(3, "v3")]));
        seen.follow(devices(&[(3, "v3"), (4, "v4")]));
        assert!(free(&seen)["v4"], "it was away");
    }

    #[test]
    fn a_device_is_known_by_its_alias_too() {
        let device =
            Device { ifindex: 4, name: "tap4".into(), alias: Some("web".into()), ..Device::default() };
        let seen = Seen::start([(4, Arc::new(device))].into());
        assert_eq!(names(seen.free([])).into_keys().collect::<Vec<_>>(), ["tap4", "web"]);
        assert!(names(seen.free(&["web".to_owned()])).is_empty());
    }
}
