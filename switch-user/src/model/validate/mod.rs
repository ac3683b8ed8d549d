//! Whether objects fit together: the only way from [`Desired`] to [`Validated`].
//!
//! First each object is looked at alone and brought into its valid form; then those that are
//! valid are compared with each other. So one run finds everything that is wrong.

mod device;
mod gateway;
mod group;
mod host;
mod name;
mod network;
mod number;
mod part;
mod policy;
mod port;
mod prefixes;
mod route;
mod router;
mod rule;
mod station;
mod switch;
mod uplink;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

pub use part::validate_part;
use serde_json::Value;
use switch_common::{MAX_PORTS, addr::VlanId};

use super::{
    Change, Desired, Kind, ObjectId, Problem, Reason, Takes, ValidPolicy, ValidPort, Validated, members,
    overlay::Overlay,
};

/// Names that an error proposes.
const PROPOSED: usize = 10;

/// Proves a configuration consistent.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate(desired: &Desired) -> Result<Validated, Vec<Problem>> {
    validate_changes(desired, &[])
}

/// How much of a configuration a host holds: its tables have limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Host,
    /// A part of it, as each of many hosts does; what fits into one is seen where ports are claimed.
    Cluster,
    /// All of it, but of the ports only so many.
    View {
        /// Ports that the host has.
        ports: usize,
    },
}

/// Proves a configuration consistent that came about by these changes: of two objects that do not
/// fit together the one that changed is to blame.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate_changes(desired: &Desired, changes: &[Change]) -> Result<Validated, Vec<Problem>> {
    validate_as(desired, changes, Scope::Host)
}

/// Proves a configuration consistent that came about by these changes and of which a host holds so much.
///
/// # Errors
/// Everything that is wrong with it.
pub fn validate_as(desired: &Desired, changes: &[Change], scope: Scope) -> Result<Validated, Vec<Problem>> {
    let blamed = changes.iter().map(|change| (change.kind, change.name.as_str())).collect();
    let mut check = Check { desired, blamed, scope, problems: Vec::new() };
    let switch = check.switch();
    let mut routers = check.routers();
    let networks = check.networks();
    check.hosts();
    let uplinks = desired.uplinks.values();
    let uplinks: BTreeMap<_, _> =
        uplinks.map(|uplink| (uplink.name.clone(), check.uplink(uplink, &networks))).collect();
    let ports = desired.ports.values();
    let mut ports: BTreeMap<_, _> =
        ports.filter_map(|port| Some((port.name.clone(), check.port(port, &networks)?))).collect();
    check.number_of_ports();
    check.devices();
    check.shared_names();
    check.service_tags();
    check.uplink_vlans(&uplinks);
    check.stations(&ports);
    let spaces = check.spaces(&networks);
    check.gateways(&ports, &networks, switch.gateway_mac);
    check.routes(&spaces, &mut routers);
    check.number_of_routes(&networks);
    let policies = check.firewall(&mut ports, switch.rule_capacity);
    if !check.problems.is_empty() {
        return Err(check.problems);
    }
    Ok(Validated {
        ageing: (switch.ageing != 0).then(|| Duration::from_secs(switch.ageing.into())),
        fdb_capacity: switch.fdb_capacity,
        flow_capacity: switch.flow_capacity,
        rule_capacity: switch.rule_capacity,
        hit_capacity: switch.hit_capacity,
        gateway_mac: switch.gateway_mac,
        networks,
        routers,
        ports,
        uplinks,
        policies,
        overlay: Overlay::default(),
    })
}

/// The run of one validation.
struct Check<'a> {
    desired: &'a Desired,
    blamed: BTreeSet<(Kind, &'a str)>,
    scope: Scope,
    problems: Vec<Problem>,
}

impl Check<'_> {
    /// Groups, policies and rules; gives the ports the policies that apply to them.
    fn firewall(
        &mut self,
        ports: &mut BTreeMap<String, ValidPort>,
        capacity: u32,
    ) -> BTreeMap<String, Arc<ValidPolicy>> {
        let members = members(self.desired);
        self.groups();
        let policies = self.policies(&members);
        self.chains(&members, ports);
        self.numbers();
        self.number_of_rows(&policies, capacity);
        policies
    }

    fn refuse(&mut self, id: ObjectId, field: &str, value: impl Into<Value>, reason: impl Into<Reason>) {
        self.problems.push(Problem::new(id, field, value.into(), reason.into()));
    }

    /// True for an object that changed.
    fn is_blamed(&self, id: &ObjectId) -> bool {
        self.blamed.contains(&(id.kind, id.name.as_str()))
    }

    /// The objects of a kind in the order in which they are compared: those that changed come last.
    fn in_order<'m, T>(
        &self,
        kind: Kind,
        all: impl IntoIterator<Item = (&'m String, &'m T)>,
    ) -> Vec<(&'m str, &'m T)> {
        let all = all.into_iter().map(|(name, object)| (name.as_str(), object));
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

    fn number_of_ports(&mut self) {
        let Desired { ports, uplinks, routers, policies, networks, hosts, .. } = self.desired;
        let ports = match self.scope {
            Scope::Host => ports.len(),
            Scope::View { ports } => ports,
            Scope::Cluster => return,
        };
        let overlays = networks.values().filter(|network| network.vni.is_some()).count();
        // One is this host itself.
        let hosts = hosts.values().filter(|host| host.underlay.is_some()).count().saturating_sub(1);
        let hosts = if overlays > 0 { hosts } else { 0 };
        let number = ports + uplinks.len() + routers.len() + policies.len() + overlays + hosts;
        if number >= MAX_PORTS as usize {
            self.problems.push(Problem::absent("the switch", "", Reason::TooManyPorts(number)));
        }
    }
}
