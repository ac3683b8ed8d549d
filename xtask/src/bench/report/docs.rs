//! The part of docs/BENCHMARKS.md that a run writes.

use std::fs;

use anyhow::{Context as _, Result};

use super::{BUSY_PERCENT, Machine, Report, plot, tables::tables};
use crate::workspace;

const FILE: &str = "docs/BENCHMARKS.md";
const PICTURE: &str = "docs/benchmarks.svg";

/// A place in the document that a run replaces.
#[derive(Clone, Copy)]
pub(crate) enum Section {
    /// Switches, programs and rules.
    Switches,
    /// Many hosts.
    Cluster,
}

impl Section {
    /// The lines before and after it.
    const fn marks(self) -> [&'static str; 2] {
        match self {
            Self::Switches => [
                "<!-- results: begin, written by cargo xtask bench --write-docs -->\n",
                "<!-- results: end -->",
            ],
            Self::Cluster => [
                "<!-- cluster: begin, written by cargo xtask bench cluster --write-docs -->\n",
                "<!-- cluster: end -->",
            ],
        }
    }
}

/// Replaces the results in the document, and the picture beside it.
pub(crate) fn write_docs(report: &Report) -> Result<()> {
    fs::write(workspace::root().join(PICTURE), plot(report))?;
    let results = format!("![All results as bars](benchmarks.svg)\n\n{}", tables(report));
    write_section(Section::Switches, &report.command, &report.machine, &report.busy, &results)
}

/// Replaces a part of the document by these results of a command, and says on what machine they are from.
pub(crate) fn write_section(
    section: Section,
    command: &str,
    machine: &Machine,
    busy: &[f64],
    results: &str,
) -> Result<()> {
    let file = workspace::root().join(FILE);
    let old = fs::read_to_string(&file).with_context(|| format!("cannot read {FILE}"))?;
    let commit = machine.commit.as_deref().unwrap_or("unknown");
    let head = format!(
        "`{command}`\n\n{}, {} CPUs, Linux {}, {}, commit {commit}.{}",
        machine.cpu,
        machine.cpus,
        machine.kernel,
        machine.date,
        noise(busy),
    );
    let [begin, end] = section.marks();
    let new = replaced(&old, section, &format!("{head}\n\n{results}"))
        .with_context(|| format!("{FILE} has no place for results; it is between {begin}and {end}"))?;
    fs::write(&file, new).with_context(|| format!("cannot write {FILE}"))
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
fn replaced(document: &str, section: Section, results: &str) -> Option<String> {
    let [begin, end] = section.marks();
    let (before, rest) = document.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{results}\n{end}{after}"))
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
        for section in [Section::Switches, Section::Cluster] {
            let [begin, end] = section.marks();
            let document = format!("before\n{begin}old\n{end}\nafter\n");
            let once = replaced(&document, section, "new").unwrap();
            assert_eq!(once, format!("before\n{begin}\nnew\n{end}\nafter\n"));
            assert_eq!(replaced(&once, section, "new"), Some(once));
            assert_eq!(replaced("no place", section, "new"), None);
        }
    }
}
