//! Alarms: tables that fill up, and what ports lose for want of room.
//!
//! Counters only grow, so what they say of the last minute is found by looking at them from time to time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};

use switch_common::table::{fdb, flow, fragment, hits, rules};

use super::{status::Reports, worker::Worker};
use crate::report::{Alarm, AlarmKind, TableStatus};

/// Time between two looks at the counters.
const PERIOD: Duration = Duration::from_secs(5);
/// Looks that make up a minute.
const KEPT: usize = 12;

/// What a port has lost since its counters began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Flows without an entry.
    pub flows: u64,
    /// Packets that were not counted for their rule.
    pub hits: u64,
}

/// What ports had lost at the last looks, by their names.
#[derive(Default)]
pub struct History(VecDeque<BTreeMap<String, Lost>>);

impl History {
    /// Keeps what was seen at one look.
    pub fn keep(&mut self, lost: BTreeMap<String, Lost>) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(lost);
    }

    /// Alarms about what ports have lost since the oldest look. A port that is new there tells nothing yet.
    pub fn alarms(&self, lost: &BTreeMap<String, Lost>) -> Vec<Alarm> {
        let before = |port: &str| self.0.iter().find_map(|look| look.get(port));
        let grown = lost.iter().filter_map(|(port, now)| Some((port, *before(port)?, now)));
        grown.flat_map(|(port, before, now)| losses(port, before, *now)).collect()
    }
}

fn losses(port: &str, before: Lost, now: Lost) -> impl Iterator<Item = Alarm> {
    let flows = now.flows.saturating_sub(before.flows);
    let flows = (flows > 0).then(|| Alarm {
        kind: AlarmKind::FlowsWithoutEntry,
        of: port.to_owned(),
        message: format!(
            "{flows} flows of port {port} got no entry in the last minute: the table or the port's share of half-open \
             ones is full; see dvs flow list --port {port}, or raise dvs switch set --flow-capacity"
        ),
    });
    let hits = now.hits.saturating_sub(before.hits);
    let hits = (hits > 0).then(|| Alarm {
        kind: AlarmKind::HitsLost,
        of: port.to_owned(),
        message: format!(
            "{hits} packets of port {port} were not counted for their rules in the last minute: table {} is full; \
             raise dvs switch set --hit-capacity",
            hits::NAME
        ),
    });
    flows.into_iter().chain(hits)
}

/// Alarms about tables that are full, or nearly so. That of the fragments forgets the oldest by itself.
pub fn of_tables(tables: &[TableStatus]) -> Vec<Alarm> {
    let tables = tables.iter().filter(|table| table.name != fragment::NAME);
    tables.filter_map(|table| of_table(table, table.entries?)).collect()
}

fn of_table(table: &TableStatus, entries: u64) -> Option<Alarm> {
    let (name, capacity) = (&table.name, u64::from(table.capacity));
    let (kind, how) = if entries >= capacity {
        (AlarmKind::TableFull, "full")
    } else if entries * 10 > capacity * 9 {
        (AlarmKind::TableFilling, "nearly full")
    } else {
        return None;
    };
    let remedy = remedy(name);
    let message = format!("table {name} is {how} ({entries} of {capacity} entries); {remedy}");
    Some(Alarm { kind, of: name.clone(), message })
}

fn remedy(table: &str) -> &'static str {
    match table {
        fdb::NAME => "raise dvs switch set --fdb-capacity",
        flow::NAME4 | flow::NAME6 => "raise dvs switch set --flow-capacity",
        flow::OPENING4 | flow::OPENING6 => {
            "somebody opens connections that nobody answers: see dvs flow list"
        }
        rules::NAME => "raise dvs switch set --rule-capacity",
        hits::NAME => "raise dvs switch set --hit-capacity",
        _ => "remove some of what fills it",
    }
}

/// Starts a thread that looks at the counters from time to time, for as long as it is not dropped, and
/// logs each alarm once.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(reports: Arc<Reports>) -> io::Result<Worker> {
    let mut said = BTreeSet::new();
    Worker::start("alarms", move || {
        match reports.look() {
            Ok(alarms) => said = say(&said, &alarms),
            // Before the first plan there may be no tables.
            Err(error) => tracing::debug!("no alarms: {error}"),
        }
        PERIOD
    })
}

