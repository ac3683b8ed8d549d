//! From the rules of a policy to the rows that the datapath searches, and rules asked one by one.
//!
//! Pure. What the rows mean is said in [`switch_common::table::rules`]. [`linear`] says what they should
//! decide; tests compare the two. [`mod@ask`], [`ends`] and [`impact`] answer people's questions with it.

pub mod ask;
mod dimension;
pub mod ends;
pub mod impact;
pub mod linear;
mod pool;
mod room;
mod side;
mod tree;

#[cfg(test)]
mod tests;

use switch_common::{
    table::rules::{ALLOW, DROP, Header, LOG, REJECT, Record, Row, STAGED, STATELESS},
    verdict::Direction,
};

use self::pool::Pool;
pub use self::room::{fits, most_rows};
use crate::model::{RuleAction, ValidPolicy, ValidRule};

/// The rows of a policy, its header first.
pub fn compile(name: &str, policy: &ValidPolicy) -> Vec<Row> {
    let mut pool = Pool::default();
    let sides = [Direction::In, Direction::Out].map(|direction| {
        let rules = policy.rules.iter().filter(|rule| rule.direction == direction);
        let rules: Vec<(&ValidRule, Record)> = rules.map(|rule| (rule, record(name, rule))).collect();
        side::compile(&rules, &mut pool)
    });
    pool.finish(Header {
        rows: 0,
        flags: if policy.stateful { 0 } else { STATELESS },
        default: what(policy.default) | if policy.log { LOG } else { 0 },
        default_ids: [Direction::In, Direction::Out].map(|direction| default_id(name, direction)),
        sides,
    })
}

/// The number of a rule in the table of hits.
pub fn rule_id(policy: &str, rule: &str) -> u64 {
    fnv(&[policy, "/", rule])
}

/// The number of a policy's default in the table of hits. No rule has an empty name.
pub fn default_id(policy: &str, direction: Direction) -> u64 {
    let direction = match direction {
        Direction::In => "in",
        Direction::Out => "out",
    };
    fnv(&[policy, "//", direction])
}

fn record(policy: &str, rule: &ValidRule) -> Record {
    let log = if rule.log { LOG } else { 0 };
    let staged = if rule.staged { STAGED } else { 0 };
    Record { id: rule_id(policy, &rule.name), what: what(rule.action) | log | staged }
}

const fn what(action: RuleAction) -> u64 {
    match action {
        RuleAction::Allow => ALLOW,
        RuleAction::Drop => DROP,
        RuleAction::Reject => REJECT,
    }
}

/// FNV-1a with 64 bits ([draft-eastlake-fnv](https://datatracker.ietf.org/doc/html/draft-eastlake-fnv)).
fn fnv(texts: &[&str]) -> u64 {
    let octets = texts.iter().flat_map(|text| text.bytes());
    octets.fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
