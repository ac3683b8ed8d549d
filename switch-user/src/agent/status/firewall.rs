//! Reports of firewalls: what rules decided about.

use std::collections::BTreeMap;

use switch_common::table::hits::{Hits, Key};

use super::{View, seconds};
use crate::{
    agent::{
        dataplane::{DataplaneError, home::Home, table::hits::Table},
        image::Holder,
        rule_names::RuleNames,
    },
    report::RuleHits,
};

/// Reads what all rules and defaults decided about at all ports.
pub(super) fn rules(home: &Home, view: &View, now: u64) -> Result<Vec<RuleHits>, DataplaneError> {
    let (names, ports) = (RuleNames::new(&view.policies), view.slots());
    let mut rows = Vec::new();
    Table::open(home)?.visit(|key, hits| rows.extend(row(&names, &ports, key, &hits, now)))?;
    rows.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
    Ok(rows)
}

fn order(row: &RuleHits) -> (&str, &Option<String>, &str, &str) {
    (&row.policy, &row.rule, &row.direction, &row.port)
}

/// One row; `None` if its rule or port is gone.
fn row(names: &RuleNames, ports: &BTreeMap<u32, &str>, key: Key, hits: &Hits, now: u64) -> Option<RuleHits> {
    let name = names.get(key.rule)?;
    let last = hits.last.get();
    Some(RuleHits {
        policy: name.policy.clone(),
        rule: name.rule.clone(),
        direction: name.direction.name().to_owned(),
        port: (*ports.get(&key.slot)?).to_owned(),
        packets: hits.packets.get(),
        bytes: hits.bytes.get(),
        last: (last != 0).then(|| seconds(now, last)),
    })
}

impl View {
    /// Names of ports by their slot.
    fn slots(&self) -> BTreeMap<u32, &str> {
        let ports = self.seats.iter().filter(|(holder, _)| matches!(holder, Holder::Port(_)));
        ports.map(|(holder, seat)| (seat.slot, holder.name())).collect()
    }
}

#[cfg(test)]
mod tests {
    use switch_common::{shared::Shared, verdict::Direction};

    use super::*;
    use crate::{
        agent::rule_names::tests::web,
        classifier::{default_id, rule_id},
    };

    #[test]
    fn hits_are_told_by_the_names_of_rule_and_port() {
        let (names, ports) = (RuleNames::new(&web()), BTreeMap::from([(3, "p1")]));
        let second = 1_000_000_000;
        let hits = |last| Hits { packets: Shared::new(5), bytes: Shared::new(700), last: Shared::new(last) };
        let told = |rule, slot, last| {
            row(&names, &ports, Key { rule, slot, reserved: 0 }, &hits(last), 100 * second)
        };
        let expected = RuleHits {
            policy: "web".into(),
            rule: Some("https".into()),
            direction: "in".into(),
            port: "p1".into(),
            packets: 5,
            bytes: 700,
            last: Some(3),
        };
        assert_eq!(told(rule_id("web", "https"), 3, 97 * second), Some(expected.clone()));
        let default = RuleHits { rule: None, direction: "out".into(), last: None, ..expected };
        assert_eq!(told(default_id("web", Direction::Out), 3, 0), Some(default));
        assert_eq!(told(rule_id("web", "https"), 4, 0), None);
        assert_eq!(told(1, 3, 0), None);
    }
}
