//! `dvs stats`.

use std::process::ExitCode;

use clap::Args;

use super::session::Session;
use crate::report::Counters;

/// Which counters to show.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Only this port or uplink.
    port: Option<String>,

    /// A row for every CPU. JSON and YAML always have them.
    #[arg(long)]
    per_cpu: bool,
}

/// Prints counters. `in` is towards the VM, `out` is from it.
pub(super) async fn run(options: &Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let stats = session.client.stats(&options.port).await?;
    if session.structured(&stats)? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = Vec::new();
    for port in &stats {
        if options.per_cpu {
            let cpus = port.cpus.iter().enumerate();
            rows.extend(cpus.map(|(cpu, counters)| row(&[port.port.clone(), cpu.to_string()], counters)));
        } else {
            rows.push(row(std::slice::from_ref(&port.port), &port.total));
        }
    }
    let first: &[&str] = if options.per_cpu { &["PORT", "CPU"] } else { &["PORT"] };
    let headings = [first, COUNTERS].concat();
    session.streams.table(&headings, rows, "there are no ports")?;
    Ok(ExitCode::SUCCESS)
}

const COUNTERS: &[&str] = &[
    "IN-PACKETS",
    "IN-BYTES",
    "OUT-PACKETS",
    "OUT-BYTES",
    "FLOODED",
    "LEARNED",
    "MOVED",
    "LIMITED",
    "FULL",
    "ROUTED",
    "ANSWERED",
    "LIMITED-ERRORS",
    "FLOW-FULL",
    "HITS-FULL",
];

fn row(first: &[String], counters: &Counters) -> Vec<String> {
    let numbers = [
        counters.in_packets,
        counters.in_bytes,
        counters.out_packets,
        counters.out_bytes,
        counters.flooded,
        counters.learned,
        counters.moved,
        counters.limited,
        counters.full,
        counters.routed,
        counters.answered,
        counters.limited_errors,
        counters.flow_full,
        counters.hits_full,
    ];
    first.iter().cloned().chain(numbers.map(|number| number.to_string())).collect()
}
