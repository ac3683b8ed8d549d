//! `dvs uplink`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    output::{or_dash, word},
    record::{self, Named, Remove},
    session::{Session, Writing},
    table::Cell,
    value::{Number, fields},
};
use crate::model::{Desired, Kind};

/// What to do with uplinks.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Connect a device that leads out of the host.
    ///
    /// Frames of the listed VLANs belong to the switch, all others stay with the host.
    ///
    /// Example: dvs uplink add eth1 --vlans 10,20-29
    Add(Add),
    /// Change fields of an uplink; the others stay as they are.
    ///
    /// Example: dvs uplink set eth1 --xdp generic
    Set(Set),
    /// Show an uplink.
    Show(Named),
    /// List all uplinks, with the hooks that they have in the kernel.
    List,
    /// Give a device back to the host.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Name of the device.
    name: String,

    #[command(flatten)]
    flags: Flags,

    /// Take a device that does not exist yet.
    #[arg(long)]
    allow_missing: bool,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    /// Name of the device.
    name: String,

    #[command(flatten)]
    flags: Flags,

    /// Take a field away.
    #[arg(long, value_name = "FIELD", value_parser = ["vlans", "native", "hosts"])]
    clear: Vec<String>,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
struct Flags {
    /// VLANs that belong to the switch; without the flag, those of all networks.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    vlans: Option<String>,

    /// VLAN of untagged frames; without the flag they stay with the host.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    native: Option<Number>,

    /// Hosts that have the uplink, such as h1,h2; without the flag, every host that has the device.
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<String>,

    /// XDP program: native if the driver can (auto), native or nothing, in the generic hook, or off.
    #[arg(long, value_name = "MODE", value_parser = ["auto", "native", "generic", "off"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    xdp: Option<String>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Uplink;
    match command {
        Command::Add(Add { name, flags, allow_missing, writing }) => {
            record::add(session, KIND, fields(&flags)?, (&name, allow_missing, writing)).await
        }
        Command::Set(Set { name, flags, clear, writing }) => {
            record::set(session, KIND, record::changes(&flags, &clear)?, (&name, false, writing)).await
        }
        Command::Show(named) => record::show(session, KIND, &named).await,
        Command::List => list(session).await,
        Command::Remove(remove) => record::remove(session, KIND, &remove).await,
    }
}

async fn list(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let uplinks = session.client.list(Kind::Uplink).await?;
    if session.structured(&uplinks.objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let states = session.port_states().await?;
    let desired: Desired = uplinks.objects.into_iter().map(|document| document.object).collect();
    let rows = desired.uplinks.values().map(|uplink| {
        let state = record::of(&states, Kind::Uplink, &uplink.name);
        let notes = state.map(|state| state.notes.join("; ")).unwrap_or_default();
        vec![
            Cell::from(&uplink.name),
            Cell::from(uplink.vlans.as_ref().map_or_else(|| "networks".into(), ToString::to_string)),
            Cell::from(or_dash(uplink.native)),
            record::state_cell(state),
            Cell::from(or_dash(state.and_then(|state| state.hook.as_ref()).map(word))),
            Cell::from(or_dash(state.and_then(|state| state.xdp.as_ref()).map(word))),
            Cell::from(notes),
        ]
    });
    let headings = ["NAME", "VLANS", "NATIVE", "STATE", "HOOK", "XDP", "NOTES"];
    session.streams.table(&headings, rows, "there are no uplinks")?;
    Ok(ExitCode::SUCCESS)
}
