//! A rule of a firewall that changes, by the command that its users would give.

use anyhow::Result;

use super::Metric;
use crate::bench::{samples::Summary, system::System};

/// Changes in one measurement: the middle one counts.
const CHANGES: usize = 5;

pub(super) fn measure(system: &System) -> Result<Vec<(Metric, f64)>> {
    let mut times = Vec::new();
    for _ in 0..CHANGES {
        times.extend(system.change_rule()?.map(|time| time.as_secs_f64() * 1e3));
    }
    Ok(Summary::of(&times).map(|times| (Metric::Change, times.median)).into_iter().collect())
}
