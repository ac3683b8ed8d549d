//! Overlay networks: other hosts as ports, and what stands for both on the underlay.

use std::{collections::BTreeMap, net::IpAddr};

use switch_common::table::{
    fdb,
    overlay::{self, Address, Entry, Key},
    port::{self, Port},
};

use super::Planner;
use crate::{
    agent::image::{Holder, Hook, Link, Setting},
    model::{ValidNetwork, overlay::RemotePort},
};

/// Octets that a tunnel adds to an inner packet: Ethernet, VXLAN, UDP and IP.
const OVERHEAD4: u32 = 14 + 8 + 8 + 20;
const OVERHEAD6: u32 = 14 + 8 + 8 + 40;

/// This host's side of the underlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Underlay {
    /// Address by which other hosts reach this one.
    pub address: IpAddr,
    /// Number of the device whose frames are in tunnels.
    pub device: u32,
    /// Largest layer-3 packet that a tunnel carries.
    pub mtu: u32,
}

impl Underlay {
    /// The underlay behind a device with this MTU that has the address.
    pub const fn new(address: IpAddr, device: u32, mtu: u32) -> Self {
        let overhead = if address.is_ipv4() { OVERHEAD4 } else { OVERHEAD6 };
        Self { address, device, mtu: mtu.saturating_sub(overhead) }
    }
}

impl Planner<'_> {
    pub(super) fn overlay(&mut self) {
        let Some(underlay) = self.inputs.underlay else { return };
        let config = &mut self.plan.image.config;
        config.tunnels = underlay.device.into();
        config.underlay = if underlay.address.is_ipv4() { 4 } else { 6 };
        config.address = address(underlay.address);
        self.plan.image.links.insert(Link { ifindex: underlay.device, hook: self.inputs.tc });
        if self.inputs.tc == Hook::Clsact {
            self.plan.image.settings.insert((underlay.device, Setting::Clsact));
        }
        for network in self.inputs.desired.networks.values() {
            let Some(vni) = network.vni else { continue };
            let number = network.vlan.get();
            self.stand_for(Key::vni_of(number), Entry::number(vni));
            self.stand_for(Key::network_of(vni), Entry::number(number.into()));
        }
        let desired = self.inputs.desired;
        let rows: BTreeMap<&str, Port> = desired
            .overlay
            .hosts
            .iter()
            .filter_map(|(name, address)| Some((name.as_str(), self.host(name, *address, &underlay)?)))
            .collect();
        for remote in desired.overlay.ports.values() {
            let network = desired.networks.get(&remote.network).filter(|network| network.vni.is_some());
            if let (Some(row), Some(network)) = (rows.get(remote.host.as_str()), network) {
                self.remote_port(remote, network, row);
            }
        }
    }

    fn stand_for(&mut self, key: Key, entry: Entry) {
        self.plan.image.overlay.insert(key, entry);
    }

    /// The row of another host. It takes frames of every overlay network: its router may send into one in which
    /// it has no port.
    fn host(&mut self, name: &str, remote: IpAddr, underlay: &Underlay) -> Option<Port> {
        let holder = Holder::Host(name.to_owned());
        if remote.is_ipv4() != underlay.address.is_ipv4() {
            let own = underlay.address;
            self.plan.problems.push(format!(
                "{holder}: its underlay address {remote} is of another family than {own}, which this host has; give \
                 all hosts addresses of one"
            ));
            return None;
        }
        let Some(slot) = self.inputs.slots.get(&holder).copied() else {
            self.plan.problems.push(format!("{holder}: the switch is full; remove a port first"));
            return None;
        };
        let number = overlay::host(slot);
        let flags = port::UP | port::UPLINK | port::TRUNK | port::TUNNEL;
        let mut row = Port {
            ifindex: number,
            slot,
            mtu: underlay.mtu,
            learn_limit: u32::MAX,
            flags,
            ..Port::default()
        };
        let overlays = self.inputs.desired.networks.values().filter(|network| network.vni.is_some());
        overlays.for_each(|network| row.allow(network.vlan.get()));
        self.stand_for(Key::address_of(number), Entry::address(address(remote)));
        self.stand_for(Key::number_of(address(remote)), Entry::number(number));
        self.plan.image.ports.insert(number, row);
        self.plan.hosts.insert(name.to_owned(), slot);
        Some(row)
    }

    /// What is known of a port at another host.
    fn remote_port(&mut self, remote: &RemotePort, network: &ValidNetwork, row: &Port) {
        self.join(network.vlan, row, false);
        for mac in &remote.macs {
            let key = fdb::Key::new(network.vlan.get(), *mac);
            self.plan.image.stations.entry(key).or_insert(row.ifindex);
        }
        if let (&[mac], false) = (remote.macs.as_slice(), remote.ips.is_empty()) {
            self.introduce(network.vlan, &remote.ips, mac);
        }
    }
}

const fn address(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(v4) => overlay::ipv4(v4.octets()),
        IpAddr::V6(v6) => overlay::ipv6(v6.octets()),
    }
}
