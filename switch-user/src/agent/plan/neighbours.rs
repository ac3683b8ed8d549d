//! Addresses of ports, which are known before anybody asks.

use std::net::{IpAddr, Ipv6Addr};

use switch_common::{
    addr::{Mac, VlanId, ip_words},
    table::neighbour,
};

use super::Planner;
use crate::model::{Attachment, ValidNetwork, ValidPort};

impl Planner<'_> {
    /// Notes who has the addresses of an open port. Only if the port has one MAC address is it known
    /// which one answers for them.
    pub(super) fn neighbours(&mut self, port: &ValidPort) {
        let (&[mac], false) = (port.macs.as_slice(), port.ips.is_empty()) else { return };
        match &port.attachment {
            Attachment::Access { vlan, .. } => self.introduce(*vlan, &port.ips, mac),
            Attachment::Trunk { vlans, .. } => {
                for vlan in vlans {
                    let network = self.networks.get(vlan);
                    let here = |ip: &&IpAddr| network.is_some_and(|network| has(network, **ip));
                    let ips: Vec<IpAddr> = port.ips.iter().filter(here).copied().collect();
                    if !ips.is_empty() {
                        self.introduce(*vlan, &ips, mac);
                    }
                }
            }
        }
    }

    /// Notes that a station has these addresses.
    pub(super) fn introduce(&mut self, vlan: VlanId, ips: &[IpAddr], mac: Mac) {
        let link_local = IpAddr::from(Ipv6Addr::from(mac.link_local()));
        for ip in ips.iter().copied().chain([link_local]) {
            self.plan.image.neighbours.entry(key(vlan, ip)).or_insert(mac);
        }
    }
}

fn key(vlan: VlanId, ip: IpAddr) -> neighbour::Key {
    let family = if ip.is_ipv4() { 4 } else { 6 };
    neighbour::Key { network: vlan.get().into(), family, address: ip_words(ip) }
}

fn has(network: &ValidNetwork, ip: IpAddr) -> bool {
    network.subnets.iter().any(|subnet| subnet.prefix.contains(&ip))
}
