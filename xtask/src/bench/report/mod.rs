//! What a run has shown: as JSON it is what [`Report`] serialises to.

mod aims;
mod docs;
mod plot;
mod svg;
mod tables;

use serde::Serialize;

use super::{
    machine::Machine,
    programs::Timing,
    samples::{Samples, Summary},
    system::Kind,
    workload::Metric,
};
use aims::Aim;
pub(crate) use docs::write_docs;
pub(crate) use plot::plot;
pub(crate) use tables::tables;

/// Everything that the table, the plot and the JSON tell.
#[derive(Serialize)]
pub(crate) struct Report {
    command: String,
    machine: Machine,
    network: Vec<Row>,
    programs: Vec<Timing>,
    aims: Vec<Aim>,
}

/// A number, for all systems.
#[derive(Serialize)]
struct Row {
    metric: Metric,
    unit: &'static str,
    systems: Vec<Cell>,
    /// This switch against the Linux bridge; above 1 is better.
    to_bridge: Option<f64>,
    /// This switch against the better of the bare redirects.
    to_redirect: Option<f64>,
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
    pub(crate) fn new(command: String, machine: Machine, samples: &Samples, programs: Vec<Timing>) -> Self {
        let network = Metric::ALL.iter().filter_map(|metric| Row::new(*metric, samples)).collect();
        let aims = aims::check(samples, &programs);
        Self { command, machine, network, programs, aims }
    }
}

impl Row {
    /// `None` if nothing was measured.
    fn new(metric: Metric, samples: &Samples) -> Option<Self> {
        let systems: Vec<_> = Kind::ALL.iter().filter_map(|kind| Cell::new(metric, *kind, samples)).collect();
        let to_bridge = samples.ratio(metric, Kind::Dvs, Kind::Bridge);
        let to_redirect = to_better_redirect(metric, samples);
        (!systems.is_empty()).then_some(Self { metric, unit: metric.unit(), systems, to_bridge, to_redirect })
    }

    fn cell(&self, system: Kind) -> Option<&Cell> {
        self.systems.iter().find(|cell| cell.system == system)
    }
}

impl Cell {
    fn new(metric: Metric, system: Kind, samples: &Samples) -> Option<Self> {
        let values = samples.of(metric, system);
        Summary::of(values).map(|summary| Self { system, summary, samples: values.to_vec() })
    }
}

/// The lower of the two ratios: the one against the redirect that does better.
fn to_better_redirect(metric: Metric, samples: &Samples) -> Option<f64> {
    let ratios =
        [Kind::Redirect, Kind::RedirectPeer].map(|redirect| samples.ratio(metric, Kind::Dvs, redirect));
    ratios.into_iter().flatten().min_by(f64::total_cmp)
}
