//! Hosts.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Check, port::is_unicast};
use crate::model::{Host, Kind, ObjectId, OverlayReason};

impl Check<'_> {
    /// Notes what is wrong with hosts.
    pub(super) fn hosts(&mut self) {
        let mut owners = BTreeMap::new();
        for (_, host) in self.in_order(Kind::Host, &*self.desired.hosts) {
            let id = ObjectId::new(Kind::Host, &host.name);
            self.name(&id);
            self.word_in(&id, "haGroup", &host.ha_group);
            self.labels(&id, &host.label);
            self.underlay(id, host, &mut owners);
        }
    }

    /// Notes an address that tunnels cannot lead to, or lead to another host.
    fn underlay<'a>(&mut self, id: ObjectId, host: &'a Host, owners: &mut BTreeMap<IpAddr, &'a str>) {
        let Some(address) = host.underlay else { return };
        let link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        if !is_unicast(address) || link_local {
            self.refuse(id, "underlay", address.to_string(), OverlayReason::NoEnd);
        } else if let Some(owner) = owners.get(&address) {
            let reason = OverlayReason::AddressTaken(ObjectId::new(Kind::Host, *owner));
            self.refuse(id, "underlay", address.to_string(), reason);
        } else {
            owners.insert(address, &host.name);
        }
    }
}
