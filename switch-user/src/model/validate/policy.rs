//! Policies with their rules, and the ports that they apply to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use switch_common::{
    table::{
        policy::CHAIN,
        rules::{MAX_RULES, MAX_STAGED},
    },
    verdict::Direction,
};

use super::{Check, Scope, rule::Peers};
use crate::{
    classifier,
    model::{
        Firewall, FirewallReason, Kind, Members, ObjectId, Policy, Problem, ValidPolicy, ValidPort, ValidRule,
    },
};

/// Both directions.
const DIRECTIONS: [Direction; 2] = [Direction::In, Direction::Out];

impl<'a> Check<'a> {
    /// All policies.
    pub(super) fn policies(
        &mut self,
        members: &BTreeMap<&'a str, Members<'a>>,
    ) -> BTreeMap<String, Arc<ValidPolicy>> {
        let mut rules = self.rules(members);
        let mut valid = BTreeMap::new();
        let desired = self.desired;
        for policy in desired.policies.values() {
            let rules = rules.remove(policy.name.as_str()).unwrap_or_default();
            valid.insert(policy.name.clone(), Arc::new(self.policy(policy, rules)));
        }
        valid
    }

    /// The rules of all policies, in the order in which they are asked.
    fn rules(&mut self, members: &BTreeMap<&'a str, Members<'a>>) -> BTreeMap<&'a str, Vec<ValidRule>> {
        let (desired, mut peers) = (self.desired, Peers::new(members));
        let mut all: BTreeMap<&str, Vec<ValidRule>> = BTreeMap::new();
        for rule in desired.rules.values() {
            let valid = self.rule(rule, &mut peers);
            all.entry(&rule.policy).or_default().push(valid);
        }
        for rules in all.values_mut() {
            rules.sort_by(|one, other| (one.priority, &one.name).cmp(&(other.priority, &other.name)));
        }
        all
    }

    fn policy(&mut self, policy: &Policy, rules: Vec<ValidRule>) -> ValidPolicy {
        let id = ObjectId::new(Kind::Policy, &policy.name);
        self.name(&id);
        if let Some(group) = &policy.applies_to {
            self.group_reference(&id, "appliesTo", (group, group));
        }
        for direction in DIRECTIONS {
            let of_direction = rules.iter().filter(|rule| rule.direction == direction);
            let (number, staged) = of_direction
                .fold((0, 0), |(number, staged), rule| (number + 1, staged + usize::from(rule.staged)));
            if number > MAX_RULES {
                let reason = FirewallReason::TooManyRules { direction, number };
                self.problems.push(Problem::absent(&id, "", reason.into()));
            }
            if staged > MAX_STAGED {
                let reason = FirewallReason::TooManyStaged { direction, number: staged };
                self.problems.push(Problem::absent(&id, "", reason.into()));
            }
        }
        let Policy { tier, default, log, .. } = *policy;
        ValidPolicy { tier, default, stateful: !policy.stateless, log, rules }
    }

    /// Gives the ports their policies.
    pub(super) fn chains(
        &mut self,
        members: &BTreeMap<&str, Members<'_>>,
        ports: &mut BTreeMap<String, ValidPort>,
    ) {
        let mut policies: Vec<&Policy> = self.desired.policies.values().collect();
        policies.sort_by_key(|policy| policy.tier);
        for policy in policies {
            let group = policy.applies_to.as_deref().and_then(|group| members.get(group));
            let members = group.into_iter().flat_map(|group| &group.ports);
            for member in members.filter(|port| port.firewall == Firewall::On) {
                if let Some(port) = ports.get_mut(&member.name) {
                    port.policies.push(policy.name.clone());
                }
            }
        }
        for (name, port) in ports.iter().filter(|(_, port)| port.policies.len() > CHAIN) {
            let reason = FirewallReason::TooManyPolicies(port.policies.clone());
            self.problems.push(Problem::absent(ObjectId::new(Kind::Port, name), "", reason.into()));
        }
    }

    /// Notes names that the datapath could not tell apart.
    pub(super) fn numbers(&mut self) {
        let policies = self.desired.policies.keys().flat_map(|policy| {
            let id = ObjectId::new(Kind::Policy, policy);
            DIRECTIONS.map(|direction| (classifier::default_id(policy, direction), id.clone()))
        });
        let rules = self.desired.rules.values();
        let rules = rules.map(|rule| (classifier::rule_id(&rule.policy, &rule.name), rule.id()));
        for (id, other) in doubles(policies.chain(rules)) {
            let name = id.key().last().map_or_else(String::new, |(_, name)| name.to_owned());
            self.refuse(id, "name", name, FirewallReason::SameNumber(other));
        }
    }

    /// Notes that the table would not hold all compiled rules. What is not valid cannot be compiled.
    pub(super) fn number_of_rows(&mut self, policies: &BTreeMap<String, Arc<ValidPolicy>>, capacity: u32) {
        if !self.problems.is_empty() || self.scope == Scope::Cluster {
            return;
        }
        let rows = |name, policy| u32::try_from(classifier::compile(name, policy).len()).unwrap_or(u32::MAX);
        let sizes: Vec<(u32, &String)> =
            policies.iter().map(|(name, policy)| (rows(name, policy), name)).collect();
        let Some((largest, name)) = sizes.iter().max().copied() else { return };
        let rows = sizes.into_iter().map(|(rows, _)| rows);
        if !classifier::fits(rows.clone(), largest, capacity) {
            let (rows, name) = (rows.map(u64::from).sum(), name.clone());
            let reason = FirewallReason::TooManyRows { rows, name, largest: largest.into() };
            self.refuse(ObjectId::new(Kind::Switch, ""), "ruleCapacity", capacity, reason);
        }
    }
}

/// Those that have a number which another one has already, with that one.
fn doubles(all: impl Iterator<Item = (u64, ObjectId)>) -> Vec<(ObjectId, ObjectId)> {
    let (mut owners, mut doubles) = (HashMap::new(), Vec::new());
    for (number, id) in all {
        match owners.get(&number) {
            Some(owner) if *owner != id => doubles.push((id, ObjectId::clone(owner))),
            _ => drop(owners.insert(number, id)),
        }
    }
    doubles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_found() {
        let [a, b, c] = ["web/a", "web/b", "db/c"].map(|name| ObjectId::new(Kind::Rule, name));
        let all = [(1, a.clone()), (2, b), (1, c.clone())];
        assert_eq!(doubles(all.into_iter()), [(c, a)]);
        let text = FirewallReason::SameNumber(ObjectId::new(Kind::Rule, "web/a"));
        assert_eq!(
            format!("{text}; {}", text.remedy()),
            "the datapath could not tell it from Rule web/a: their names make the same number; choose another name"
        );
    }
}
