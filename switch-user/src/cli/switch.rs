//! `dvs switch`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::{
    record,
    session::{Session, Writing},
    value::{Number, fields},
};

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Change settings; the others stay as they are.
    ///
    /// Example: dvs switch set --ageing 600
    Set(Set),
    /// Show all settings.
    Show,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Flags {
    /// Seconds for which a learned address is believed after its last frame; 0 for ever.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ageing: Option<Number>,

    /// Most entries of the forwarding database.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    fdb_capacity: Option<Number>,

    /// Most flows of each family, IPv4 and IPv6; a connection is two of them.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_capacity: Option<Number>,

    /// Rows of 128 octets for compiled rules.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_capacity: Option<Number>,

    /// Most counts of rules: each has one at each port where it ever decided.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    hit_capacity: Option<Number>,

    /// Address of every gateway towards the ports, the same on all hosts.
    #[arg(long, value_name = "MAC")]
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_mac: Option<String>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Set(Set { flags, writing }) => {
            let fields = fields(&flags)?;
            anyhow::ensure!(!fields.is_empty(), "nothing to set: give at least one setting, see --help");
            let fields = Value::Object(fields);
            session.change(writing, async |client| client.patch_switch(&fields).await).await
        }
        Command::Show => show(session).await,
    }
}

async fn show(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let document = session.client.switch().await?;
    if !session.structured(&document)? {
        session.streams.pairs(record::lines(document.object))?;
    }
    Ok(ExitCode::SUCCESS)
}
