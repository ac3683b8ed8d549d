//! `dvs group`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    output::{joined, or_dash},
    record::{self, Named, Remove},
    session::{Session, Writing},
    value::{self, Label},
};
use crate::model::{Group, Kind, Object, Port, members};

/// Names of members in a cell at most.
const SHOWN: usize = 5;

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a group. Whoever any of its flags names is a member.
    #[command(after_help = "Examples:
  dvs group add web-vms --selector tier=web,zone=a
  dvs group add office --prefixes 192.0.2.0/24,2001:db8::/64 --groups web-vms")]
    Add(Add),
    /// Change fields of a group; the others stay as they are. A list replaces the one before.
    ///
    /// Example: dvs group set web-vms --ports p1,p2 --clear selector
    Set(Set),
    /// Show a group.
    Show(Named),
    /// List all groups, with the ports that are members.
    List,
    /// Remove a group that no policy, rule or group names.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Name of the group: letters, digits and . _ -
    name: String,

    #[command(flatten)]
    flags: Flags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    /// Name of the group.
    name: String,

    #[command(flatten)]
    flags: Flags,

    /// Take a field away.
    #[arg(long, value_name = "FIELD", value_parser = ["selector", "ports", "prefixes", "groups"])]
    clear: Vec<String>,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
struct Flags {
    /// Labels that a port must have, all of them, to be a member.
    #[arg(long, value_name = "KEY=VALUE,...", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "value::labels")]
    selector: Vec<Label>,

    /// Ports that are members.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<String>,

    /// Addresses that are members, for rules; no policy applies to a port because of them.
    #[arg(long, value_name = "CIDR,...", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefixes: Vec<String>,

    /// Groups whose members are members.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Group;
    match command {
        Command::Add(Add { name, flags, writing }) => {
            record::add(session, KIND, value::fields(&flags)?, (&name, false, writing)).await
        }
        Command::Set(Set { name, flags, clear, writing }) => {
            let mut fields = record::changes(&flags, &clear)?;
            if let Some(Value::Object(selector)) = fields.get_mut("selector") {
                let document = session.client.show(KIND, &name).await?;
                replace(selector, &document.object);
            }
            record::set(session, KIND, fields, (&name, false, writing)).await
        }
        Command::Show(named) => record::show(session, KIND, &named).await,
        Command::List => list(session).await,
        Command::Remove(remove) => record::remove(session, KIND, &remove).await,
    }
}

/// Lets a selector replace the one before, to which it would be added.
fn replace(selector: &mut Map<String, Value>, before: &Object) {
    if let Object::Group(Group { selector: before, .. }) = before {
        for key in before.keys() {
            selector.entry(key).or_insert(Value::Null);
        }
    }
}

async fn list(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let groups = session.client.list(Kind::Group).await?;
    if session.structured(&groups.objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let desired = session.desired().await?;
    let members = members(&desired);
    let rows = desired.groups.values().map(|group| {
        let selector: Vec<String> =
            group.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let members = members.get(group.name.as_str());
        vec![
            group.name.clone(),
            joined(&selector),
            joined(&group.groups),
            members.map_or_else(|| "-".into(), |members| joined(&members.prefixes)),
            or_dash(members.and_then(|members| names(&members.ports))),
        ]
    });
    let headings = ["NAME", "SELECTOR", "GROUPS", "PREFIXES", "PORTS"];
    session.streams.table(&headings, rows, "there are no groups")?;
    Ok(ExitCode::SUCCESS)
}

/// The names of some of the ports, and how many there are besides.
fn names(ports: &[&Port]) -> Option<String> {
    let names: Vec<&str> = ports.iter().take(SHOWN).map(|port| port.name.as_str()).collect();
    let more = ports.len() - names.len();
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(names.join(",")),
        (false, _) => Some(format!("{} and {more} others", names.join(","))),
    }
}
