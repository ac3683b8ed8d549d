//! Tables of what was measured, and the aims.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::{
    super::{
        machine::Machine,
        report::{Aim, Bound, Section, aims_table, align, short, write_section},
    },
    measured::{Case, Fact, Measured},
};

/// Everything that tables and JSON tell.
#[derive(Serialize)]
pub(super) struct Report {
    command: String,
    machine: Machine,
    /// How busy something else kept the machine before, in percent.
    busy: f64,
    times: BTreeMap<Case, Spread>,
    measured: Measured,
    aims: Vec<Aim>,
}

/// What values of a time say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Spread {
    count: usize,
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    /// `None` without values. Of fewer than a hundred values the 99th percentile is the greatest.
    fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at =
            |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Self { count: sorted.len(), p50: at(50)?, p99: at(99)?, max: *sorted.last()? })
    }
}

impl Report {
    /// Sums up a run.
    pub(super) fn new(command: String, machine: Machine, busy: f64, measured: Measured) -> Self {
        let spread = |(case, values): (&Case, &Vec<f64>)| Some((*case, Spread::of(values)?));
        let times = measured.times.iter().filter_map(spread).collect();
        let aims = aims(&times, &measured.facts);
        Self { command, machine, busy, times, measured, aims }
    }

    /// All tables, each below a title.
    pub(super) fn tables(&self) -> String {
        let tables = [
            ("Cluster: times", self.times()),
            ("Cluster: numbers", self.numbers()),
            ("Cluster: aims", aims_table(&self.aims)),
        ];
        let tables = tables.map(|(title, table)| format!("### {title}\n\n{table}"));
        tables.join("\n")
    }

    /// Puts them into the document.
    pub(super) fn write_docs(&self) -> Result<()> {
        write_section(Section::Cluster, &self.command, &self.machine, &[self.busy], &self.tables())
    }

    fn times(&self) -> String {
        let head = ["Milliseconds", "p50", "p99", "max", "samples"].map(str::to_owned).to_vec();
        let line = |(case, spread): (&Case, &Spread)| {
            let times = [spread.p50, spread.p99, spread.max].map(short);
            [&[case.title().to_owned()], times.as_slice(), &[spread.count.to_string()]].concat()
        };
        align(head, self.times.iter().map(line).collect())
    }

    fn numbers(&self) -> String {
        let head = ["Number", "value"].map(str::to_owned).to_vec();
        let line = |(fact, value): (&Fact, &f64)| vec![fact.title().to_owned(), short(*value)];
        align(head, self.measured.facts.iter().map(line).collect())
    }
}

/// What is meant to be, of all that was measured.
fn aims(times: &BTreeMap<Case, Spread>, facts: &BTreeMap<Fact, f64>) -> Vec<Aim> {
    let soon = [
        Case::PortChanged,
        Case::RuleChanged,
        Case::RuleAdded,
        Case::RuleRemoved,
        Case::PeerAdded,
        Case::ClaimedWithin,
        Case::ClaimedAcross,
    ];
    let soon = soon.map(|case| (case.title(), "p99, ms", 100.0, times.get(&case).map(|spread| spread.p99)));
    let sync = (
        Case::SyncedLarge.title(),
        "max, ms",
        1000.0,
        times.get(&Case::SyncedLarge).map(|spread| spread.max),
    );
    let memory = [
        (Fact::PeakMemory, 1000.0),
        (Fact::AgentSmall, 64.0),
        (Fact::AgentUsual, 64.0),
        (Fact::AgentLarge, 64.0),
    ];
    let memory = memory.map(|(fact, most)| (fact.title(), "", most, facts.get(&fact).copied()));
    let aim = |(what, unit, most, measured): (&str, &str, f64, Option<f64>)| {
        let what = [what, unit].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ");
        Aim::judge((what, Bound::AtMost(most), measured))
    };
    soon.into_iter().chain([sync]).chain(memory).filter_map(aim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Spread::of(&values), Some(Spread { count: 200, p50: 100.0, p99: 198.0, max: 200.0 }));
        assert_eq!(Spread::of(&[7.0]), Some(Spread { count: 1, p50: 7.0, p99: 7.0, max: 7.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn aims_are_about_what_was_measured() {
        let times = [(Case::RuleAdded, Spread::of(&[99.0, 101.0]).unwrap())].into();
        let judged = aims(&times, &[(Fact::AgentSmall, 64.0)].into());
        assert_eq!(judged.iter().map(|aim| aim.met).collect::<Vec<_>>(), [false, true]);
    }
}
