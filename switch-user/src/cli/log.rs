//! `dvs log`.

use std::{net::IpAddr, process::ExitCode};

use clap::Args;

use super::{
    flow::end,
    output::{Format, or_dash, word},
    session::Session,
};
use crate::report::LogEvent;

/// Show the packets about which rules that log have decided.
///
/// Without options the last 1,000 events.
///
/// Example: dvs log --follow --port p1
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Go on with the events to come, until interrupted.
    #[arg(short, long)]
    follow: bool,

    /// Only events of this port.
    #[arg(long)]
    port: Option<String>,
}

/// Prints events. JSON that is followed has one object a line, YAML one element of a list each.
pub(super) async fn run(options: &Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let mut lines = session.client.log(&options.port, options.follow).await?;
    if options.follow {
        while let Some(event) = lines.next().await? {
            print(&event, session)?;
            session.streams.output.flush()?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut events = Vec::new();
    while let Some(event) = lines.next().await? {
        events.push(event);
    }
    if session.structured(&events)? {
        return Ok(ExitCode::SUCCESS);
    }
    let headings =
        ["TIME", "PORT", "DIR", "RULE", "ACTION", "PROTO", "SOURCE", "DESTINATION", "NETWORK", "OCTETS"];
    session.streams.table(&headings, events.iter().map(row), "there are no events")?;
    Ok(ExitCode::SUCCESS)
}

fn print(event: &LogEvent, session: &mut Session<'_, '_>) -> anyhow::Result<()> {
    match session.format {
        Format::Table => writeln!(session.streams.output, "{}", row(event).join("  "))?,
        Format::Json => writeln!(session.streams.output, "{}", serde_json::to_string(event)?)?,
        Format::Yaml => {
            session.structured(&[event])?;
        }
    }
    Ok(())
}

fn row(event: &LogEvent) -> Vec<String> {
    vec![
        event.time.clone(),
        event.port.clone(),
        event.direction.clone(),
        format!("{}/{}", event.policy, event.rule),
        action(event),
        protocol(event),
        address(event.source, event.source_port),
        address(event.destination, event.destination_port),
        or_dash(event.network.as_ref()),
        event.octets.to_string(),
    ]
}

/// What the rule does; in brackets if it is staged and so did not.
fn action(event: &LogEvent) -> String {
    let word = word(&event.action);
    if event.staged { format!("({word})") } else { word }
}

/// The protocol, with type and code of an ICMP message; of other frames the ethertype.
fn protocol(event: &LogEvent) -> String {
    let name = or_dash(event.protocol.as_ref().or(event.ethertype.as_ref()));
    match (event.icmp_type, event.icmp_code) {
        (Some(kind), Some(code)) => format!("{name}/{kind}.{code}"),
        _ => name,
    }
}

fn address(address: Option<IpAddr>, port: Option<u16>) -> String {
    or_dash(address.map(|address| end(address, port)))
}
