//! Who is measured when.

use std::{fs, io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result};

use super::{
    Options,
    interrupt::Interrupt,
    machine, netns,
    samples::Samples,
    system::{self, Sharing, System},
    workload::{Metric, Test},
};
use crate::{progress::headline, workspace};

/// A machine that does more than this before a round begins is not quiet.
pub(crate) const BUSY_PERCENT: f64 = 10.0;

/// What a run has measured on the network.
#[derive(Default)]
pub(crate) struct Measured {
    /// All values.
    pub(crate) samples: Samples,
    /// What many ports with one policy take.
    pub(crate) sharing: Option<Sharing>,
    /// How busy something else kept the machine before each round, in percent.
    pub(crate) busy: Vec<f64>,
}

/// Sets everything up, measures in rounds, and removes everything.
pub(crate) fn run(options: &Options, interrupt: &Interrupt) -> Result<Measured> {
    let tests: Vec<_> = options.only.iter().copied().filter(|test| *test != Test::Prog).collect();
    let mut measured = Measured::default();
    if tests.is_empty() {
        return Ok(measured);
    }
    netns::sweep()?;
    let systems = set_up(options, &tests, interrupt)?;
    for round in 0..options.rounds {
        headline(&format!("Round {} of {}", round + 1, options.rounds));
        measured.busy.push(warn_if_busy()?);
        for test in &tests {
            for system in rotated(&systems, round).filter(|system| test.concerns(system.kind)) {
                interrupt.check()?;
                measure(*test, system, options, &mut measured.samples)?;
            }
        }
    }
    if tests.contains(&Test::Change) {
        measured.sharing = share(&systems)?;
    }
    Ok(measured)
}

/// Comes last, because it changes the system.
fn share(systems: &[System]) -> Result<Option<Sharing>> {
    for system in systems {
        if let Some(sharing) = system.share()? {
            return Ok(Some(sharing));
        }
    }
    Ok(None)
}

fn set_up(options: &Options, tests: &[Test], interrupt: &Interrupt) -> Result<Vec<System>> {
    headline("Namespaces, switches and servers");
    let directory = empty_directory()?;
    let mut systems = Vec::new();
    for kind in &options.systems {
        interrupt.check()?;
        let mut system = System::new(*kind, &directory)?;
        for test in tests {
            test.serve(&mut system.lab)?;
        }
        println!("{}", kind.label());
        systems.push(system);
    }
    Ok(systems)
}

/// A directory for the files of switches and servers, without those of an earlier run.
fn empty_directory() -> Result<PathBuf> {
    let directory = workspace::target_dir().join("bench/run");
    if directory.exists() {
        system::sweep(&directory)?;
        fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    Ok(directory)
}

/// All systems, beginning with another one in each round, because whoever follows an idle moment may
/// find a faster machine.
fn rotated(systems: &[System], round: u32) -> impl Iterator<Item = &System> {
    let first = usize::try_from(round).unwrap_or_default() % systems.len().max(1);
    systems.iter().cycle().skip(first).take(systems.len())
}

fn measure(test: Test, system: &System, options: &Options, samples: &mut Samples) -> Result<()> {
    print!("{:<14}", system.kind.label());
    std::io::stdout().flush()?;
    system.wake()?;
    let measured = test.measure(system, options.time());
    system.rest()?;
    for (metric, value) in measured.with_context(|| format!("measuring {}", system.kind.label()))? {
        print!("  {} {}", metric.title(), show(metric, value));
        samples.add(metric, system.kind, value);
    }
    println!();
    Ok(())
}

fn show(metric: Metric, value: f64) -> String {
    format!("{value:.2} {}", metric.unit())
}

fn warn_if_busy() -> Result<f64> {
    let busy = machine::busy_percent()?;
    if busy > BUSY_PERCENT {
        println!("warning: something else keeps the machine {busy:.0} % busy; the numbers will suffer");
    }
    Ok(busy)
}
