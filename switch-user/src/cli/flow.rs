//! `dvs flow`.

use std::{net::IpAddr, process::ExitCode};

use clap::{Args, Subcommand};

use super::{
    output::{joined, or_dash, word},
    session::Session,
};
use crate::report::{FlowEntry, FlowFilter};

/// The verb may be left out, because there is only one.
#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the connections that are routed, each direction in a line of its own.
    ///
    /// Example: dvs flow list --port p1
    List(Filter),
}

#[derive(Args, Debug, Default)]
struct Filter {
    /// Only flows from or to this port or uplink.
    #[arg(long)]
    port: Option<String>,

    /// Only flows of this router.
    #[arg(long)]
    router: Option<String>,
}

/// Lists flows.
pub(super) async fn run(options: Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let filter = options.command.map(|Command::List(filter)| filter).unwrap_or_default();
    let Filter { port, router } = filter;
    let flows = session.client.flows(&FlowFilter { port, router, ..FlowFilter::default() }).await?;
    if session.structured(&flows)? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut headings = vec![
        "PORT",
        "TO",
        "ROUTER",
        "PROTO",
        "SOURCE",
        "DESTINATION",
        "STATE",
        "AGE",
        "IDLE",
        "PACKETS",
        "BYTES",
        "PATH",
    ];
    // Without a firewall, no flow has rules.
    let rules = flows.iter().any(|flow| !flow.rules.is_empty());
    headings.extend(rules.then_some("RULES"));
    let row = |flow| row(flow).into_iter().chain(rules.then(|| joined(&flow.rules))).collect();
    session.streams.table(&headings, flows.iter().map(row), "there are no flows")?;
    Ok(ExitCode::SUCCESS)
}

fn row(flow: &FlowEntry) -> Vec<String> {
    vec![
        flow.port.clone(),
        flow.to_port.clone(),
        or_dash(flow.router.as_ref()),
        flow.protocol.clone(),
        end(flow.source, flow.source_port),
        end(flow.destination, flow.destination_port),
        word(&flow.state),
        format!("{}s", flow.age_seconds),
        format!("{}s", flow.idle_seconds),
        flow.packets.to_string(),
        flow.bytes.to_string(),
        flow.path.clone(),
    ]
}

/// An end of a connection: address and port.
pub(super) fn end(address: IpAddr, port: Option<u16>) -> String {
    match (address, port) {
        (IpAddr::V6(address), Some(port)) => format!("[{address}]:{port}"),
        (IpAddr::V4(address), Some(port)) => format!("{address}:{port}"),
        (address, None) => address.to_string(),
    }
}
