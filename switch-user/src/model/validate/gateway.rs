//! Addresses that a port would share with its gateway.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use switch_common::addr::{Mac, VlanId};

use super::Check;
use crate::model::{Attachment, Kind, ObjectId, RoutingReason, ValidNetwork, ValidPort};

/// Gateway addresses, each with the VLANs that it is one in and the names of their networks.
type Gateways<'a> = BTreeMap<IpAddr, Vec<(VlanId, &'a str)>>;

impl Check<'_> {
    /// Notes ports with an address of their gateway.
    pub(super) fn gateways(
        &mut self,
        ports: &BTreeMap<String, ValidPort>,
        networks: &BTreeMap<String, ValidNetwork>,
        mac: Mac,
    ) {
        let gateways = gateways(networks, mac);
        for (name, port) in ports {
            let id = ObjectId::new(Kind::Port, name);
            for own in port.macs.iter().filter(|own| **own == mac) {
                self.refuse(id.clone(), "mac", own.to_string(), RoutingReason::MacIsGateway);
            }
            for ip in &port.ips {
                let found = gateways.get(ip).into_iter().flatten().find(|(vlan, _)| is_in(port, *vlan));
                if let Some((_, network)) = found {
                    self.shared_with_gateway(&id, *ip, ObjectId::new(Kind::Network, *network));
                }
            }
        }
    }

    /// Of the port and the network, whoever changed is to blame.
    fn shared_with_gateway(&mut self, port: &ObjectId, ip: IpAddr, network: ObjectId) {
        if self.is_blamed(&network) && !self.is_blamed(port) {
            self.refuse(network, "gateway", ip.to_string(), RoutingReason::GatewayTaken(port.clone()));
        } else {
            self.refuse(port.clone(), "ip", ip.to_string(), RoutingReason::IpIsGateway(network));
        }
    }
}

fn gateways(networks: &BTreeMap<String, ValidNetwork>, mac: Mac) -> Gateways<'_> {
    let mut gateways = Gateways::new();
    for (name, network) in networks {
        let mut own: Vec<IpAddr> = network.subnets.iter().filter_map(|subnet| subnet.gateway).collect();
        let ipv6 = network.subnets.iter().any(|subnet| matches!(subnet.prefix, IpNet::V6(_)));
        if network.router.is_some() && ipv6 {
            own.push(mac.link_local().into());
        }
        for address in own {
            gateways.entry(address).or_default().push((network.vlan, name));
        }
    }
    gateways
}

fn is_in(port: &ValidPort, vlan: VlanId) -> bool {
    match &port.attachment {
        Attachment::Access { vlan: own, .. } => *own == vlan,
        Attachment::Trunk { vlans, .. } => vlans.contains(&vlan),
    }
}
