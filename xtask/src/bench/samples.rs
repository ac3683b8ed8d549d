//! What was measured, and what it says.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{system::Kind, workload::Metric};

/// All values, in the order of the rounds.
#[derive(Default)]
pub(crate) struct Samples {
    values: BTreeMap<(Metric, Kind), Vec<f64>>,
}

impl Samples {
    /// Another value.
    pub(crate) fn add(&mut self, metric: Metric, kind: Kind, value: f64) {
        self.values.entry((metric, kind)).or_default().push(value);
    }

    /// The values of one system.
    pub(crate) fn of(&self, metric: Metric, kind: Kind) -> &[f64] {
        self.values.get(&(metric, kind)).map_or(&[], Vec::as_slice)
    }

    /// Median of the ratios within each round; above 1 is better, whatever is measured.
    pub(crate) fn ratio(&self, metric: Metric, ours: Kind, theirs: Kind) -> Option<f64> {
        let pairs = self.of(metric, ours).iter().zip(self.of(metric, theirs));
        let ratios: Vec<_> = pairs.map(|(ours, theirs)| metric.ratio(*ours, *theirs)).collect();
        Summary::of(&ratios).map(|summary| summary.median)
    }
}

/// Middle and spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The middle value, or the mean of the two in the middle.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
}

impl Summary {
    /// `None` without values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[3.0, 1.0, 2.0]), Some(Summary { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 9.0]).map(|summary| summary.median), Some(3.0));
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut samples = Samples::default();
        for (ours, theirs) in [(10.0, 5.0), (2.0, 1.0), (6.0, 2.0)] {
            samples.add(Metric::Tcp, Kind::Dvs, ours);
            samples.add(Metric::Tcp, Kind::Bridge, theirs);
            samples.add(Metric::LatencyMedian, Kind::Dvs, ours);
            samples.add(Metric::LatencyMedian, Kind::Bridge, theirs);
        }
        assert_eq!(samples.ratio(Metric::Tcp, Kind::Dvs, Kind::Bridge), Some(2.0));
        assert_eq!(samples.ratio(Metric::LatencyMedian, Kind::Dvs, Kind::Bridge), Some(0.5));
        assert_eq!(samples.ratio(Metric::Tcp, Kind::Dvs, Kind::Ovs), None);
    }
}
