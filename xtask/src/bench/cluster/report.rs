//! Tables of what was measured, and the aims.

use anyhow::Result;
use serde::Serialize;

use super::{
    super::{
        machine::Machine,
        report::{Aim, Bound, Section, aims_table, align, short, write_section},
    },
    measured::{Limit, Measured, Number, Of, Time},
};

/// Everything that tables and JSON tell.
#[derive(Serialize)]
pub(super) struct Report {
    command: String,
    machine: Machine,
    /// How busy something else kept the machine before, in percent.
    busy: f64,
    times: Vec<Summary>,
    measured: Measured,
    aims: Vec<Aim>,
}

/// What the values of a time say.
#[derive(Serialize)]
struct Summary {
    case: String,
    title: String,
    #[serde(flatten)]
    spread: Spread,
}

/// How values are spread.
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
        let summary = |time: &Time| {
            let (case, title) = (time.case.clone(), time.title.clone());
            Some(Summary { case, title, spread: Spread::of(&time.ms)? })
        };
        let times = measured.times.iter().filter_map(summary).collect();
        let aims = aims(&measured);
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
        let line = |Summary { title, spread, .. }: &Summary| {
            let times = [spread.p50, spread.p99, spread.max].map(short);
            [std::slice::from_ref(title), times.as_slice(), &[spread.count.to_string()]].concat()
        };
        align(head, self.times.iter().map(line).collect())
    }

    fn numbers(&self) -> String {
        let head = ["Number", "value"].map(str::to_owned).to_vec();
        let line = |number: &Number| vec![number.title.clone(), short(number.value)];
        align(head, self.measured.numbers.iter().map(line).collect())
    }
}

/// What is meant to be, of all that was measured.
fn aims(measured: &Measured) -> Vec<Aim> {
    let time = |time: &Time| {
        let (Limit { of, most }, spread) = (time.aim?, Spread::of(&time.ms)?);
        let (word, value) = match of {
            Of::P99 => ("p99", spread.p99),
            Of::Max => ("max", spread.max),
        };
        Aim::judge((format!("{}: {word}, ms", time.title), Bound::AtMost(most), Some(value)))
    };
    let number =
        |number: &Number| Aim::judge((number.title.clone(), Bound::AtMost(number.aim?), Some(number.value)));
    let times = measured.times.iter().filter_map(time);
    times.chain(measured.numbers.iter().filter_map(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::measured::tests::OUTPUT, *};

    #[test]
    fn percentiles_are_values() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Spread::of(&values), Some(Spread { count: 200, p50: 100.0, p99: 198.0, max: 200.0 }));
        assert_eq!(Spread::of(&[7.0]), Some(Spread { count: 1, p50: 7.0, p99: 7.0, max: 7.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn aims_are_judged_by_what_they_are_about() {
        let judged = aims(&Measured::parse(OUTPUT).unwrap());
        let told: Vec<(&str, bool)> = judged.iter().map(|aim| (aim.what.as_str(), aim.met)).collect();
        assert_eq!(told, [("Port: p99, ms", false), ("Fresh: max, ms", true), ("Agent: MB", true)]);
    }
}