/// Logs the alarms that are new; those that there are.
fn say(said: &BTreeSet<(AlarmKind, String)>, alarms: &[Alarm]) -> BTreeSet<(AlarmKind, String)> {
    let name = |alarm: &Alarm| (alarm.kind, alarm.of.clone());
    for alarm in alarms.iter().filter(|alarm| !said.contains(&name(alarm))) {
        tracing::warn!("{}", alarm.message);
    }
    alarms.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(flows: u64, hits: u64) -> BTreeMap<String, Lost> {
        BTreeMap::from([("p1".to_owned(), Lost { flows, hits })])
    }

    fn kinds(alarms: &[Alarm]) -> Vec<AlarmKind> {
        alarms.iter().map(|alarm| alarm.kind).collect()
    }

    #[test]
    fn losses_are_told_for_a_minute() {
        let mut history = History::default();
        assert_eq!(history.alarms(&lost(5, 5)), [], "nobody knows since when");
        history.keep(lost(5, 5));
        assert_eq!(history.alarms(&lost(5, 5)), []);
        let alarms = history.alarms(&lost(8, 7));
        assert_eq!(kinds(&alarms), [AlarmKind::FlowsWithoutEntry, AlarmKind::HitsLost]);
        assert!(alarms[0].message.starts_with("3 flows of port p1 got no entry"), "{alarms:?}");
        assert!(alarms[1].message.starts_with("2 packets of port p1 were not counted"), "{alarms:?}");
        assert_eq!(kinds(&history.alarms(&lost(5, 6))), [AlarmKind::HitsLost]);
        // A port that took another one's place begins anew.
        assert_eq!(history.alarms(&lost(0, 0)), []);
        for _ in 0..KEPT {
            history.keep(lost(8, 7));
        }
        assert_eq!(history.alarms(&lost(8, 7)), []);
    }

    #[test]
    fn a_port_that_came_later_is_compared_with_its_first_look() {
        let mut history = History::default();
        history.keep(BTreeMap::new());
        assert_eq!(history.alarms(&lost(9, 0)), []);
        history.keep(lost(9, 0));
        assert_eq!(kinds(&history.alarms(&lost(10, 0))), [AlarmKind::FlowsWithoutEntry]);
    }

    #[test]
    fn tables_that_fill_up_are_told_with_their_remedy() {
        let table =
            |name: &str, entries, capacity| TableStatus { name: name.into(), entries, capacity, bytes: 0 };
        for (name, entries, capacity, told) in [
            ("hits", Some(90), 100, None),
            (
                "hits",
                Some(91),
                100,
                Some("table hits is nearly full (91 of 100 entries); raise dvs switch set --hit-capacity"),
            ),
            (
                "hits",
                Some(100),
                100,
                Some("table hits is full (100 of 100 entries); raise dvs switch set --hit-capacity"),
            ),
            (
                "fdb",
                Some(7),
                7,
                Some("table fdb is full (7 of 7 entries); raise dvs switch set --fdb-capacity"),
            ),
            (
                "rules",
                Some(7),
                7,
                Some("table rules is full (7 of 7 entries); raise dvs switch set --rule-capacity"),
            ),
            (
                "flows6",
                Some(7),
                7,
                Some("table flows6 is full (7 of 7 entries); raise dvs switch set --flow-capacity"),
            ),
            (
                "opening4",
                Some(7),
                7,
                Some(
                    "table opening4 is full (7 of 7 entries); somebody opens connections that nobody answers: see dvs flow list",
                ),
            ),
            ("guard", Some(7), 7, Some("table guard is full (7 of 7 entries); remove some of what fills it")),
            ("fragments", Some(7), 7, None),
            ("stats", None, 7, None),
        ] {
            let alarms = of_tables(&[table(name, entries, capacity)]);
            let messages: Vec<&str> = alarms.iter().map(|alarm| alarm.message.as_str()).collect();
            assert_eq!(messages, Vec::from_iter(told), "{name} {entries:?}");
        }
    }

    #[test]
    fn each_alarm_is_logged_once() {
        let alarm = |of: &str| Alarm { kind: AlarmKind::HitsLost, of: of.into(), message: String::new() };
        let said = say(&BTreeSet::new(), &[alarm("p1")]);
        assert_eq!(said, [(AlarmKind::HitsLost, "p1".to_owned())].into());
        assert_eq!(say(&said, &[]), BTreeSet::new());
    }
}
