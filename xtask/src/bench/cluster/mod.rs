//! A manager with etcd and many simulated hosts: how long things take, and what they cost.

mod lab;
mod measured;
mod report;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};

use super::{
    interrupt::Interrupt,
    machine::{Machine, busy_percent},
    netns, tool,
};
use crate::{
    progress::headline,
    setup::{self, Part},
    workspace,
};
use lab::Lab;
use report::Report;

/// Measures one manager with three members of etcd and a thousand simulated hosts.
///
/// All of it is on this machine: real etcd, the real manager with certificates, and hosts that speak the real
/// protocol to it and apply what they hear to a datapath that does nothing. It runs in a network namespace and a
/// directory of its own, which are removed at the end. The table goes to stdout; table and JSON go to target/bench.
/// A run takes about five minutes and wants the machine for itself.
///
/// Examples:
///   cargo xtask bench cluster
///   cargo xtask bench cluster --hosts 100 --ports 20
///   cargo xtask bench cluster --write-docs     also put the tables into docs/BENCHMARKS.md
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Hosts, besides ten with a thousand ports each
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(60..=5000))]
    hosts: u32,
    /// Ports of each
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=1000))]
    ports: u32,
    /// Write the JSON to this file too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Put the tables into docs/BENCHMARKS.md
    #[arg(long)]
    write_docs: bool,
}

/// Runs the benchmark and writes table and JSON to `<target dir>/bench`.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ensure(&[Part::Build, Part::Run, Part::Bench])?;
    tool::build_with_dvs()?;
    let interrupt = Interrupt::catch()?;
    netns::sweep()?;
    let (machine, busy) = (Machine::describe()?, busy_percent()?);
    headline("Cluster");
    let lab = Lab::start(&interrupt)?;
    let measured = lab.measure(options, &interrupt)?;
    let command = format!("cargo xtask bench cluster --hosts {} --ports {}", options.hosts, options.ports);
    publish(&Report::new(command, machine, busy, measured), options)
}

fn publish(report: &Report, options: &Options) -> Result<()> {
    let directory = workspace::target_dir().join("bench");
    fs::create_dir_all(&directory)?;
    let (json, tables) = (serde_json::to_string_pretty(report)?, report.tables());
    fs::write(directory.join("cluster.json"), &json)?;
    fs::write(directory.join("cluster.md"), &tables)?;
    if let Some(file) = &options.json {
        fs::write(file, &json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if options.write_docs {
        report.write_docs()?;
    }
    println!("\n{tables}\nThe same as JSON: {}", directory.display());
    Ok(())
}
