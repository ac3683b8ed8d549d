//! The names of rules by the numbers that the datapath has for them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use switch_common::verdict::Direction;

use crate::{
    classifier::{default_id, rule_id},
    model::ValidPolicy,
};

/// Policies by name.
pub type Policies = BTreeMap<String, Arc<ValidPolicy>>;

/// What is said instead of the name of a rule if it is a policy's default.
const DEFAULT: &str = "default";

/// A rule, or the default of a policy in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName {
    /// Name of the policy.
    pub policy: String,
    /// Name of the rule; `None` for the default.
    pub rule: Option<String>,
    /// Direction of the packets that it is for.
    pub direction: Direction,
}

impl RuleName {
    /// The name of the rule within its policy, or the word for a default.
    pub fn rule(&self) -> &str {
        self.rule.as_deref().unwrap_or(DEFAULT)
    }

    /// Both names.
    pub fn text(&self) -> String {
        format!("{}/{}", self.policy, self.rule())
    }
}

/// The names of all rules and defaults.
#[derive(Default)]
pub struct RuleNames(HashMap<u64, RuleName>);

impl RuleNames {
    /// The rules and defaults of these policies.
    pub fn new(policies: &Policies) -> Self {
        let mut names = HashMap::new();
        for (policy, content) in policies {
            for rule in &content.rules {
                let name = RuleName {
                    policy: policy.clone(),
                    rule: Some(rule.name.clone()),
                    direction: rule.direction,
                };
                names.insert(rule_id(policy, &rule.name), name);
            }
            for direction in [Direction::In, Direction::Out] {
                let name = RuleName { policy: policy.clone(), rule: None, direction };
                names.insert(default_id(policy, direction), name);
            }
        }
        Self(names)
    }

    /// The rule or default with this number.
    pub fn get(&self, number: u64) -> Option<&RuleName> {
        self.0.get(&number)
    }
}

/// The names of rules for as long as no policy changes.
#[derive(Default)]
pub struct Cache {
    policies: Policies,
    names: RuleNames,
}

impl Cache {
    /// The names of the rules of these policies.
    pub fn names(&mut self, policies: &Policies) -> &RuleNames {
        if self.policies != *policies {
            self.names = RuleNames::new(policies);
        }
        // Not the former ones, which would be kept in memory.
        self.policies.clone_from(policies);
        &self.names
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{RuleAction, Service, ValidRule};

    /// A policy `web` with the rule `https`, for packets towards the VM.
    pub(crate) fn web() -> Policies {
        let rule = ValidRule {
            name: "https".into(),
            priority: 100,
            direction: Direction::In,
            action: RuleAction::Allow,
            peer: None,
            service: Service::Any,
            log: true,
            staged: false,
        };
        let default = RuleAction::Drop;
        let policy = ValidPolicy { tier: 100, default, stateful: true, log: true, rules: vec![rule] };
        [("web".to_owned(), Arc::new(policy))].into()
    }

    #[test]
    fn rules_and_defaults_are_found_by_their_numbers() {
        let names = RuleNames::new(&web());
        let text = |number| names.get(number).map(RuleName::text);
        assert_eq!(text(rule_id("web", "https")), Some("web/https".into()));
        assert_eq!(text(default_id("web", Direction::Out)), Some("web/default".into()));
        assert_eq!(text(rule_id("web", "ssh")), None);
        assert_eq!(
            names.get(default_id("web", Direction::Out)).map(|name| name.direction),
            Some(Direction::Out)
        );
    }

    #[test]
    fn other_policies_have_other_names() {
        let mut cache = Cache::default();
        let number = rule_id("web", "https");
        assert!(cache.names(&web()).get(number).is_some());
        assert!(cache.names(&Policies::new()).get(number).is_none());
    }
}
