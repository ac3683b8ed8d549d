//! Tables that are readable as they are and as Markdown.

use std::fmt::Write as _;

use super::{
    super::programs::{Program, Timing},
    Cell, Kind, Report, Row,
    aims::{Aim, Bound},
};

/// All tables, one after the other.
pub(crate) fn tables(report: &Report) -> String {
    [network(&report.network), programs(&report.programs), aims(&report.aims)]
        .into_iter()
        .filter(|table| !table.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn network(rows: &[Row]) -> String {
    let present = |kind: &Kind| rows.iter().any(|row| row.cell(*kind).is_some());
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(present).collect();
    let head = std::iter::once("Median (least - greatest)".to_owned());
    let head = head.chain(kinds.iter().map(|kind| kind.label().to_owned()));
    let head = head.chain(["dvs / bridge".to_owned(), "dvs / better redirect".to_owned()]).collect();
    let body = rows.iter().map(|row| network_line(row, &kinds)).collect();
    align(head, body)
}

fn network_line(row: &Row, kinds: &[Kind]) -> Vec<String> {
    let name = format!("{}, {}", row.metric.title(), row.unit);
    let cells = kinds.iter().map(|kind| row.cell(*kind).map_or_else(missing, spread));
    let ratios = [row.to_bridge, row.to_redirect]
        .map(|ratio| ratio.map_or_else(missing, |ratio| format!("{ratio:.2}")));
    std::iter::once(name).chain(cells).chain(ratios).collect()
}

fn spread(cell: &Cell) -> String {
    let summary = cell.summary;
    format!("{} ({} - {})", short(summary.median), short(summary.min), short(summary.max))
}

fn programs(timings: &[Timing]) -> String {
    let mut sizes: Vec<_> = timings.iter().filter_map(size).collect();
    sizes.sort_unstable_by_key(|(stations, ports)| (*ports, *stations));
    sizes.dedup();
    let head = std::iter::once("ns a frame: median (least)".to_owned());
    let head =
        head.chain(std::iter::once("no tables".to_owned())).chain(sizes.iter().map(|size| size_title(*size)));
    let columns: Vec<_> = std::iter::once(None).chain(sizes.iter().copied().map(Some)).collect();
    let line = |program: Program| {
        let of_program = timings.iter().filter(|timing| timing.program == program).collect::<Vec<_>>();
        let cell = |column| {
            of_program
                .iter()
                .find(|timing| size(timing) == column)
                .map_or_else(missing, |timing| time(timing))
        };
        std::iter::once(program.title().to_owned()).chain(columns.iter().copied().map(cell)).collect()
    };
    let known = |program: &Program| timings.iter().any(|timing| timing.program == *program);
    align(head.collect(), Program::ALL.into_iter().filter(known).map(line).collect())
}

fn size(timing: &Timing) -> Option<(u32, u32)> {
    timing.stations.zip(timing.ports)
}

fn size_title((stations, ports): (u32, u32)) -> String {
    let stations = match stations {
        1_000_000.. => format!("{} M", stations / 1_000_000),
        1_000.. => format!("{} k", stations / 1_000),
        _ => stations.to_string(),
    };
    format!("{stations} stations, {ports} ports")
}

fn time(timing: &Timing) -> String {
    timing.summary().map_or_else(missing, |summary| format!("{:.0} ({:.0})", summary.median, summary.min))
}

fn aims(aims: &[Aim]) -> String {
    let head = ["Aim", "wanted", "measured", "met"].map(str::to_owned).to_vec();
    let line = |aim: &Aim| {
        let met = if aim.met { "yes" } else { "no" };
        vec![aim.what.clone(), bound(aim.wanted), format!("{:.2}", aim.measured), met.to_owned()]
    };
    align(head, aims.iter().map(line).collect())
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::AtLeast(value) => format!("at least {value}"),
        Bound::MoreThan(value) => format!("more than {value}"),
        Bound::AtMost(value) => format!("at most {value}"),
    }
}

/// Three figures are what such measurements are worth.
pub(super) fn short(value: f64) -> String {
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
fn align(head: Vec<String>, body: Vec<Vec<String>>) -> String {
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
    use super::*;

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

    #[test]
    fn sizes_are_named_by_their_order() {
        assert_eq!(size_title((10, 1_000)), "10 stations, 1000 ports");
        assert_eq!(size_title((10_000, 2)), "10 k stations, 2 ports");
        assert_eq!(size_title((1_000_000, 2)), "1 M stations, 2 ports");
    }
}
