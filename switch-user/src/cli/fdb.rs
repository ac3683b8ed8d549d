//! `dvs fdb`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{output::or_dash, session::Session};
use crate::client::FdbFilter;

/// The verb may be left out, because there is only one.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the stations that the switch knows.
    ///
    /// Example: dvs fdb list --network blue
    List(Filter),
}

#[derive(Args, Debug, Default)]
struct Filter {
    /// Only stations of this network.
    #[arg(long, value_name = "NET")]
    network: Option<String>,

    /// Only stations at this port or uplink.
    #[arg(long)]
    port: Option<String>,

    /// Only the station with this address.
    #[arg(long)]
    mac: Option<String>,
}

/// Lists stations.
pub(super) async fn run(options: Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let filter = options.command.map(|Command::List(filter)| filter).unwrap_or_default();
    let Filter { network, port, mac } = filter;
    let entries = session.client.fdb(&FdbFilter { network, port, mac }).await?;
    if session.structured(&entries)? {
        return Ok(ExitCode::SUCCESS);
    }
    let rows = entries.iter().map(|entry| {
        vec![
            or_dash(entry.network.as_ref()),
            entry.vlan.to_string(),
            entry.mac.to_string(),
            entry.port.clone(),
            if entry.is_static { "static" } else { "learned" }.to_owned(),
            or_dash(entry.age.map(|seconds| format!("{seconds}s"))),
        ]
    });
    let headings = ["NETWORK", "VLAN", "MAC", "PORT", "TYPE", "AGE"];
    session.streams.table(&headings, rows, "no stations are known")?;
    Ok(ExitCode::SUCCESS)
}
