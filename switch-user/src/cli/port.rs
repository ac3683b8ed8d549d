//! `dvs port`.

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    moves,
    output::{Format, joined, or_dash, spaced},
    policy,
    record::{self, Named, Remove},
    session::{Session, Writing},
    table::{Cell, Colour},
    value::{self, Label, Number},
};
use crate::{
    api::{Binding, BindingEntry},
    model::{Desired, Kind, Port},
};

/// What to do with ports.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a port, in a network or as a trunk.
    ///
    /// A port with MAC or IP addresses is guarded: only these may send. Without them it learns.
    #[command(after_help = "Examples:
  dvs port add p1 --network blue --device v1 --mac 02:00:00:00:00:01 --ip 10.0.10.1
  dvs port add p4 --trunk 10,20-29 --native 10 --device v4 --wait")]
    Add(Add),
    /// Change fields of a port; the others stay as they are.
    ///
    /// A list replaces the one before, labels are added to those before.
    #[command(after_help = "Examples:
  dvs port set p1 --network green
  dvs port set p1 --admin down --clear ip")]
    Set(Set),
    /// Plug a device into a port.
    ///
    /// Example: dvs port attach p1 --device v1
    Attach(Attach),
    /// Unplug the device of a port; the port keeps its other fields.
    Detach(Remove),
    /// Have a port ready at another host, where it goes when its VM runs there.
    ///
    /// The other host has the port's network, rules and routes in place before this one lets go, and keeps it closed.
    /// It opens there when the device there sends a first frame, or the one here is gone.
    #[command(after_help = "Examples:
  dvs port move p1 --to h3 --wait
  dvs port move p1 --to h3 --device tap7 --now
  dvs port move p1 --cancel")]
    Move(moves::Move),
    /// Show a port, the policies that apply to it, and the state of its device.
    Show(Named),
    /// List all ports.
    List,
    /// Remove a port.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Name of the port: letters, digits and . _ -
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
    /// Name of the port.
    name: String,

    #[command(flatten)]
    flags: Flags,

    /// Take a field away.
    #[arg(long, value_name = "FIELD", value_parser = ["native", "device", "mac", "ip", "label", "firewall"])]
    clear: Vec<String>,

    /// Take a device that does not exist yet.
    #[arg(long)]
    allow_missing: bool,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug)]
pub(super) struct Attach {
    /// Name of the port.
    name: String,

    /// Host-side device.
    #[arg(long, value_name = "IFACE")]
    device: String,

