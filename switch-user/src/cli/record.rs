//! What the nouns of objects have in common on the command line.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::{
    output::{or_dash, state, word},
    session::{Session, Writing},
    table::Cell,
    value,
};
use crate::{
    model::{Kind, Object},
    report::PortStatus,
};

/// Names an object.
#[derive(Args, Debug)]
pub(super) struct Named {
    /// Name of the object.
    pub(super) name: String,
}

/// Names an object to remove.
#[derive(Args, Debug)]
pub(super) struct Remove {
    /// Name of the object.
    pub(super) name: String,

    #[command(flatten)]
    pub(super) writing: Writing,
}

/// Creates an object.
pub(super) async fn add(
    session: &mut Session<'_, '_>,
    kind: Kind,
    mut fields: Map<String, Value>,
    (name, allow_missing, writing): (&str, bool, Writing),
) -> anyhow::Result<ExitCode> {
    fields.insert("name".into(), name.into());
    let fields = Value::Object(fields);
    session.change(writing, async |client| client.create(kind, &fields, allow_missing).await).await
}

/// Changes fields of an object.
pub(super) async fn set(
    session: &mut Session<'_, '_>,
    kind: Kind,
    fields: Map<String, Value>,
    (name, allow_missing, writing): (&str, bool, Writing),
) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(!fields.is_empty(), "nothing to set: give at least one field, see --help");
    let fields = Value::Object(fields);
    session.change(writing, async |client| client.patch(kind, name, &fields, allow_missing).await).await
}

/// Removes an object.
pub(super) async fn remove(
    session: &mut Session<'_, '_>,
    kind: Kind,
    Remove { name, writing }: &Remove,
) -> anyhow::Result<ExitCode> {
    session.change(*writing, async |client| client.remove(kind, name).await).await
}

/// Prints an object, with the state of its device if it has one.
pub(super) async fn show(
    session: &mut Session<'_, '_>,
    kind: Kind,
    named: &Named,
) -> anyhow::Result<ExitCode> {
    show_with(session, kind, named, None).await
}

/// Prints an object, and a line more if it is for people.
pub(super) async fn show_with(
    session: &mut Session<'_, '_>,
    kind: Kind,
    Named { name }: &Named,
    more: Option<(String, Cell)>,
) -> anyhow::Result<ExitCode> {
    let document = session.client.show(kind, name).await?;
    if session.structured(&document)? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut pairs = vec![("name".to_owned(), Cell::from(name))];
    pairs.extend(lines(document.object));
    pairs.extend(more);
    if matches!(kind, Kind::Port | Kind::Uplink) {
        let states = session.port_states().await?;
        pairs.extend(of(&states, kind, name).map(state_lines).unwrap_or_default());
    }
    session.streams.pairs(pairs)?;
    Ok(ExitCode::SUCCESS)
}

/// The fields of an object as lines.
pub(super) fn lines(object: Object) -> Vec<(String, Cell)> {
    let fields = crate::model::fields(Some(object));
    fields.into_iter().map(|(name, value)| (name, Cell::from(text(&value)))).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(key, value)| format!("{key}={}", text(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// The state of a port or uplink.
pub(super) fn of<'a>(states: &'a [PortStatus], kind: Kind, name: &str) -> Option<&'a PortStatus> {
    states.iter().find(|port| port.name == name && port.uplink == (kind == Kind::Uplink))
}

/// A cell with the state of a port.
pub(super) fn state_cell(port: Option<&PortStatus>) -> Cell {
    port.map_or_else(|| Cell::from("-"), |port| state(port.state))
}

fn state_lines(port: &PortStatus) -> Vec<(String, Cell)> {
    let mut lines = vec![
        ("state".to_owned(), state(port.state)),
        ("ifindex".to_owned(), Cell::from(or_dash(port.ifindex))),
        ("mtu".to_owned(), Cell::from(or_dash(port.mtu))),
        ("hook".to_owned(), Cell::from(or_dash(port.hook.as_ref().map(word)))),
    ];
    if port.uplink {
        lines.push(("xdp runs".to_owned(), Cell::from(or_dash(port.xdp.as_ref().map(word)))));
    }
    lines.extend(port.notes.iter().map(|note| ("note".to_owned(), Cell::from(note))));
    lines
}

/// Flags as fields, without those that are to be cleared.
pub(super) fn changes(
    flags: &impl serde::Serialize,
    cleared: &[String],
) -> anyhow::Result<Map<String, Value>> {
    let mut fields = value::fields(flags)?;
    value::clear(&mut fields, cleared);
    Ok(fields)
}
