//! `dvs host`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    moves,
    output::or_dash,
    record::{self, Named, Remove},
    session::{Session, Writing},
    table::{Cell, Colour},
    value::{self, Label},
};
use crate::{
    api::{HostEntry, HostState},
    model::Kind,
};

/// What to do with hosts.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a host. It also comes into being by itself, when its agent reports for the first time.
    ///
    /// Example: dvs host add h1 --ha-group rack1
    Add(Add),
    /// Change fields of a host; the others stay as they are.
    ///
    /// Labels are added to those before.
    ///
    /// Example: dvs host set h1 --ha-group rack2 --clear label
    ///
    /// Example: dvs host set h1 --underlay 192.0.2.1
    Set(Set),
    /// Have all ports of a host ready at others, where each goes when its VM runs there.
    ///
    /// Each goes to the host that has the fewest ports then. See dvs port move.
    #[command(after_help = "Examples:
  dvs host drain h1 --wait --timeout 600
  dvs host drain h1 --to h2,h3 --now
  dvs host drain h1 --cancel")]
    Drain(moves::Drain),
    /// Show a host.
    Show(Named),
    /// List all hosts: whether they are alive, and how far they have come.
    List,
    /// Remove a host that no uplink names. Its ports are bound to nobody who could have them.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Name of the host: letters, digits and . _ -
    name: String,

    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    /// Name of the host.
    name: String,

    #[command(flatten)]
    flags: Flags,

    /// Take a field away.
    #[arg(long, value_name = "FIELD", value_parser = ["ha-group", "underlay", "label"])]
    clear: Vec<String>,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Flags {
    /// Hosts of one group know each other's ports and may take them over with every manager down.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ha_group: Option<String>,

    /// Address by which other hosts reach this one through tunnels, for overlay networks.
    #[arg(long, value_name = "IP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    underlay: Option<String>,

    /// Label of the host; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "value::labels")]
    label: Vec<Label>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Host;
    match command {
        Command::Add(Add { name, flags, writing }) => {
            record::add(session, KIND, value::fields(&flags)?, (&name, false, writing)).await
        }
        Command::Set(Set { name, flags, clear, writing }) => {
            record::set(session, KIND, record::changes(&flags, &clear)?, (&name, false, writing)).await
        }
        Command::Drain(command) => moves::drain(session, command).await,
        Command::Show(named) => record::show(session, KIND, &named).await,
        Command::List => list(session).await,
        Command::Remove(remove) => record::remove(session, KIND, &remove).await,
    }
}

async fn list(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let hosts = session.client.cluster_hosts().await?;
    if !session.structured(&hosts)? {
        table(session, &hosts)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what is known of hosts.
pub(super) fn table(session: &mut Session<'_, '_>, hosts: &[HostEntry]) -> std::io::Result<()> {
    let headings = ["NAME", "STATE", "SINCE", "APPLIED", "LAG", "PORTS", "ERRORS"];
    session.streams.table(&headings, hosts.iter().map(row), "there are no hosts")
}

fn row(host: &HostEntry) -> Vec<Cell> {
    let state = match host.state {
        HostState::Alive => Cell::coloured("alive", Colour::Green),
        HostState::Dead => Cell::coloured("dead", Colour::Red),
    };
    let applied = host.report.as_ref().map(|report| &report.applied);
    vec![
        Cell::from(&host.name),
        state,
        Cell::from(or_dash(host.since.map(|since| format!("{since} s")))),
        Cell::from(or_dash(applied.map(|applied| applied.generation))),
        Cell::from(or_dash(host.lag)),
        Cell::from(host.bound.to_string()),
        Cell::from(or_dash(applied.map(|applied| applied.errors.len()))),
    ]
}
