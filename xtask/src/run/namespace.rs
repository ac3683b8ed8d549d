//! Network namespaces with a veth pair each; gone when they are dropped.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::server;
use super::topology::{Place, Vlan};
use crate::shell;

/// A namespace of ours.
pub(crate) struct Namespace {
    name: String,
    device: String,
}

impl Namespace {
    /// Makes the namespace behind a port, in place of one that an earlier run left behind.
    pub(crate) fn new(place: &Place) -> Result<Self> {
        let (name, device) = (format!("dvs-{}", place.port), place.device.clone());
        if Path::new("/run/netns").join(&name).exists() {
            remove(&name, &device);
        }
        if Path::new("/sys/class/net").join(&device).exists() {
            bail!("a device {device} exists already; rename or remove it (ip link del {device})");
        }
        let namespace = Self { name, device };
        namespace.populate(place)?;
        Ok(namespace)
    }

    fn populate(&self, place: &Place) -> Result<()> {
        let (name, device) = (self.name.as_str(), self.device.as_str());
        ip(&["netns", "add", name])?;
        ip(&["link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name])?;
        ip(&["link", "set", device, "addrgenmode", "none", "up"])?;
        if let Some(mac) = &place.mac {
            self.ip(&["link", "set", "eth0", "address", mac])?;
        }
        if place.addresses.is_empty() {
            // Nobody there speaks untagged, not even for IPv6's address configuration.
            self.ip(&["link", "set", "eth0", "addrgenmode", "none"])?;
        }
        self.ip(&["link", "set", "lo", "up"])?;
        self.ip(&["link", "set", "eth0", "up"])?;
        self.add_addresses("eth0", &place.addresses)?;
        for gateway in &place.gateways {
            self.ip(&["route", "add", "default", "via", gateway, "dev", "eth0"])?;
        }
        place.vlans.iter().try_for_each(|vlan| self.add_vlan(vlan))?;
        place.serve.iter().try_for_each(|port| server::start(name, *port))
    }

    fn add_vlan(&self, vlan: &Vlan) -> Result<()> {
        let (device, id) = (format!("eth0.{}", vlan.vlan), vlan.vlan.to_string());
        let link = ["link", "add", "link", "eth0", "name", &device, "type", "vlan", "id", &id];
        if self.ip(&link).is_err() {
            println!("note: {} gets no {device}, because this kernel has no VLAN devices (8021q)", self.name);
            return Ok(());
        }
        self.ip(&["link", "set", &device, "up"])?;
        self.add_addresses(&device, &vlan.addresses)
    }

    fn add_addresses(&self, device: &str, addresses: &[String]) -> Result<()> {
        // Without duplicate address detection an IPv6 address works at once.
        addresses.iter().try_for_each(|address| self.ip(&["addr", "add", address, "dev", device, "nodad"]))
    }

    fn ip(&self, arguments: &[&str]) -> Result<()> {
        ip(&[&["-n", self.name.as_str()], arguments].concat())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name, &self.device);
    }
}

/// The device first: it is gone at once then, and not when the kernel has cleaned up the namespace.
fn remove(name: &str, device: &str) {
    shell::succeeds(Command::new("ip").args(["link", "del", device]));
    shell::succeeds(Command::new("ip").args(["netns", "del", name]));
}

fn ip(arguments: &[&str]) -> Result<()> {
    shell::quiet(Command::new("ip").args(arguments)).map(drop)
}
