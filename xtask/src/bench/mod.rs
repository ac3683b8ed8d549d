//! Compares the switch with its peers, in one run.
//!
//! All switches exist at the same time, each between two namespaces of its own, and take turns: in a
//! round each is measured once by each test, and each round begins with another one. A machine that
//! changes during the run so changes for all of them, and ratios are taken within a round.

mod cluster;
mod interrupt;
mod lab;
mod machine;
mod netns;
mod process;
mod programs;
mod report;
mod rounds;
mod samples;
mod system;
mod tool;
mod topology;
mod workload;

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

use crate::{
    build,
    setup::{self, Part},
    workspace,
};
use interrupt::Interrupt;
use machine::Machine;
use programs::Programs;
use report::Report;
use system::Kind;
use workload::Test;

/// Compares the switch with a bare veth pair, the Linux bridge, bare redirects and Open vSwitch, the
/// router with the kernel's, and the firewall with nftables.
///
/// Everything that is measured runs in network namespaces that are removed at the end. The table
/// goes to stdout; table, JSON and plot go to target/bench. A full run takes about twenty minutes
/// and wants the machine for itself: whatever else runs is in the numbers.
///
/// Examples:
///   cargo xtask bench
///   cargo xtask bench --only tcp,udp --systems bridge,dvs --rounds 3 --seconds 1
///   cargo xtask bench --only latency --systems dvs,dvs-routed,kernel-routed
///   cargo xtask bench --only conn,change --systems nft-10k,dvs-10k
///   cargo xtask bench --write-docs         also put the tables into docs/BENCHMARKS.md
///   cargo xtask bench cluster              a manager with a thousand hosts instead
#[derive(clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    subject: Option<Subject>,
    /// How often to measure everything
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds of one measurement
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// What to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Test::ALL)]
    only: Vec<Test>,
    /// What to compare
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::ALL)]
    systems: Vec<Kind>,
    /// Write the JSON to this file too
    #[arg(long, value_name = "FILE")]
    json: Option<std::path::PathBuf>,
    /// Put the tables into docs/BENCHMARKS.md
    #[arg(long)]
    write_docs: bool,
}

/// What is measured apart from all others.
#[derive(clap::Subcommand)]
enum Subject {
    Cluster(cluster::Options),
}

impl Options {
    /// The command that would do the same again, without where results go.
    fn command(&self) -> String {
        let mut words =
            vec![format!("cargo xtask bench --rounds {} --seconds {}", self.rounds, self.seconds)];
        if self.only != Test::ALL {
            words.push(format!("--only {}", names(&self.only)));
        }
        if self.systems != Kind::ALL {
            words.push(format!("--systems {}", names(&self.systems)));
        }
        words.join(" ")
    }

    const fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn names<T: clap::ValueEnum>(values: &[T]) -> String {
    let names = values.iter().filter_map(clap::ValueEnum::to_possible_value);
    names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(",")
}

/// Runs the benchmarks and writes table, JSON and plot to `<target dir>/bench`.
pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(Subject::Cluster(options)) = &options.subject {
        return cluster::run(options);
    }
    setup::ensure(&[Part::Build, Part::Run, Part::Bench])?;
    if options.systems.iter().any(|kind| kind.is_ours()) || options.only.contains(&Test::Prog) {
        build::all()?;
    }
    tool::build()?;
    let interrupt = Interrupt::catch()?;
    let report = measure(options, &interrupt)?;
    publish(&report, options)
}

fn measure(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let machine = Machine::describe()?;
    let measured = rounds::run(options, interrupt)?;
    let programs = if options.only.contains(&Test::Prog) { programs::run()? } else { Programs::default() };
    Ok(Report::new(options.command(), machine, measured, programs))
}

fn publish(report: &Report, options: &Options) -> Result<()> {
    let directory = workspace::target_dir().join("bench");
    fs::create_dir_all(&directory)?;
    let (json, tables) = (serde_json::to_string_pretty(report)?, report::tables(report));
    fs::write(directory.join("bench.json"), &json)?;
    fs::write(directory.join("bench.md"), &tables)?;
    fs::write(directory.join("bench.svg"), report::plot(report))?;
    if let Some(file) = &options.json {
        fs::write(file, &json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if options.write_docs {
        report::write_docs(report)?;
    }
    println!("\n{tables}\nThe same as JSON and as a plot: {}", directory.display());
    Ok(())
}
