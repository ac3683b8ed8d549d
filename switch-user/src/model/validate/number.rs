//! What tells networks apart: VLANs and VNIs, and the numbers of overlay networks inside the switch.

use std::collections::{BTreeMap, BTreeSet};

use switch_common::addr::VlanId;

use super::Check;
use crate::model::{
    Desired, Kind, Network, ObjectId, OverlayReason, Problem, Reason, Takes, ValidNetwork, VlanList,
};

/// Who has which VLAN (none for VNIs) or VNI.
type Owners<'a> = BTreeMap<(Option<VlanId>, Option<u32>), &'a str>;

impl Check<'_> {
    /// Numbers for overlay networks, the highest first: those that are VLANs nowhere. Each host keeps them its own
    /// way; here they only have to be different.
    pub(super) fn free_numbers(&self) -> impl Iterator<Item = VlanId> + use<> {
        let named = named(self.desired);
        (VlanId::MIN.get()..=VlanId::MAX.get())
            .rev()
            .filter_map(VlanId::new)
            .filter(move |vlan| !named.contains(vlan))
    }

    /// The number of a network, if it has one.
    pub(super) fn number(
        &mut self,
        id: &ObjectId,
        network: &Network,
        numbers: &mut impl Iterator<Item = VlanId>,
    ) -> Option<VlanId> {
        match (network.vlan, network.vni) {
            (Some(vlan), None) => self.vlan(id, "vlan", vlan),
            (None, Some(vni)) => {
                self.range(id, "vni", vni, Takes::Vni);
                let number = numbers.next();
                if number.is_none() {
                    self.refuse(id.clone(), "vni", vni, OverlayReason::Crowded);
                }
                number
            }
            (Some(_), Some(vni)) => {
                self.refuse(id.clone(), "vni", vni, OverlayReason::VlanAndVni);
                None
            }
            (None, None) => {
                self.problems.push(Problem::absent(id, "vlan", OverlayReason::NeitherVlanNorVni.into()));
                None
            }
        }
    }

    /// Notes a VLAN or VNI that another network has.
    pub(super) fn unshared<'a>(
        &mut self,
        id: &ObjectId,
        network: &'a Network,
        found: &ValidNetwork,
        owners: &mut Owners<'a>,
    ) {
        let key = if found.vni.is_some() { (None, found.vni) } else { (Some(found.vlan), None) };
        let Some(owner) = owners.get(&key) else {
            owners.insert(key, &network.name);
            return;
        };
        let owner = ObjectId::new(Kind::Network, *owner);
        match network.vni {
            Some(vni) => self.refuse(id.clone(), "vni", vni, OverlayReason::VniTaken(owner)),
            None => self.refuse(id.clone(), "vlan", network.vlan, Reason::VlanTaken(owner)),
        }
    }
}

/// All VLANs that somebody names.
fn named(desired: &Desired) -> BTreeSet<VlanId> {
    let ports = desired.ports.values();
    let uplinks = desired.uplinks.values();
    let lists = ports.clone().filter_map(|port| port.trunk.as_ref());
    let lists = lists.chain(uplinks.clone().filter_map(|uplink| uplink.vlans.as_ref()));
    let natives = ports.filter_map(|port| port.native).chain(uplinks.filter_map(|uplink| uplink.native));
    let numbers = desired.networks.values().filter_map(|network| network.vlan).chain(natives);
    let vlan = |number| u16::try_from(number).ok().and_then(VlanId::new);
    lists.flat_map(VlanList::set).copied().chain(numbers.filter_map(vlan)).collect()
}
