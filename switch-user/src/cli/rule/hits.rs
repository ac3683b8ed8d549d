//! What rules and defaults decided about, at all ports together.

use std::collections::HashMap;

use serde::Serialize;

use super::super::output::{joined, or_dash, word};
use crate::{
    model::{Document, Object, Policy, Rule, RuleAction, RuleDirection},
    report::RuleHits,
};

/// Headings of the numbers.
pub(super) const HEADINGS: [&str; 3] = ["PACKETS", "BYTES", "LAST"];

/// Both directions.
const DIRECTIONS: [RuleDirection; 2] = [RuleDirection::In, RuleDirection::Out];

/// Policy, rule or `None` for the default, and direction.
type Key = (String, Option<String>, String);

/// The sums by rule and default.
pub(super) struct Hits(HashMap<Key, Sum>);

/// Packets of a rule or default.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Sum {
    packets: u64,
    bytes: u64,
    /// Seconds since the last one.
    last: Option<u64>,
}

/// A rule or default with its packets.
#[derive(Serialize)]
pub(super) struct Counted<'a> {
    #[serde(flatten)]
    pub(super) what: What<'a>,
    pub(super) hits: Sum,
}

/// What decides.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum What<'a> {
    Rule {
        #[serde(skip)]
        rule: &'a Rule,
        #[serde(flatten)]
        document: Box<Document>,
    },
    Default(Fallback<'a>),
}

/// What a policy does if no rule decides, in one direction.
#[derive(Serialize)]
pub(super) struct Fallback<'a> {
    policy: &'a str,
    /// Always true; rules do not have it.
    default: bool,
    direction: RuleDirection,
    action: RuleAction,
    log: bool,
}

impl Hits {
    /// The sums of these rows over their ports.
    pub(super) fn of(rows: Vec<RuleHits>) -> Self {
        let mut sums: HashMap<Key, Sum> = HashMap::new();
        for RuleHits { policy, rule, direction, packets, bytes, last, .. } in rows {
            let sum = sums.entry((policy, rule, direction)).or_default();
            sum.packets += packets;
            sum.bytes += bytes;
            sum.last = sum.last.into_iter().chain(last).min();
        }
        Self(sums)
    }

    fn get(&self, policy: &str, rule: Option<&str>, direction: RuleDirection) -> Sum {
        let key = (policy.to_owned(), rule.map(str::to_owned), word(&direction));
        self.0.get(&key).copied().unwrap_or_default()
    }

    /// A rule with its packets.
    pub(super) fn of_rule<'a>(&self, rule: &'a Rule) -> Counted<'a> {
        let hits = self.get(&rule.policy, Some(&rule.name), rule.direction);
        let document = Box::new(Object::Rule(rule.clone()).document());
        Counted { what: What::Rule { rule, document }, hits }
    }

    /// The defaults of a policy with their packets.
    pub(super) fn of_defaults<'a>(&self, policy: &'a Policy) -> [Counted<'a>; 2] {
        let Policy { name, default: action, log, .. } = policy;
        DIRECTIONS.map(|direction| {
            let default = Fallback { policy: name, default: true, direction, action: *action, log: *log };
            Counted { what: What::Default(default), hits: self.get(name, None, direction) }
        })
    }
}

impl Fallback<'_> {
    /// Its cells below the headings of rules.
    pub(super) fn row(&self) -> Vec<String> {
        let Self { policy, direction, action, log, .. } = self;
        let notes: Vec<&str> = log.then_some("log").into_iter().collect();
        let texts =
            [*policy, "-", "default", &word(direction), &word(action), "-", "-", "-", "-", &joined(&notes)];
        texts.map(str::to_owned).to_vec()
    }
}

impl Sum {
    /// Its cells.
    pub(super) fn row(&self) -> [String; 3] {
        let last = or_dash(self.last.map(|last| format!("{last}s")));
        [self.packets.to_string(), self.bytes.to_string(), last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_added_up_and_the_last_packet_is_the_latest() {
        let row = |port: &str, packets, last| RuleHits {
            policy: "web".into(),
            rule: None,
            direction: "in".into(),
            port: port.into(),
            packets,
            bytes: 100 * packets,
            last,
        };
        for (lasts, expected) in [([Some(7), Some(2)], "2s"), ([None, Some(9)], "9s"), ([None, None], "-")] {
            let hits = Hits::of(vec![row("p1", 3, lasts[0]), row("p2", 4, lasts[1])]);
            let sum = hits.get("web", None, RuleDirection::In);
            assert_eq!(sum.row(), ["7", "700", expected], "{lasts:?}");
            assert_eq!(hits.get("web", None, RuleDirection::Out).row(), ["0", "0", "-"]);
            assert_eq!(hits.get("web", Some("default"), RuleDirection::In).row(), ["0", "0", "-"]);
        }
    }
}
