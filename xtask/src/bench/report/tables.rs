//! Tables that are readable as they are and as Markdown.

use std::fmt::Write as _;

use super::{
    super::{
        programs::{Load, Program, Timing},
        system::Sharing,
        topology::Topology,
    },
    Cell, Kind, Report, Row,
    aims::Aim,
    comparison::{self, Comparison},
};

/// All tables, each below a title.
pub(crate) fn tables(report: &Report) -> String {
    let network = Topology::ALL.map(|topology| (topology.title(), network(&report.network, topology)));
    let others = [
        ("Programs", programs(&report.programs.timings)),
        ("Filling tables", loads(&report.programs.loads)),
        ("Sharing a policy", sharing(report.sharing.as_ref())),
        ("Aims", aims(&report.aims)),
    ];
    network
        .into_iter()
        .chain(others)
        .filter(|(_, table)| !table.is_empty())
        .map(|(title, table)| format!("### {title}\n\n{table}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The systems of one topology, and those of the other that they are compared with.
fn network(rows: &[Row], topology: Topology) -> String {
    let is_measured = |kind: &Kind| rows.iter().any(|row| row.cell(*kind).is_some());
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(is_measured).collect();
    if !kinds.iter().any(|kind| kind.topology() == topology) {
        return String::new();
    }
    let is_known = |comparison: &Comparison| {
        comparison.is_of(topology) && rows.iter().any(|row| row.ratio(comparison.title).is_some())
    };
    let comparisons: Vec<_> = comparison::ALL.into_iter().filter(is_known).collect();
    let is_named = |kind: Kind| comparisons.iter().any(|comparison| comparison.names(kind));
    let kinds: Vec<_> =
        kinds.into_iter().filter(|kind| kind.topology() == topology || is_named(*kind)).collect();
    let head = std::iter::once("Median (least - greatest)".to_owned());
    let head = head.chain(kinds.iter().map(|kind| kind.label().to_owned()));
    let head = head.chain(comparisons.iter().map(|comparison| comparison.title.to_owned())).collect();
    // Not all is measured of all.
    let rows = rows.iter().filter(|row| kinds.iter().any(|kind| row.cell(*kind).is_some()));
    align(head, rows.map(|row| network_line(row, &kinds, &comparisons)).collect())
}

fn network_line(row: &Row, kinds: &[Kind], comparisons: &[Comparison]) -> Vec<String> {
    let name = format!("{}, {}", row.metric.title(), row.unit);
    let cells = kinds.iter().map(|kind| row.cell(*kind).map_or_else(missing, spread));
    let ratios = comparisons
        .iter()
        .map(|comparison| row.ratio(comparison.title).map_or_else(missing, |ratio| format!("{ratio:.2}")));
    std::iter::once(name).chain(cells).chain(ratios).collect()
}

fn spread(cell: &Cell) -> String {
    let summary = cell.summary;
    format!("{} ({} - {})", short(summary.median), short(summary.min), short(summary.max))
}

fn programs(timings: &[Timing]) -> String {
    let head = ["Program", "tables", "ns a frame: median (least)"].map(str::to_owned).to_vec();
    let of = |program: Program| timings.iter().filter(move |timing| timing.program == program);
    align(head, Program::ALL.into_iter().flat_map(of).map(program_line).collect())
}

fn program_line(timing: &Timing) -> Vec<String> {
    let size = timing.size().unwrap_or_else(missing);
    let time = timing
        .summary()
        .map_or_else(missing, |summary| format!("{:.0} ({:.0})", summary.median, summary.min));
    vec![timing.program.title().to_owned(), size, time]
}

fn loads(loads: &[Load]) -> String {
    let head = ["Tables", "seconds", "MB"].map(str::to_owned).to_vec();
    let line = |load: &Load| vec![load.title(), short(load.seconds), short(load.megabytes)];
    align(head, loads.iter().map(line).collect())
}

fn sharing(sharing: Option<&Sharing>) -> String {
    let head = ["Ports with a policy of 10 k rules", "rows"].map(str::to_owned).to_vec();
    let Some(sharing) = sharing else { return String::new() };
    let rows = [(1, sharing.rows_of_one), (sharing.ports, sharing.rows_of_all)];
    align(head, rows.map(|(ports, rows)| vec![ports.to_string(), rows.to_string()]).to_vec())
}

/// The aims, and whether they are met.
pub(crate) fn aims(aims: &[Aim]) -> String {
    let head = ["Aim", "wanted", "measured", "met"].map(str::to_owned).to_vec();
    let line = |aim: &Aim| {
        let met = if aim.met { "yes" } else { "no" };
        vec![aim.what.clone(), aim.wanted.to_string(), format!("{:.2}", aim.measured), met.to_owned()]
    };
    align(head, aims.iter().map(line).collect())
}

/// Three figures are what such measurements are worth.
pub(crate) fn short(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn missing() -> String {
    "-".to_owned()
}

/// A Markdown table with columns of one width; empty without lines.
pub(crate) fn align(head: Vec<String>, body: Vec<Vec<String>>) -> String {
    if body.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = std::iter::once(head).chain(body).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        push_line(&mut text, line, &widths);
        if number == 0 {
            let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
            push_line(&mut text, &rule, &widths);
        }
    }
    text
}

fn push_line(text: &mut String, cells: &[String], widths: &[usize]) {
    for (cell, width) in cells.iter().zip(widths) {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "| {cell:<width$} ");
    }
    text.push_str("|\n");
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Metric, Samples},
        *,
    };

    #[test]
    fn columns_line_up() {
        let head = vec!["a".to_owned(), "bcd".to_owned()];
        let body = vec![vec!["µs".to_owned(), "1".to_owned()]];
        assert_eq!(align(head, body), "| a  | bcd |\n| -- | --- |\n| µs | 1   |\n");
    }

    #[test]
    fn values_have_three_figures() {
        assert_eq!([123.4, 12.34, 1.234].map(short), ["123", "12.3", "1.23"]);
    }

    fn row(kinds: &[Kind]) -> Row {
        let mut samples = Samples::default();
        for kind in kinds {
            samples.add(Metric::Tcp, *kind, 2.0);
        }
        Row::new(Metric::Tcp, &samples).unwrap()
    }

    #[test]
    fn a_table_has_its_topology_and_the_yardsticks_of_it() {
        let rows = [row(&[Kind::Bridge, Kind::Dvs, Kind::KernelRouted, Kind::DvsRouted])];
        let bridged = network(&rows, Topology::Bridged);
        assert!(bridged.contains("Linux bridge") && !bridged.contains("routed"), "{bridged}");
        let routed = network(&rows, Topology::Routed);
        assert!(!routed.contains("Linux bridge"), "{routed}");
        assert!(routed.contains("| dvs ") && routed.contains("| dvs routed / kernel routed |"), "{routed}");
    }

    #[test]
    fn what_was_not_measured_has_no_table() {
        assert_eq!(network(&[row(&[Kind::Bridge, Kind::Dvs])], Topology::Routed), "");
        assert_eq!(network(&[row(&[Kind::KernelRouted])], Topology::Bridged), "");
    }
}
