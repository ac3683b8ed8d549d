//! The plot: a panel for each thing that is measured on the network, and one for the programs.

use super::{
    super::{
        programs::{Program, Timing},
        system::Kind,
    },
    Report, Row,
    svg::{Bar, Panel, Tone, draw},
    tables::short,
};

/// The run as a picture.
pub(crate) fn plot(report: &Report) -> String {
    let small: Vec<_> = report.network.iter().map(network).collect();
    let large: Vec<_> = programs(&report.programs).into_iter().collect();
    let machine = &report.machine;
    let caption = format!(
        "{}, {} CPUs, Linux {}, {}. Bars are medians, lines reach from the least to the greatest value.",
        machine.cpu, machine.cpus, machine.kernel, machine.date
    );
    draw("dvs and its peers on one host", &caption, &small, &large)
}

fn network(row: &Row) -> Panel {
    let better = if row.metric.is_latency() { "less is better" } else { "more is better" };
    let bars = row.systems.iter().map(|cell| Bar {
        label: cell.system.label().to_owned(),
        shown: short(cell.summary.median),
        summary: cell.summary,
        tone: tone(cell.system),
    });
    Panel {
        title: row.metric.title().to_owned(),
        note: format!("{}, {better}", row.unit),
        bars: bars.collect(),
    }
}

/// This switch stands out, the limits stand back.
const fn tone(system: Kind) -> Tone {
    match system {
        Kind::Dvs | Kind::DvsRouted => Tone::Ours,
        Kind::Bridge | Kind::Ovs | Kind::KernelRouted => Tone::Peer,
        Kind::Veth | Kind::Redirect | Kind::RedirectPeer => Tone::Limit,
    }
}

fn programs(timings: &[Timing]) -> Option<Panel> {
    let of = |program: Program| timings.iter().filter(move |timing| timing.program == program);
    let bars: Vec<_> = Program::ALL.into_iter().flat_map(of).filter_map(program).collect();
    (!bars.is_empty()).then(|| Panel {
        title: "One frame through the program alone".to_owned(),
        note: "ns by BPF test run, less is better".to_owned(),
        bars,
    })
}

fn program(timing: &Timing) -> Option<Bar> {
    let summary = timing.summary()?;
    let (size, tone) = match timing.stations.zip(timing.ports) {
        Some((stations, ports)) => (format!(" ({stations} stations, {ports} ports)"), Tone::Ours),
        None => (String::new(), Tone::Limit),
    };
    let label = format!("{}{size}", timing.program.title());
    Some(Bar { label, shown: format!("{:.0}", summary.median), summary, tone })
}