    /// Take a device that does not exist yet.
    #[arg(long)]
    allow_missing: bool,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Flags {
    /// Network of the port.
    #[arg(long, value_name = "NET")]
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,

    /// VLANs of a trunk, such as 10,20-29.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk: Option<String>,

    /// VLAN of a trunk's untagged frames.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    native: Option<Number>,

    /// Host-side device.
    #[arg(long, value_name = "IFACE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,

    /// MAC address of a station at the port; may be given several times.
    #[arg(long)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mac: Vec<String>,

    /// IP address of a station at the port; may be given several times.
    #[arg(long)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ip: Vec<String>,

    /// Label of the port; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "value::labels")]
    label: Vec<Label>,

    /// Administrative state.
    #[arg(long, value_name = "STATE", value_parser = ["up", "down"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,

    /// Most addresses that may be learned at the port.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    learn_limit: Option<Number>,

    /// The network's VLAN is a service VLAN (802.1ad); tags of the port's own frames are payload.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    qinq: Option<bool>,

    /// Whether the policies of its groups apply to the port.
    #[arg(long, value_name = "STATE", value_parser = ["on", "off"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    firewall: Option<String>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Port;
    match command {
        Command::Add(Add { name, flags, allow_missing, writing }) => {
            record::add(session, KIND, value::fields(&flags)?, (&name, allow_missing, writing)).await
        }
        Command::Set(Set { name, flags, clear, allow_missing, writing }) => {
            let fields = moved(record::changes(&flags, &clear)?);
            record::set(session, KIND, fields, (&name, allow_missing, writing)).await
        }
        Command::Attach(Attach { name, device, allow_missing, writing }) => {
            let fields = Map::from_iter([("device".to_owned(), device.into())]);
            record::set(session, KIND, fields, (&name, allow_missing, writing)).await
        }
        Command::Detach(Remove { name, writing }) => {
            let fields = Map::from_iter([("device".to_owned(), Value::Null)]);
            record::set(session, KIND, fields, (&name, false, writing)).await
        }
        Command::Move(command) => moves::port(session, command).await,
        Command::Show(named) => show(session, &named).await,
        Command::List => list(session).await,
        Command::Remove(remove) => record::remove(session, KIND, &remove).await,
    }
}

/// A port that moves into a network stops being a trunk, and the other way round.
fn moved(mut fields: Map<String, Value>) -> Map<String, Value> {
    let opposite: &[&str] = match (fields.contains_key("network"), fields.contains_key("trunk")) {
        (true, false) => &["trunk", "native"],
        (false, true) => &["network", "qinq"],
        _ => &[],
    };
    for name in opposite {
        fields.entry(*name).or_insert(Value::Null);
    }
    fields
}

/// Prints a port, with the policies that it asks.
async fn show(session: &mut Session<'_, '_>, named: &Named) -> anyhow::Result<ExitCode> {
    let line = if session.format == Format::Table {
        let desired = session.desired().await?;
        let policies = policy::of_port(&desired, &named.name);
        let policies: Vec<&str> = policies.into_iter().map(|policy| policy.name.as_str()).collect();
        (!policies.is_empty()).then(|| ("policies".to_owned(), Cell::from(spaced(&policies))))
    } else {
        None
    };
    record::show_with(session, Kind::Port, named, line).await
}

async fn list(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let ports = session.client.list(Kind::Port).await?;
    if session.structured(&ports.objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let desired = session.desired().await?;
    if let Some(places) = session.places().await? {
        return list_places(session, &desired, &places);
    }
    let states = session.port_states().await?;
    let rows = desired.ports.values().map(|port| {
        vec![
            Cell::from(&port.name),
            Cell::from(or_dash(port.network.as_ref())),
            Cell::from(vlans(port, &desired)),
            Cell::from(or_dash(port.device.as_ref())),
            record::state_cell(record::of(&states, Kind::Port, &port.name)),
            Cell::from(joined(&port.mac)),
            Cell::from(joined(&port.ip)),
        ]
    });
    let headings = ["NAME", "NETWORK", "VLANS", "DEVICE", "STATE", "MAC", "IP"];
    session.streams.table(&headings, rows, "there are no ports")?;
    Ok(ExitCode::SUCCESS)
}

/// Lists ports with the hosts that have them.
fn list_places(
    session: &mut Session<'_, '_>,
    desired: &Desired,
    places: &BTreeMap<String, BindingEntry>,
) -> anyhow::Result<ExitCode> {
    let rows = desired.ports.values().map(|port| {
        let place = places.get(&port.name);
        let (state, colour) = match place {
            Some(place) if place.lost => ("lost", Colour::Red),
            Some(place) if let Some(state) = moves::state(place) => (state, Colour::Yellow),
            Some(_) => ("bound", Colour::Green),
            None => ("unbound", Colour::Yellow),
        };
        let device = place.map(|place| &place.binding.device);
        vec![
            Cell::from(&port.name),
            Cell::from(or_dash(port.network.as_ref())),
            Cell::from(vlans(port, desired)),
            Cell::from(or_dash(place.map(host))),
            Cell::from(or_dash(device.or(port.device.as_ref()))),
            Cell::coloured(state, colour),
            Cell::from(joined(&port.mac)),
            Cell::from(joined(&port.ip)),
        ]
    });
    let headings = ["NAME", "NETWORK", "VLANS", "HOST", "DEVICE", "STATE", "MAC", "IP"];
    session.streams.table(&headings, rows, "there are no ports")?;
    Ok(ExitCode::SUCCESS)
}

/// The host that has a port, and the one that it is to go to.
fn host(place: &BindingEntry) -> String {
    let Binding { host, target, .. } = &place.binding;
    target.as_ref().map_or_else(|| host.clone(), |target| format!("{host} -> {}", target.host))
}

/// The VLANs of a port, a trunk's native one marked.
fn vlans(port: &Port, desired: &Desired) -> String {
    let network = port.network.as_ref().and_then(|network| desired.networks.get(network));
    match (network, &port.trunk, port.native) {
        (Some(network), ..) => or_dash(network.vlan),
        (None, Some(trunk), Some(native)) => format!("{trunk} (native {native})"),
        (None, Some(trunk), None) => trunk.to_string(),
        (None, None, _) => "-".into(),
    }
}
