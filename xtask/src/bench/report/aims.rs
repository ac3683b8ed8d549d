//! What the switch is meant to reach, and whether it did.

use serde::Serialize;

use super::{super::programs::Program, Kind, Metric, Samples, Timing, to_better_redirect};

/// Sizes that are compared with the smallest.
const SMALL: u32 = 10;
const MANY_STATIONS: u32 = 1_000_000;
const TWO_PORTS: u32 = 2;
const MANY_PORTS: u32 = 1_000;

/// An aim.
#[derive(Serialize)]
pub(crate) struct Aim {
    /// What is looked at.
    pub(crate) what: String,
    /// What it is meant to be.
    pub(crate) wanted: Bound,
    /// What it is.
    pub(crate) measured: f64,
    /// Whether that is good enough.
    pub(crate) met: bool,
}

/// A limit.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    /// This much or more.
    AtLeast(f64),
    /// More than this.
    MoreThan(f64),
    /// This much or less.
    AtMost(f64),
}

impl Bound {
    fn allows(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::MoreThan(bound) => value > bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

/// All aims about which something was measured.
pub(crate) fn check(samples: &Samples, programs: &[Timing]) -> Vec<Aim> {
    let redirects = Metric::ALL.iter().map(|metric| {
        let what = format!("{}: against the better bare redirect", metric.title());
        (what, Bound::AtLeast(0.95), to_better_redirect(*metric, samples))
    });
    let bridge = [(Metric::Tcp, 1.0), (Metric::Udp, 1.25), (Metric::Connections, 1.15)];
    let bridge = bridge.iter().map(|(metric, bound)| {
        let what = format!("{}: against the Linux bridge", metric.title());
        (what, Bound::AtLeast(*bound), samples.ratio(*metric, Kind::Dvs, Kind::Bridge))
    });
    let ovs = Metric::ALL.iter().map(|metric| {
        let what = format!("{}: against Open vSwitch", metric.title());
        (what, Bound::MoreThan(1.0), samples.ratio(*metric, Kind::Dvs, Kind::Ovs))
    });
    redirects.chain(bridge).chain(ovs).chain(of_programs(programs)).filter_map(judge).collect()
}

type Claim = (String, Bound, Option<f64>);

fn of_programs(programs: &[Timing]) -> [Claim; 3] {
    let time = |program, stations, ports| median(programs, program, stations, ports);
    let unicast = |stations, ports| time(Program::Unicast, Some(stations), Some(ports));
    let known = unicast(SMALL, TWO_PORTS);
    let above = |other: Option<f64>| known.zip(other).map(|(known, other)| known - other);
    let growth = |large: Option<f64>| known.zip(large).map(|(known, large)| large / known);
    [
        (
            "Known unicast: ns above the empty program".into(),
            Bound::AtMost(80.0),
            above(time(Program::Empty, None, None)),
        ),
        (
            "Known unicast: 1,000 ports against 2".into(),
            Bound::AtMost(1.1),
            growth(unicast(SMALL, MANY_PORTS)),
        ),
        (
            "Known unicast: 1 M stations against 10".into(),
            Bound::AtMost(1.5),
            growth(unicast(MANY_STATIONS, TWO_PORTS)),
        ),
    ]
}

fn median(programs: &[Timing], program: Program, stations: Option<u32>, ports: Option<u32>) -> Option<f64> {
    let fits =
        |timing: &&Timing| (timing.program, timing.stations, timing.ports) == (program, stations, ports);
    programs.iter().find(fits)?.summary().map(|summary| summary.median)
}

fn judge((what, wanted, measured): Claim) -> Option<Aim> {
    measured.map(|measured| Aim { what, wanted, measured, met: wanted.allows(measured) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(program: Program, stations: Option<u32>, ports: Option<u32>, ns: f64) -> Timing {
        Timing { program, stations, ports, samples: vec![ns] }
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert!(check(&Samples::default(), &[]).is_empty());
    }

    #[test]
    fn the_better_redirect_is_the_yardstick() {
        let mut samples = Samples::default();
        samples.add(Metric::LatencyMedian, Kind::Redirect, 20.0);
        samples.add(Metric::LatencyMedian, Kind::RedirectPeer, 15.0);
        samples.add(Metric::LatencyMedian, Kind::Dvs, 18.0);
        let aims = check(&samples, &[]);
        assert_eq!(aims.len(), 1);
        assert!(!aims[0].met && (aims[0].measured - 15.0 / 18.0).abs() < 1e-9);
    }

    #[test]
    fn growth_is_against_the_smallest_tables() {
        let programs = [
            timing(Program::Empty, None, None, 40.0),
            timing(Program::Unicast, Some(10), Some(2), 100.0),
            timing(Program::Unicast, Some(1_000_000), Some(2), 160.0),
            timing(Program::Unicast, Some(10), Some(1_000), 101.0),
        ];
        let met: Vec<_> = check(&Samples::default(), &programs).iter().map(|aim| aim.met).collect();
        assert_eq!(met, [true, true, false]);
    }
}
