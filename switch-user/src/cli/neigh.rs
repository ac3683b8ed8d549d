//! `dvs neigh`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{
    output::{or_dash, word},
    session::Session,
};

/// The verb may be left out, because there is only one.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the IP addresses that the routers know, and whose they are.
    ///
    /// Example: dvs neigh list --network blue
    List(Filter),
}

#[derive(Args, Debug, Default)]
struct Filter {
    /// Only addresses in this network.
    #[arg(long, value_name = "NET")]
    network: Option<String>,
}

/// Lists neighbours.
pub(super) async fn run(options: Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let filter = options.command.map(|Command::List(filter)| filter).unwrap_or_default();
    let neighbours = session.client.neighbours(&filter.network).await?;
    if session.structured(&neighbours)? {
        return Ok(ExitCode::SUCCESS);
    }
    let rows = neighbours.iter().map(|neighbour| {
        vec![
            or_dash(neighbour.network.as_ref()),
            neighbour.ip.to_string(),
            or_dash(neighbour.mac),
            word(&neighbour.state),
            or_dash(neighbour.port.as_ref()),
            or_dash(neighbour.last_heard_seconds.map(|seconds| format!("{seconds}s"))),
        ]
    });
    let headings = ["NETWORK", "IP", "MAC", "STATE", "PORT", "HEARD"];
    session.streams.table(&headings, rows, "no neighbours are known")?;
    Ok(ExitCode::SUCCESS)
}
