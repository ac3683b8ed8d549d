//! `dvs router`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    output::{joined, word},
    record::{self, Named, Remove},
    session::{Session, Writing},
    value::fields,
};
use crate::model::Kind;

/// What to do with routers.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a router. Networks join it with their own --router.
    ///
    /// Example: dvs router add r1
    Add(Add),
    /// Change fields of a router; the others stay as they are.
    ///
    /// Example: dvs router set r1 --reverse-path off
    Set(Add),
    /// Show a router.
    Show(Named),
    /// List all routers.
    List,
    /// Remove a router that has neither networks nor routes.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Name of the router: letters, digits and . _ -
    name: String,

    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Flags {
    /// Whether the source of a packet must be reachable through the network that it came from.
    #[arg(long, value_name = "MODE", value_parser = ["strict", "off"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    reverse_path: Option<String>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Router;
    match command {
        Command::Add(Add { name, flags, writing }) => {
            record::add(session, KIND, fields(&flags)?, (&name, false, writing)).await
        }
        Command::Set(Add { name, flags, writing }) => {
            record::set(session, KIND, fields(&flags)?, (&name, false, writing)).await
        }
        Command::Show(named) => record::show(session, KIND, &named).await,
        Command::List => list(session).await,
        Command::Remove(remove) => record::remove(session, KIND, &remove).await,
    }
}

async fn list(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let objects = session.client.list(Kind::Router).await?.objects;
    if session.structured(&objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let desired = session.desired().await?;
    let rows = desired.routers.values().map(|router| {
        let networks =
            desired.networks.values().filter(|network| network.router.as_ref() == Some(&router.name));
        let networks: Vec<&str> = networks.map(|network| network.name.as_str()).collect();
        let routes = desired.routes.values().filter(|route| route.router == router.name);
        vec![router.name.clone(), word(&router.reverse_path), joined(&networks), routes.count().to_string()]
    });
    session.streams.table(&["NAME", "REVERSE-PATH", "NETWORKS", "ROUTES"], rows, "there are no routers")?;
    Ok(ExitCode::SUCCESS)
}
