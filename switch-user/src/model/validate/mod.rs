//! Whether objects fit together: the only way from [`Desired`] to [`Validated`].
//!
//! First each object is looked at alone and brought into its valid form; then those that are
//! valid are compared with each other. So one run finds everything that is wrong.

mod device;
mod name;
mod port;
mod station;
mod switch;
mod uplink;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use switch_common::{
    MAX_PORTS,
    addr::{GATEWAY_MAC, VlanId},
    table::flow,
};

use super::{Change, Desired, Kind, Network, ObjectId, Problem, Reason, Takes, ValidNetwork, Validated};

/// Proves a configuration consistent.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(desired: &Desired) -> Result<Validated, Vec<Problem>> {
    validate_changes(desired, &[])
}

/// Proves a configuration consistent that came about by these changes: of two objects that do not
/// fit together the one that changed is to blame.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate_changes(desired: &Desired, changes: &[Change]) -> Result<Validated, Vec<Problem>> {
    let blamed = changes.iter().map(|change| (change.kind, change.name.as_str())).collect();
    let mut check = Check { desired, blamed, problems: Vec::new() };
    let (ageing, fdb_capacity) = check.switch();
    let networks = check.networks();
    let uplinks = desired.uplinks.values();
    let uplinks: BTreeMap<_, _> =
        uplinks.map(|uplink| (uplink.name.clone(), check.uplink(uplink, &networks))).collect();
    let ports = desired.ports.values();
    let ports: BTreeMap<_, _> =
        ports.filter_map(|port| Some((port.name.clone(), check.port(port, &networks)?))).collect();
    check.number_of_ports();
    check.devices();
    check.shared_names();
    check.service_tags();
    check.uplink_vlans(&uplinks);
    check.stations(&ports);
    if !check.problems.is_empty() {
        return Err(check.problems);
    }
    let networks = networks.into_iter().map(|(name, vlan)| (name, bridged(vlan))).collect();
    Ok(Validated {
        ageing,
        fdb_capacity,
        flow_capacity: flow::DEFAULT_CAPACITY,
        gateway_mac: GATEWAY_MAC,
        networks,
        routers: BTreeMap::new(),
        ports,
        uplinks,
    })
}

/// A network that no router is in.
const fn bridged(vlan: VlanId) -> ValidNetwork {
    ValidNetwork { vlan, mtu: None, subnets: Vec::new(), router: None, slaac: false, dns: Vec::new() }
}

/// The run of one validation.
struct Check<'a> {
    desired: &'a Desired,
    blamed: BTreeSet<(Kind, &'a str)>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn refuse(&mut self, id: ObjectId, field: &str, value: impl Into<Value>, reason: Reason) {
        self.problems.push(Problem::new(id, field, value.into(), reason));
    }

    /// The objects of a kind in the order in which they are compared: those that changed come last.
    fn in_order<'m, T>(&self, kind: Kind, all: &'m BTreeMap<String, T>) -> Vec<(&'m str, &'m T)> {
        let all = all.iter().map(|(name, object)| (name.as_str(), object));
        let (changed, same): (Vec<_>, Vec<_>) =
            all.partition(|(name, _)| self.blamed.contains(&(kind, *name)));
        [same, changed].concat()
    }

    /// Notes a number that is out of the range of its field.
    fn range(&mut self, id: &ObjectId, field: &str, number: u32, takes: Takes) {
        if !takes.allows(number) {
            self.refuse(id.clone(), field, number, Reason::OutOfRange(takes));
        }
    }

    /// The number as a VLAN identifier, if it is one.
    fn vlan(&mut self, id: &ObjectId, field: &str, number: u32) -> Option<VlanId> {
        self.range(id, field, number, Takes::Vlan);
        u16::try_from(number).ok().and_then(VlanId::new)
    }

    fn networks(&mut self) -> BTreeMap<String, VlanId> {
        let mut owners: BTreeMap<VlanId, &str> = BTreeMap::new();
        let mut valid = BTreeMap::new();
        for (_, network) in self.in_order(Kind::Network, &self.desired.networks) {
            let id = ObjectId::new(Kind::Network, &network.name);
            let Some(vlan) = self.network(&id, network) else { continue };
            match owners.get(&vlan) {
                Some(owner) => {
                    let reason = Reason::VlanTaken(ObjectId::new(Kind::Network, *owner));
                    self.refuse(id, "vlan", network.vlan, reason);
                }
                None => drop(owners.insert(vlan, &network.name)),
            }
            valid.insert(network.name.clone(), vlan);
        }
        valid
    }

    fn network(&mut self, id: &ObjectId, network: &Network) -> Option<VlanId> {
        self.name(id);
        if let Some(mtu) = network.mtu {
            self.range(id, "mtu", mtu, Takes::Mtu);
        }
        self.vlan(id, "vlan", network.vlan)
    }

    fn number_of_ports(&mut self) {
        let number = self.desired.ports.len() + self.desired.uplinks.len();
        if number >= MAX_PORTS as usize {
            self.problems.push(Problem::absent("the switch", "", Reason::TooManyPorts(number)));
        }
    }
}
