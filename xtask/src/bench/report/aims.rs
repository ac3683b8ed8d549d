//! What the switch is meant to reach, and whether it did.

use serde::Serialize;

use super::{
    super::{
        programs::{Program, Programs, Table, Timing},
        samples::Summary,
    },
    Kind, Metric, Samples, Sharing,
    bound::Bound,
    comparison,
};

/// Sizes that are compared with the smallest.
const SMALL: u32 = 10;
const MANY_STATIONS: u32 = 1_000_000;
const TWO_PORTS: u32 = 2;
const MANY_PORTS: u32 = 1_000;
const FEW_FLOWS: u32 = 1_000;
const MANY_FLOWS: u32 = 1_000_000;
const MANY_ROUTES: u32 = 1_000_000;
const FEW_RULES: u32 = 10;
const MANY_RULES: u32 = 10_000;

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

/// All aims about which something was measured.
pub(crate) fn check(samples: &Samples, programs: &Programs, sharing: Option<&Sharing>) -> Vec<Aim> {
    let network = of_network(samples);
    let first = of_first_packet(programs);
    let programs = of_switch(programs).into_iter().chain(of_router(programs)).chain(of_loading(programs));
    let firewall = of_firewall(samples, sharing);
    network.chain(programs).chain([first]).chain(firewall).filter_map(Aim::judge).collect()
}

type Claim = (String, Bound, Option<f64>);

fn of_network(samples: &Samples) -> impl Iterator<Item = Claim> {
    comparison::ALL.into_iter().flat_map(move |comparison| {
        Metric::ALL.into_iter().filter_map(move |metric| {
            let what = format!("{}: {}", metric.title(), comparison.title);
            Some((what, comparison.wanted(metric)?, comparison.ratio(metric, samples)))
        })
    })
}

fn of_switch(programs: &Programs) -> [Claim; 3] {
    let unicast = |stations, ports| {
        median(programs, Program::Unicast, |timing| {
            (timing.stations, timing.ports) == (Some(stations), Some(ports))
        })
    };
    let empty = median(programs, Program::Empty, |_| true);
    let known = unicast(SMALL, TWO_PORTS);
    [
        (
            "Known unicast: ns above the empty program".into(),
            Bound::AtMost(80.0),
            known.zip(empty).map(|(known, empty)| known - empty),
        ),
        (
            "Known unicast: 1,000 ports against 2".into(),
            Bound::AtMost(1.1),
            growth(known, unicast(SMALL, MANY_PORTS)),
        ),
        (
            "Known unicast: 1 M stations against 10".into(),
            Bound::AtMost(1.5),
            growth(known, unicast(MANY_STATIONS, TWO_PORTS)),
        ),
    ]
}

fn of_router(programs: &Programs) -> [Claim; 3] {
    let filtered = median(programs, Program::FilteredFlow, |timing| timing.flows == Some(FEW_FLOWS));
    let flow = |flows: u32| median(programs, Program::RoutedFlow, move |timing| timing.flows == Some(flows));
    let limit = median(programs, Program::RoutedLimit, |_| true);
    let known = flow(FEW_FLOWS);
    [
        ("Routed, known flow: against the limit of routing".into(), Bound::AtMost(1.3), growth(limit, known)),
        (
            "Routed, known flow: 1 M flows against 1 k".into(),
            Bound::AtMost(1.6),
            growth(known, flow(MANY_FLOWS)),
        ),
        ("Known flow: with a firewall against without".into(), Bound::AtMost(1.05), growth(known, filtered)),
    ]
}

fn of_loading(programs: &Programs) -> [Claim; 2] {
    let mut loads = programs.loads.iter();
    let load = loads.find(|load| (load.table, load.rows) == (Table::Routes, MANY_ROUTES));
    [
        ("Loading 1 M routes: seconds".into(), Bound::LessThan(5.0), load.map(|load| load.seconds)),
        ("Loading 1 M routes: MB".into(), Bound::LessThan(500.0), load.map(|load| load.megabytes)),
    ]
}

fn of_first_packet(programs: &Programs) -> Claim {
    let first = |rules| median(programs, Program::FilteredFirst, |timing| timing.rules == Some(rules));
    let what = "Firewall, first packet: 10 k rules against 10".into();
    (what, Bound::AtMost(2.0), growth(first(FEW_RULES), first(MANY_RULES)))
}

