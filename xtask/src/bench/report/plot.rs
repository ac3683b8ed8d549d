//! The plot: a panel for each thing that is measured on the network, and one for the programs.

use super::{
    super::{
        programs::{Load, Program, Timing},
        samples::Summary,
        system::Kind,
        topology::Topology,
    },
    Report, Row,
    svg::{Bar, Panel, Tone, draw},
    tables::short,
};

/// The run as a picture.
pub(crate) fn plot(report: &Report) -> String {
    let small: Vec<_> = report.network.iter().map(network).chain(loads(&report.programs.loads)).collect();
    let large: Vec<_> = Topology::ALL
        .into_iter()
        .filter_map(|topology| programs(&report.programs.timings, topology))
        .collect();
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
        Kind::Dvs | Kind::DvsRouted | Kind::Dvs4 | Kind::Dvs1k | Kind::Dvs10k => Tone::Ours,
        Kind::Bridge | Kind::Ovs | Kind::KernelRouted | Kind::Nft4 | Kind::Nft1k | Kind::Nft10k => Tone::Peer,
        Kind::Veth | Kind::Redirect | Kind::RedirectPeer => Tone::Limit,
    }
}

fn programs(timings: &[Timing], topology: Topology) -> Option<Panel> {
    let of = |program: Program| timings.iter().filter(move |timing| timing.program == program);
    let bars: Vec<_> = Program::ALL
        .into_iter()
        .filter(|program| program.topology() == topology)
        .flat_map(of)
        .filter_map(program)
        .collect();
    (!bars.is_empty()).then(|| Panel {
        title: format!("One frame through the program alone: {}", topology.title().to_lowercase()),
        note: "ns by BPF test run, less is better".to_owned(),
        bars,
    })
}

fn program(timing: &Timing) -> Option<Bar> {
    let summary = timing.summary()?;
    let size = timing.size().map(|size| format!(" ({size})")).unwrap_or_default();
    let label = format!("{}{size}", timing.program.title());
    let tone = if timing.program.is_ours() { Tone::Ours } else { Tone::Limit };
    Some(Bar { label, shown: format!("{:.0}", summary.median), summary, tone })
}

fn loads(loads: &[Load]) -> Vec<Panel> {
    if loads.is_empty() {
        return Vec::new();
    }
    let panel = |title: &str, note: &str, value: fn(&Load) -> f64| Panel {
        title: title.to_owned(),
        note: format!("{note}, less is better"),
        bars: loads.iter().map(|load| once(load.title(), value(load))).collect(),
    };
    vec![
        panel("Time to fill tables", "s", |load| load.seconds),
        panel("Memory of tables", "MB", |load| load.megabytes),
    ]
}

/// A bar of this switch for a value that was measured once.
fn once(label: String, value: f64) -> Bar {
    let summary = Summary { median: value, min: value, max: value };
    Bar { label, shown: short(value), summary, tone: Tone::Ours }
}

#[cfg(test)]
mod tests {
    use super::{super::super::programs::Table, *};

    #[test]
    fn loads_have_a_panel_for_each_unit() {
        let load = Load { table: Table::Routes, rows: 1_000_000, seconds: 3.5, megabytes: 120.0 };
        let shown: Vec<_> = loads(&[load]).iter().map(|panel| panel.bars[0].shown.clone()).collect();
        assert_eq!(shown, ["3.50", "120"]);
        assert!(loads(&[]).is_empty());
    }
}
