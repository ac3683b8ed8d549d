//! Ports, each alone.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{Check, PROPOSED};
use crate::model::{
    Admin, Attachment, Kind, ObjectId, Port, Problem, Reason, Takes, ValidNetwork, ValidPort, VlanList,
};

impl Check<'_> {
    /// The valid form of a port; `None` if it is in no network that exists.
    pub(super) fn port(
        &mut self,
        port: &Port,
        networks: &BTreeMap<String, ValidNetwork>,
    ) -> Option<ValidPort> {
        let id = ObjectId::new(Kind::Port, &port.name);
        self.name(&id);
        self.labels(&id, port.label.iter());
        self.range(&id, "learnLimit", port.learn_limit, Takes::LearnLimit);
        if let Some(device) = &port.device {
            self.device(&id, "device", device);
        }
        self.addresses(&id, port);
        let attachment = self.attachment(&id, port, networks)?;
        Some(ValidPort {
            device: port.device.clone(),
            attachment,
            macs: port.mac.clone(),
            ips: port.ip.clone(),
            up: port.admin == Admin::Up,
            standby: false,
            learn_limit: port.learn_limit,
            policies: Vec::new(),
        })
    }

    fn addresses(&mut self, id: &ObjectId, port: &Port) {
        for mac in port.mac.iter().filter(|mac| !mac.is_station()) {
            self.refuse(id.clone(), "mac", mac.to_string(), Reason::NotAStation);
        }
        for ip in port.ip.iter().filter(|ip| !is_unicast(**ip)) {
            self.refuse(id.clone(), "ip", ip.to_string(), Reason::NotUnicast);
        }
    }

    fn attachment(
        &mut self,
        id: &ObjectId,
        port: &Port,
        networks: &BTreeMap<String, ValidNetwork>,
    ) -> Option<Attachment> {
        match (&port.network, &port.trunk) {
            (Some(network), None) => self.access(id, port, network, networks),
            (None, Some(list)) => Some(self.trunk(id, port, list)),
            (Some(_), Some(list)) => {
                self.refuse(id.clone(), "trunk", list.to_string(), Reason::NetworkAndTrunk);
                None
            }
            (None, None) => {
                self.problems.push(Problem::absent(id, "network", Reason::NeitherNetworkNorTrunk));
                None
            }
        }
    }

    fn access(
        &mut self,
        id: &ObjectId,
        port: &Port,
        network: &str,
        networks: &BTreeMap<String, ValidNetwork>,
    ) -> Option<Attachment> {
        if let Some(native) = port.native {
            self.refuse(id.clone(), "native", native, Reason::NativeWithoutTrunk);
        }
        if let Some(ValidNetwork { vlan, .. }) = networks.get(network) {
            return Some(Attachment::Access { vlan: *vlan, qinq: port.qinq });
        }
        // A network that is there but refused has an error of its own.
        if !self.desired.networks.contains_key(network) {
            let known = networks.keys().take(PROPOSED).cloned().collect();
            self.refuse(id.clone(), "network", network, Reason::UnknownNetwork { known });
        }
        None
    }

    fn trunk(&mut self, id: &ObjectId, port: &Port, list: &VlanList) -> Attachment {
        if port.qinq {
            self.refuse(id.clone(), "qinq", true, Reason::QinqOnTrunk);
        }
        let native = port.native.and_then(|native| self.vlan(id, "native", native));
        let mut vlans = list.set().clone();
        vlans.extend(native);
        Attachment::Trunk { vlans, native }
    }

    /// Notes access ports that take their network's tag for another one than the rest does.
    pub(super) fn service_tags(&mut self) {
        let mut first: BTreeMap<&str, &Port> = BTreeMap::new();
        for (_, port) in self.in_order(Kind::Port, self.desired.ports.iter()) {
            let Some(network) = &port.network else { continue };
            let other = *first.entry(network).or_insert(port);
            if other.qinq != port.qinq {
                let reason = Reason::QinqDisagrees(ObjectId::new(Kind::Port, &other.name));
                self.refuse(ObjectId::new(Kind::Port, &port.name), "qinq", port.qinq, reason);
            }
        }
    }
}

/// True for an address that a station can have and send from on a link.
pub(super) fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_unicast_v4(v4),
        IpAddr::V6(v6) => is_unicast_v6(v6),
    }
}

fn is_unicast_v4(ip: Ipv4Addr) -> bool {
    // 0.0.0.0/8 is "this network" (RFC 1122, 3.2.1.3), 240.0.0.0/4 reserved, the broadcast address at its end.
    let [first, ..] = ip.octets();
    !ip.is_loopback() && !ip.is_multicast() && first != 0 && first < 240
}

fn is_unicast_v6(ip: Ipv6Addr) -> bool {
    // An IPv4-mapped address never stands on a wire (RFC 4291, 2.5.5.2).
    !ip.is_loopback() && !ip.is_multicast() && !ip.is_unspecified() && ip.to_ipv4_mapped().is_none()
}
