//! Uplinks.

use std::collections::BTreeMap;

use super::Check;
use crate::model::{Kind, ObjectId, Reason, Uplink, ValidNetwork, ValidUplink, VlanSet};

impl Check<'_> {
    /// The valid form of an uplink, as far as it is valid.
    pub(super) fn uplink(
        &mut self,
        uplink: &Uplink,
        networks: &BTreeMap<String, ValidNetwork>,
    ) -> ValidUplink {
        let id = ObjectId::new(Kind::Uplink, &uplink.name);
        self.device(&id, "name", &uplink.name);
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

    /// Notes VLANs with two ways out of the host: what one uplink floods would come back by the other.
    pub(super) fn uplink_vlans(&mut self, uplinks: &BTreeMap<String, ValidUplink>) {
        let mut seen: Vec<(&str, &VlanSet)> = Vec::new();
        for (name, uplink) in self.in_order(Kind::Uplink, uplinks) {
            let overlap = seen.iter().find_map(|(other, vlans)| {
                Some((ObjectId::new(Kind::Uplink, *other), *vlans.intersection(&uplink.vlans).next()?))
            });
            if let Some((other, vlan)) = overlap {
                let field = if uplink.native == Some(vlan) { "native" } else { "vlans" };
                let reason = Reason::UplinksOverlap { other, vlan };
                self.refuse(ObjectId::new(Kind::Uplink, name), field, vlan.get(), reason);
            }
            seen.push((name, &uplink.vlans));
        }
    }
}
