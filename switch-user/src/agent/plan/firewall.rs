//! Firewalls: which policies the rows of ports name, and the policies themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use switch_common::{
    addr::VlanId,
    table::port::{FIREWALL, Port, TRACKED, VLAN_WORDS},
};

use super::Planner;
use crate::{
    agent::{compiled::Compiled, image::Holder},
    classifier::compile,
    model::{RuleAction, ValidPolicy, ValidPort},
};

/// The policies that were compiled last, for as long as they do not change.
#[derive(Default)]
pub struct Cache(BTreeMap<String, (Arc<ValidPolicy>, Arc<Compiled>)>);

impl Cache {
    /// The rows of a policy, compiled if it may be another one than last time.
    fn compiled(&mut self, name: &str, policy: &Arc<ValidPolicy>) -> Arc<Compiled> {
        if let Some((before, compiled)) = self.0.get_mut(name)
            && (Arc::ptr_eq(before, policy) || before == policy)
        {
            // Not the former one, of which all else would be kept in memory.
            before.clone_from(policy);
            return Arc::clone(compiled);
        }
        let compiled = Arc::new(Compiled::new(compile(name, policy)));
        self.0.insert(name.to_owned(), (Arc::clone(policy), Arc::clone(&compiled)));
        compiled
    }

    /// Forgets the policies that have none of these names.
    fn keep(&mut self, used: &BTreeSet<&str>) {
        self.0.retain(|name, _| used.contains(name.as_str()));
    }
}

impl Planner<'_> {
    /// Writes the policies of a port into its row. False if one has no number: the port must not open
    /// without it.
    pub(super) fn policies(&mut self, holder: &Holder, port: &ValidPort, row: &mut Port) -> bool {
        let desired = self.inputs.desired;
        let mut strictest = None;
        for (name, place) in port.policies.iter().zip(&mut row.policies) {
            let slot = self.inputs.slots.get(&Holder::Policy(name.clone())).copied();
            let (Some(slot), Some(policy)) = (slot, desired.policies.get(name)) else {
                let problem = format!("{holder}: there is no slot for policy {name}; remove a port first");
                self.plan.problems.push(problem);
                return false;
            };
            // A switch has fewer slots than the number has values.
            *place = u16::try_from(slot).unwrap_or_default();
            if strictest.is_none_or(|other| strictness(policy.default) > other) {
                strictest = Some(strictness(policy.default));
                row.fallback = *place;
            }
            if !self.plan.image.policies.contains_key(&slot) {
                self.plan.image.policies.insert(slot, self.policies.compiled(name, policy));
            }
            row.flags |= FIREWALL;
        }
        true
    }

    /// Tells all ports whether they share a network with a firewall, and the datapath whether there is one.
    pub(super) fn finish_firewall(&mut self) {
        let image = &mut self.plan.image;
        let used = image.policies.keys().filter_map(|slot| image.names.get(slot)).map(Holder::name);
        self.policies.keep(&used.collect());
        let mut guarded = [0; VLAN_WORDS];
        for row in image.ports.values().filter(|row| row.is(FIREWALL)) {
            image.config.firewalls = 1;
            for (all, own) in guarded.iter_mut().zip(networks(row)) {
                *all |= own;
            }
        }
        for row in image.ports.values_mut() {
            if networks(row).iter().zip(&guarded).any(|(own, all)| own & all != 0) {
                row.flags |= TRACKED;
            }
        }
    }
}

/// The networks of a port, one bit each.
fn networks(row: &Port) -> [u64; VLAN_WORDS] {
    let mut all = Port { vlans: row.vlans, ..Port::default() };
    if VlanId::new(row.pvid).is_some() {
        all.allow(row.pvid);
    }
    all.vlans
}

/// Of the defaults of a port's policies the strictest holds.
const fn strictness(action: RuleAction) -> u8 {
    match action {
        RuleAction::Allow => 0,
        RuleAction::Reject => 1,
        RuleAction::Drop => 2,
    }
}
