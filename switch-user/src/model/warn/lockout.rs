//! Policies that would shut off the whole switch.

use std::{collections::BTreeMap, fmt};

use crate::model::{RuleAction, Validated};

/// A policy that lets nothing pass and applies to every port of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// Name of the policy.
    pub policy: String,
    /// It has rules, but all are staged.
    pub staged: bool,
    /// What becomes of packets.
    pub default: RuleAction,
    /// Number of ports.
    pub ports: usize,
}

impl fmt::Display for Lockout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = if self.staged { "only staged rules" } else { "no rules" };
        let verb = match self.default {
            RuleAction::Allow => "allows",
            RuleAction::Drop => "drops",
            RuleAction::Reject => "rejects",
        };
        let ports = if self.ports == 1 { "port" } else { "ports" };
        write!(out, "policy {} has {rules} and {verb} everything on {} {ports}", self.policy, self.ports)
    }
}

/// The policies that apply to every port, have no rule that decides, and do not allow by default.
pub fn lockouts(valid: &Validated) -> Vec<Lockout> {
    let mut ports: BTreeMap<&str, usize> = BTreeMap::new();
    for policy in valid.ports.values().flat_map(|port| &port.policies) {
        *ports.entry(policy).or_default() += 1;
    }
    let everywhere = ports.into_iter().filter(|(_, number)| *number == valid.ports.len());
    let found = everywhere.filter_map(|(name, ports)| {
        let policy = valid.policies.get(name)?;
        let decides = policy.rules.iter().any(|rule| !rule.staged);
        let (policy, staged, default) = (name.to_owned(), !policy.rules.is_empty(), policy.default);
        (!decides && default != RuleAction::Allow).then_some(Lockout { policy, staged, default, ports })
    });
    found.collect()
}
