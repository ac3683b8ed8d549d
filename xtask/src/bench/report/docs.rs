//! The part of docs/BENCHMARKS.md that a run writes.

use std::fs;

use anyhow::{Context as _, Result};

use super::{BUSY_PERCENT, Report, plot, tables::tables};
use crate::workspace;

const FILE: &str = "docs/BENCHMARKS.md";
const PICTURE: &str = "docs/benchmarks.svg";
const BEGIN: &str = "<!-- results: begin, written by cargo xtask bench --write-docs -->\n";
const END: &str = "<!-- results: end -->";

/// Replaces the results in the document, and the picture beside it.
pub(crate) fn write_docs(report: &Report) -> Result<()> {
    let file = workspace::root().join(FILE);
    let old = fs::read_to_string(&file).with_context(|| format!("cannot read {FILE}"))?;
    let new = replaced(&old, &results(report))
        .with_context(|| format!("{FILE} has no place for results; it is between {BEGIN}and {END}"))?;
    fs::write(workspace::root().join(PICTURE), plot(report))?;
    fs::write(&file, new).with_context(|| format!("cannot write {FILE}"))
}

fn results(report: &Report) -> String {
    let machine = &report.machine;
    let commit = machine.commit.as_deref().unwrap_or("unknown");
    format!(
        "`{}`\n\n{}, {} CPUs, Linux {}, {}, commit {commit}.{}\n\n![All results as bars](benchmarks.svg)\n\n{}",
        report.command,
        machine.cpu,
        machine.cpus,
        machine.kernel,
        machine.date,
        noise(&report.busy),
        tables(report)
    )
}

/// What a reader has to know of a machine that did something else as well.
fn noise(busy: &[f64]) -> String {
    let most = busy.iter().copied().fold(0.0, f64::max);
    if most <= BUSY_PERCENT {
        return String::new();
    }
    format!(
        " Something else kept the machine up to {most:.0} % busy: ratios are within a round, absolute numbers \
         are too bad."
    )
}

/// The document with other results; `None` if it has no place for them.
fn replaced(document: &str, results: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{results}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_told_of() {
        assert_eq!(noise(&[]) + &noise(&[3.0, 9.9]), "");
        assert!(noise(&[3.0, 97.6]).contains("up to 98 % busy"));
    }

    #[test]
    fn only_the_results_are_replaced() {
        let document = format!("before\n{BEGIN}old\n{END}\nafter\n");
        let once = replaced(&document, "new").unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(replaced(&once, "new"), Some(once));
        assert_eq!(replaced("no place", "new"), None);
    }
}
