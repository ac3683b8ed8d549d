//! Reports of firewalls: what rules decided about.

use std::collections::BTreeMap;

use switch_common::{
    shared::Shared,
    table::hits::{Hits, Key},
};

use super::{View, seconds};
use crate::{
    agent::{
        dataplane::{
            DataplaneError,
            home::Home,
            table::hits::{More, Table},
            uncounted::Uncounted,
        },
        image::Holder,
        rule_names::RuleNames,
    },
    report::RuleHits,
};

/// Reads what all rules and defaults decided about at all ports, to the last packet: what a flow has not
/// counted since it was judged last is added. It is read second, so that nothing is there twice.
pub(super) fn rules(home: &Home, view: &View, now: u64) -> Result<Vec<RuleHits>, DataplaneError> {
    let (names, ports) = (RuleNames::new(&view.policies), view.slots());
    let mut counted = Vec::new();
    Table::open(home)?.visit(|key, hits| counted.push((key, hits)))?;
    let uncounted = Uncounted::of_all(home, now)?;
    let told = |(key, hits): (Key, Hits)| row(&names, &ports, key, &with(&hits, uncounted.of(&key)), now);
    let mut rows: Vec<RuleHits> = counted.into_iter().filter_map(told).collect();
    rows.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
    Ok(rows)
}

/// Hits and what is to be added to them.
fn with(hits: &Hits, more: More) -> Hits {
    let counted = More { packets: hits.packets.get(), bytes: hits.bytes.get(), last: hits.last.get() };
    let More { packets, bytes, last } = counted.and(more);
    Hits { packets: Shared::new(packets), bytes: Shared::new(bytes), last: Shared::new(last) }
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