fn of_firewall(samples: &Samples, sharing: Option<&Sharing>) -> [Claim; 2] {
    let change = Summary::of(samples.of(Metric::Change, Kind::Dvs10k));
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let rows = sharing.map(|sharing| sharing.rows_of_all as f64 / sharing.rows_of_one as f64);
    [
        ("One rule of 10 k changed: ms".into(), Bound::LessThan(100.0), change.map(|summary| summary.median)),
        ("200 ports with one policy: rows against one port".into(), Bound::AtMost(1.0), rows),
    ]
}

fn growth(small: Option<f64>, large: Option<f64>) -> Option<f64> {
    small.zip(large).map(|(small, large)| large / small)
}

fn median(programs: &Programs, program: Program, fits: impl Fn(&Timing) -> bool) -> Option<f64> {
    let mut timings = programs.timings.iter();
    let timing = timings.find(|timing| timing.program == program && fits(timing))?;
    timing.summary().map(|summary| summary.median)
}

impl Aim {
    /// `None` if nothing was measured.
    pub(crate) fn judge((what, wanted, measured): Claim) -> Option<Self> {
        measured.map(|measured| Self { what, wanted, measured, met: wanted.allows(measured) })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::programs::Load, *};

    fn timing(program: Program, ns: f64) -> Timing {
        Timing {
            program,
            stations: None,
            ports: None,
            flows: None,
            routes: None,
            rules: None,
            samples: vec![ns],
        }
    }

    fn unicast(stations: u32, ports: u32, ns: f64) -> Timing {
        Timing { stations: Some(stations), ports: Some(ports), ..timing(Program::Unicast, ns) }
    }

    fn flow(flows: u32, ns: f64) -> Timing {
        Timing { flows: Some(flows), ..timing(Program::RoutedFlow, ns) }
    }

    fn met(samples: &Samples, programs: &Programs) -> Vec<bool> {
        check(samples, programs, None).iter().map(|aim| aim.met).collect()
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert!(check(&Samples::default(), &Programs::default(), None).is_empty());
    }

    #[test]
    fn routing_is_judged_against_the_kernels_and_against_bridging() {
        let mut samples = Samples::default();
        for (metric, ours, kernel, bridged) in [
            (Metric::Tcp, 10.0, 10.0, 10.1),
            (Metric::Udp, 13.9, 10.0, 15.0),
            (Metric::Connections, 13.0, 10.0, 13.0),
        ] {
            samples.add(metric, Kind::DvsRouted, ours);
            samples.add(metric, Kind::KernelRouted, kernel);
            samples.add(metric, Kind::Dvs, bridged);
        }
        assert_eq!(met(&samples, &Programs::default()), [true, false, true, true, false, true]);
    }

    #[test]
    fn growth_is_against_the_smallest_tables() {
        let timings = vec![
            timing(Program::Empty, 40.0),
            unicast(10, 2, 100.0),
            unicast(1_000_000, 2, 160.0),
            unicast(10, 1_000, 101.0),
        ];
        assert_eq!(met(&Samples::default(), &Programs { timings, loads: Vec::new() }), [true, true, false]);
    }

    #[test]
    fn a_flow_is_judged_against_the_limit_and_against_few_flows() {
        let timings = vec![timing(Program::RoutedLimit, 100.0), flow(1_000, 130.0), flow(1_000_000, 220.0)];
        assert_eq!(met(&Samples::default(), &Programs { timings, loads: Vec::new() }), [true, false]);
    }

    #[test]
    fn a_first_packet_is_judged_by_ten_and_by_ten_thousand_rules() {
        for (ns, good) in [(199.0, true), (201.0, false)] {
            let first = |(rules, ns)| Timing { rules: Some(rules), ..timing(Program::FilteredFirst, ns) };
            let timings = [(0, 10.0), (10, 100.0), (1_000, 500.0), (10_000, ns)].map(first).into();
            assert_eq!(met(&Samples::default(), &Programs { timings, loads: Vec::new() }), [good]);
        }
    }

    #[test]
    fn loading_is_judged_by_a_million_routes() {
        let loads = vec![
            Load { table: Table::Routes, rows: 10_000, seconds: 9.0, megabytes: 1.0 },
            Load { table: Table::Routes, rows: 1_000_000, seconds: 4.9, megabytes: 500.0 },
        ];
        assert_eq!(met(&Samples::default(), &Programs { timings: Vec::new(), loads }), [true, false]);
    }
}
