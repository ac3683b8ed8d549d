//! VMs, played by namespaces whose device `eth0` has its other end at a host.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::namespace::{Namespace, ip};
use super::server;
use super::topology::{Place, Vlan};
use crate::shell;

/// A VM. When it is dropped its device goes too.
pub(crate) struct Vm {
    namespace: Namespace,
    device: String,
    /// The namespace that plays its host; none for this machine itself.
    host: Option<String>,
}

impl Vm {
    /// The VM of a port on this machine: namespace `dvs-PORT`.
    pub(crate) fn here(place: &Place) -> Result<Self> {
        let device = place.device.clone();
        if Namespace::exists(&place.port) {
            remove(None, &device);
        }
        if Path::new("/sys/class/net").join(&device).exists() {
            bail!("a device {device} exists already; rename or remove it (ip link del {device})");
        }
        let vm = Self { namespace: Namespace::new(&place.port)?, device, host: None };
        vm.build(place, place.addresses.is_empty())?;
        vm.speak(place)?;
        vm.plug()?;
        Ok(vm)
    }

    /// The VM of a port, still to be plugged in at a host: namespace `dvs-PORT-HOST`.
    pub(crate) fn at(place: &Place, host: &str) -> Result<Self> {
        let vm = Self::beside(place, host)?;
        vm.build(place, false)?;
        vm.speak(place)?;
        Ok(vm)
    }

    /// The same, without a word until it is woken, as the copy in which a VM goes on that is moved.
    pub(crate) fn silent(place: &Place, host: &str) -> Result<Self> {
        let vm = Self::beside(place, host)?;
        vm.build(place, true)?;
        Ok(vm)
    }

    /// A silent VM goes on, and asks for somebody, as one that was moved is heard of first.
    pub(crate) fn wake(&self, place: &Place) -> Result<()> {
        self.speak(place)?;
        if let Some(gateway) = place.gateways.first() {
            let ping = ["netns", "exec", self.namespace.name(), "ping", "-c", "1", "-W", "1", gateway];
            // Nobody answers before the port is open.
            shell::succeeds(Command::new("ip").args(ping));
        }
        Ok(())
    }

    fn beside(place: &Place, host: &str) -> Result<Self> {
        let namespace = Namespace::new(&format!("{}-{host}", place.port))?;
        Ok(Self { namespace, device: place.device.clone(), host: Some(format!("dvs-{host}")) })
    }

    /// Its namespace.
    pub(crate) const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn ip(&self, line: &str) -> Result<()> {
        self.namespace.ip(line)
    }

    /// Both ends of its device, of which nobody has heard yet.
    fn build(&self, place: &Place, silent: bool) -> Result<()> {
        self.ip(&format!("link add {} type veth peer name eth0", self.device))?;
        if let Some(mac) = &place.mac {
            self.ip(&format!("link set eth0 address {mac}"))?;
        }
        if silent {
            // Nobody there speaks, not even for IPv6's address configuration.
            self.ip("link set eth0 addrgenmode none")?;
        }
        self.ip("link set eth0 up")
    }

    /// Gives it its addresses, and whatever answers behind them.
    pub(crate) fn speak(&self, place: &Place) -> Result<()> {
        self.add_addresses("eth0", &place.addresses)?;
        for gateway in &place.gateways {
            self.ip(&format!("route add default via {gateway} dev eth0"))?;
        }
        place.vlans.iter().try_for_each(|vlan| self.add_vlan(vlan))?;
        place.serve.iter().try_for_each(|port| server::start(self.namespace.name(), *port))
    }

    fn add_vlan(&self, vlan: &Vlan) -> Result<()> {
        let (device, id) = (format!("eth0.{}", vlan.vlan), vlan.vlan);
        if self.ip(&format!("link add link eth0 name {device} type vlan id {id}")).is_err() {
            let name = self.namespace.name();
            println!("note: {name} gets no {device}, because this kernel has no VLAN devices (8021q)");
            return Ok(());
        }
        self.ip(&format!("link set {device} up"))?;
        self.add_addresses(&device, &vlan.addresses)
    }

    fn add_addresses(&self, device: &str, addresses: &[String]) -> Result<()> {
        // Without duplicate address detection an IPv6 address works at once.
        let add = |address: &String| self.ip(&format!("addr add {address} dev {device} nodad"));
        addresses.iter().try_for_each(add)
    }

    /// It is heard of no more; its device stays at the host.
    pub(crate) fn halt(&self) -> Result<()> {
        self.ip("link set eth0 down")
    }

    /// Its device appears at the host.
    pub(crate) fn plug(&self) -> Result<()> {
        let device = &self.device;
        let here = std::process::id().to_string();
        self.ip(&format!("link set {device} netns {}", self.host.as_ref().unwrap_or(&here)))?;
        ip(&words(self.host.as_deref(), &["link", "set", device, "addrgenmode", "none", "up"]))
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        remove(self.host.as_deref(), &self.device);
    }
}

/// The device goes at once, and not when the kernel has cleaned up the namespace.
fn remove(host: Option<&str>, device: &str) {
    shell::succeeds(Command::new("ip").args(words(host, &["link", "del", device])));
}

/// The words for `ip` at a host.
fn words<'a>(host: Option<&'a str>, line: &[&'a str]) -> Vec<&'a str> {
    host.into_iter().flat_map(|name| ["-n", name]).chain(line.iter().copied()).collect()
}
