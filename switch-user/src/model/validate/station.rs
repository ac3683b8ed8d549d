//! Addresses that two stations of a broadcast domain would share.

use std::collections::BTreeMap;

use switch_common::addr::VlanId;

use super::Check;
use crate::model::{Attachment, Kind, ObjectId, Reason, ValidPort};

impl Check<'_> {
    /// Notes addresses that come twice in a broadcast domain.
    pub(super) fn stations(&mut self, ports: &BTreeMap<String, ValidPort>) {
        let ports = self.in_order(Kind::Port, ports);
        let macs = doubles(&ports, |port| &port.macs);
        for double in macs {
            let Double { id, address, owner, vlan } = double;
            self.refuse(id, "mac", address.to_string(), Reason::MacTaken { owner, vlan });
        }
        let ips = doubles(&ports, |port| &port.ips);
        for double in ips {
            let Double { id, address, owner, vlan } = double;
            self.refuse(id, "ip", address.to_string(), Reason::IpTaken { owner, vlan });
        }
    }
}

/// An address that has an owner already.
struct Double<A> {
    id: ObjectId,
    address: A,
    owner: ObjectId,
    vlan: VlanId,
}

/// Every address compared with those that are spelled alike only: trunks may carry thousands of
/// VLANs, but few stations have the same address.
fn doubles<A: Copy + Ord>(
    ports: &[(&str, &ValidPort)],
    addresses: impl Fn(&ValidPort) -> &[A],
) -> Vec<Double<A>> {
    let mut owners: BTreeMap<A, Vec<(&str, &ValidPort)>> = BTreeMap::new();
    let mut doubles = Vec::new();
    for (name, port) in ports.iter().copied() {
        for address in addresses(port).iter().copied() {
            let others = owners.entry(address).or_default();
            let owner = others.iter().find_map(|(other, known)| Some((other, common_vlan(known, port)?)));
            if let Some((owner, vlan)) = owner {
                let owner = ObjectId::new(Kind::Port, *owner);
                doubles.push(Double { id: ObjectId::new(Kind::Port, name), address, owner, vlan });
            }
            others.push((name, port));
        }
    }
    doubles
}

/// The first VLAN that both ports are in.
fn common_vlan(one: &ValidPort, other: &ValidPort) -> Option<VlanId> {
    use Attachment::{Access, Trunk};
    match (&one.attachment, &other.attachment) {
        (Access { vlan: one, .. }, Access { vlan: other, .. }) => (one == other).then_some(*one),
        (Access { vlan, .. }, Trunk { vlans, .. }) | (Trunk { vlans, .. }, Access { vlan, .. }) => {
            vlans.contains(vlan).then_some(*vlan)
        }
        (Trunk { vlans: one, .. }, Trunk { vlans: other, .. }) => one.intersection(other).next().copied(),
    }
}
