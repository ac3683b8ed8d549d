//! Other hosts, as far as overlay networks lead to them.
//!
//! Nobody writes this: who makes hosts one switch knows it, and fills it in. On a host alone it is empty.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use switch_common::addr::{Mac, VlanId};

use super::{Attachment, Validated};

/// Where overlay networks lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Address of this host on the underlay, by which others reach it. Without one there are no tunnels.
    pub address: Option<IpAddr>,
    /// Other hosts by name, with their addresses.
    pub hosts: BTreeMap<String, IpAddr>,
    /// Ports there, by name.
    pub ports: BTreeMap<String, RemotePort>,
}

/// An open port of an overlay network at another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePort {
    /// The host.
    pub host: String,
    /// The port's network.
    pub network: String,
    /// Stations that are known to be there.
    pub macs: Vec<Mac>,
    /// Their addresses.
    pub ips: Vec<IpAddr>,
}

impl Validated {
    /// VLANs that are on the wire somewhere, or may be: those of networks, and those on lists.
    pub fn vlans(&self) -> BTreeSet<VlanId> {
        let networks = self.networks.values().filter(|network| network.vni.is_none());
        let mut vlans: BTreeSet<VlanId> = networks.map(|network| network.vlan).collect();
        vlans.extend(self.uplinks.values().flat_map(|uplink| &uplink.vlans));
        for port in self.ports.values() {
            if let Attachment::Trunk { vlans: list, .. } = &port.attachment {
                vlans.extend(list);
            }
        }
        vlans
    }

    /// The overlay networks, with their VNIs.
    pub fn overlays(&self) -> impl Iterator<Item = (&String, u32)> {
        self.networks.iter().filter_map(|(name, network)| Some((name, network.vni?)))
    }
}
