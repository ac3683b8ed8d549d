//! Devices and names that two objects would share.

use std::collections::BTreeMap;

use super::{Check, Scope};
use crate::model::{Kind, ObjectId, Reason};

impl Check<'_> {
    /// Notes devices that two objects use. On many hosts many devices have one name.
    pub(super) fn devices(&mut self) {
        if self.scope == Scope::Cluster {
            return;
        }
        let desired = self.desired;
        let mut owners: BTreeMap<&str, ObjectId> = BTreeMap::new();
        let (changed, same): (Vec<_>, Vec<_>) =
            desired.devices().partition(|(_, id, _)| self.blamed.contains(&(id.kind, id.name.as_str())));
        for (device, id, field) in same.into_iter().chain(changed) {
            if let Some(owner) = owners.get(device) {
                self.refuse(id, field, device, Reason::DeviceTaken(owner.clone()));
            } else {
                owners.insert(device, id);
            }
        }
    }

    /// Notes ports with the name of an uplink: statistics and the forwarding database name both alike.
    pub(super) fn shared_names(&mut self) {
        let desired = self.desired;
        for name in desired.ports.keys().filter(|name| desired.uplinks.contains_key(*name)) {
            let reason = Reason::NameTaken(ObjectId::new(Kind::Uplink, name));
            self.refuse(ObjectId::new(Kind::Port, name), "name", name.as_str(), reason);
        }
    }
}
