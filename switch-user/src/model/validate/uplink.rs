//! Uplinks.

use std::collections::BTreeMap;

use super::{Check, PROPOSED};
use crate::model::{Kind, ObjectId, Reason, Uplink, ValidNetwork, ValidUplink};

impl Check<'_> {
    /// The valid form of an uplink, as far as it is valid.
    pub(super) fn uplink(
        &mut self,
        uplink: &Uplink,
        networks: &BTreeMap<String, ValidNetwork>,
    ) -> ValidUplink {
        let id = ObjectId::new(Kind::Uplink, &uplink.name);
        self.device(&id, "name", &uplink.name);
        self.host_references(&id, &uplink.hosts);
        let native = uplink.native.and_then(|native| self.vlan(&id, "native", native));
        let mut vlans = match &uplink.vlans {
            Some(list) => list.set().clone(),
            None => networks
                .values()
                .filter(|network| network.vni.is_none())
                .map(|network| network.vlan)
                .collect(),
        };
        vlans.extend(native);
        ValidUplink { vlans, native, xdp: uplink.xdp }
    }

    /// Notes hosts that do not exist.
    fn host_references(&mut self, id: &ObjectId, names: &[String]) {
        let hosts = &self.desired.hosts;
        for name in names.iter().filter(|name| !hosts.contains_key(*name)) {
            let known = hosts.keys().take(PROPOSED).cloned().collect();
            self.refuse(id.clone(), "hosts", name.as_str(), Reason::UnknownHost { known });
        }
    }

    /// Notes VLANs with two ways out of a host: what one uplink floods would come back by the other.
    pub(super) fn uplink_vlans(&mut self, uplinks: &BTreeMap<String, ValidUplink>) {
        let mut seen: Vec<(&str, &ValidUplink)> = Vec::new();
        for (name, uplink) in self.in_order(Kind::Uplink, uplinks) {
            let overlap = seen.iter().filter(|(other, _)| self.share_a_host(name, other));
            let overlap = overlap.copied().find_map(|(other, first)| {
                let vlan = *first.vlans.intersection(&uplink.vlans).next()?;
                Some((ObjectId::new(Kind::Uplink, other), vlan))
            });
            if let Some((other, vlan)) = overlap {
                let field = if uplink.native == Some(vlan) { "native" } else { "vlans" };
                let reason = Reason::UplinksOverlap { other, vlan };
                self.refuse(ObjectId::new(Kind::Uplink, name), field, vlan.get(), reason);
            }
            seen.push((name, uplink));
        }
    }

    /// True if a host may have both uplinks.
    fn share_a_host(&self, one: &str, other: &str) -> bool {
        let hosts = |name| self.desired.uplinks.get(name).map_or(&[][..], |uplink| &uplink.hosts);
        let (one, other) = (hosts(one), hosts(other));
        one.is_empty() || other.is_empty() || one.iter().any(|host| other.contains(host))
    }
}
