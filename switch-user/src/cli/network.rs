//! `dvs network`.

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    output::{joined, or_dash},
    record::{self, Named, Remove},
    session::{Session, Writing},
    value::{Number, fields},
};
use crate::model::Kind;

/// What to do with networks.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a network.
    ///
    /// Example: dvs network add blue --vlan 10
    ///
    /// Example: dvs network add green --vni 5000
    ///
    /// Example: dvs network add blue --vlan 10 --subnet 10.0.10.0/24 --gateway 10.0.10.1 --router r1
    Add(Add),
    /// Change fields of a network; the others stay as they are.
    ///
    /// Example: dvs network set blue --mtu 9000
    Set(Set),
    /// Show a network.
    Show(Named),
    /// List all networks.
    List,
    /// Remove a network that has neither ports nor next hops of routes.
    Remove(Remove),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Name of the network: letters, digits and . _ -
    name: String,

    #[command(flatten)]
    flags: AddFlags,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
struct AddFlags {
    /// VLAN of the network, 1 to 4094.
    #[arg(long, value_name = "N", allow_hyphen_values = true, required_unless_present = "vni")]
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<Number>,

    /// VXLAN network identifier instead, 1 to 16777215: the network reaches other hosts through tunnels.
    #[arg(long, value_name = "N", allow_hyphen_values = true, conflicts_with = "vlan")]
    #[serde(skip_serializing_if = "Option::is_none")]
    vni: Option<Number>,

    #[command(flatten)]
    #[serde(flatten)]
    others: Flags,
}

#[derive(Args, Debug)]
pub(super) struct Set {
    /// Name of the network.
    name: String,

    #[command(flatten)]
    flags: SetFlags,

    /// Take a field away.
    #[arg(long, value_name = "FIELD", value_parser = ["vlan", "vni", "mtu", "subnet", "gateway", "router", "slaac", "dns"])]
    clear: Vec<String>,

    #[command(flatten)]
    writing: Writing,
}

#[derive(Args, Debug, Serialize)]
struct SetFlags {
    /// VLAN of the network, 1 to 4094.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<Number>,

    /// VXLAN network identifier, 1 to 16777215.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    vni: Option<Number>,

    #[command(flatten)]
    #[serde(flatten)]
    others: Flags,
}

#[derive(Args, Debug, Serialize)]
struct Flags {
    /// Largest packet in bytes that every device of the network should carry.
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<Number>,

    /// Prefix whose addresses are in the network; may be given several times.
    #[arg(long, value_name = "CIDR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subnet: Vec<String>,

    /// Address of the router in one of the subnets; may be given several times.
    #[arg(long, value_name = "IP")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gateway: Vec<String>,

    /// Router that the network is in.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    router: Option<String>,

    /// Let stations make themselves addresses in the IPv6 subnets of 64 bits.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    slaac: Option<bool>,

    /// DNS server that stations learn with their addresses; may be given several times.
    #[arg(long, value_name = "IP")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns: Vec<String>,
}

/// Runs a command.
pub(super) async fn run(command: Command, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    const KIND: Kind = Kind::Network;
    match command {
        Command::Add(Add { name, flags, writing }) => {
            record::add(session, KIND, fields(&flags)?, (&name, false, writing)).await
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
    let networks = session.client.list(Kind::Network).await?;
    if session.structured(&networks.objects)? {
        return Ok(ExitCode::SUCCESS);
    }
    let desired = session.desired().await?;
    let mut ports: BTreeMap<&str, usize> = BTreeMap::new();
    for network in desired.ports.values().filter_map(|port| port.network.as_deref()) {
        *ports.entry(network).or_default() += 1;
    }
    let rows = desired.networks.values().map(|network| {
        let ports = ports.get(network.name.as_str()).copied().unwrap_or_default();
        vec![
            network.name.clone(),
            or_dash(network.vlan),
            or_dash(network.vni),
            or_dash(network.mtu),
            or_dash(network.router.as_ref()),
            joined(&network.subnet),
            ports.to_string(),
        ]
    });
    let headings = ["NAME", "VLAN", "VNI", "MTU", "ROUTER", "SUBNETS", "PORTS"];
    session.streams.table(&headings, rows, "there are no networks")?;
    Ok(ExitCode::SUCCESS)
}
