//! Networks that are routed.

use std::{collections::BTreeSet, net::IpAddr};

use switch_common::{
    addr::{IpWords, VlanId, ip_words},
    table::gateway::{Gateway, REVERSE_PATH},
    wire::vlan::{CUSTOMER, SERVICE},
};

use super::Planner;
use crate::{
    agent::image::Holder,
    model::{Attachment, ValidNetwork, ValidRouter},
};

impl Planner<'_> {
    /// Gives every network of a router its side of it.
    pub(super) fn gateways(&mut self) {
        let desired = self.inputs.desired;
        let services: BTreeSet<VlanId> =
            desired.ports.values().filter_map(|port| service(&port.attachment)).collect();
        for (name, router) in &desired.routers {
            let holder = Holder::Router(name.clone());
            let Some(vrf) = self.inputs.slots.get(&holder) else {
                self.plan.problems.push(format!("{holder}: the switch is full; remove a port first"));
                continue;
            };
            let members = desired.networks.values().filter(|network| network.router.as_ref() == Some(name));
            let rows = members.map(|network| {
                let tpid = if services.contains(&network.vlan) { SERVICE } else { CUSTOMER };
                (network.vlan.get().into(), gateway(network, router, *vrf, tpid))
            });
            self.plan.image.gateways.extend(rows);
        }
    }
}

/// The VLAN of a port whose network has service tags.
fn service(attachment: &Attachment) -> Option<VlanId> {
    match attachment {
        Attachment::Access { vlan, qinq: true } => Some(*vlan),
        Attachment::Access { .. } | Attachment::Trunk { .. } => None,
    }
}

fn gateway(network: &ValidNetwork, router: &ValidRouter, vrf: u32, tpid: u16) -> Gateway {
    Gateway {
        vrf,
        mtu: network.mtu.unwrap_or(u32::MAX),
        tpid,
        flags: if router.reverse_path { REVERSE_PATH } else { 0 },
        reserved: 0,
        ipv4: first(network, IpAddr::is_ipv4),
        ipv6: first(network, IpAddr::is_ipv6),
    }
}

/// The first gateway address of a family.
fn first(network: &ValidNetwork, family: fn(&IpAddr) -> bool) -> IpWords {
    let mut gateways = network.subnets.iter().filter_map(|subnet| subnet.gateway);
    gateways.find(family).map(ip_words).unwrap_or_default()
}
