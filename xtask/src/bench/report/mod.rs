//! What a run has shown: as JSON it is what [`Report`] serialises to.

mod aims;
mod bound;
mod comparison;
mod docs;
mod plot;
mod svg;
mod tables;

use serde::Serialize;

use super::{
    machine::Machine,
    programs::Programs,
    rounds::{BUSY_PERCENT, Measured},
    samples::{Samples, Summary},
    system::{Kind, Sharing},
    workload::Metric,
};
pub(crate) use aims::Aim;
pub(crate) use bound::Bound;
pub(crate) use docs::{Section, write_docs, write_section};
pub(crate) use plot::plot;
pub(crate) use tables::{aims as aims_table, align, short, tables};

/// Everything that the table, the plot and the JSON tell.
#[derive(Serialize)]
pub(crate) struct Report {
    command: String,
    machine: Machine,
    /// How busy something else kept the machine before each round, in percent.
    busy: Vec<f64>,
    network: Vec<Row>,
    programs: Programs,
    sharing: Option<Sharing>,
    aims: Vec<Aim>,
}

/// A number, for all systems.
#[derive(Serialize)]
struct Row {
    metric: Metric,
    unit: &'static str,
    systems: Vec<Cell>,
    ratios: Vec<Ratio>,
}

/// This switch against others; above 1 is better.
#[derive(Serialize)]
struct Ratio {
    comparison: &'static str,
    value: f64,
}

/// A number, for one system.
#[derive(Serialize)]
struct Cell {
    system: Kind,
    #[serde(flatten)]
    summary: Summary,
    samples: Vec<f64>,
}

impl Report {
    /// Sums up a run.
    pub(crate) fn new(command: String, machine: Machine, measured: Measured, programs: Programs) -> Self {
        let Measured { samples, sharing, busy } = measured;
        let network = Metric::ALL.iter().filter_map(|metric| Row::new(*metric, &samples)).collect();
        let aims = aims::check(&samples, &programs, sharing.as_ref());
        Self { command, machine, busy, network, programs, sharing, aims }
    }
}

impl Row {
    /// `None` if nothing was measured.
    fn new(metric: Metric, samples: &Samples) -> Option<Self> {
        let systems: Vec<_> = Kind::ALL.iter().filter_map(|kind| Cell::new(metric, *kind, samples)).collect();
        let ratios = comparison::ALL.iter().filter_map(|comparison| {
            let value = comparison.ratio(metric, samples)?;
            Some(Ratio { comparison: comparison.title, value })
        });
        let ratios = ratios.collect();
        (!systems.is_empty()).then_some(Self { metric, unit: metric.unit(), systems, ratios })
    }

    fn cell(&self, system: Kind) -> Option<&Cell> {
        self.systems.iter().find(|cell| cell.system == system)
    }

    fn ratio(&self, comparison: &str) -> Option<f64> {
        self.ratios.iter().find(|ratio| ratio.comparison == comparison).map(|ratio| ratio.value)
    }
}

impl Cell {
    fn new(metric: Metric, system: Kind, samples: &Samples) -> Option<Self> {
        let values = samples.of(metric, system);
        Summary::of(values).map(|summary| Self { system, summary, samples: values.to_vec() })
    }
}
