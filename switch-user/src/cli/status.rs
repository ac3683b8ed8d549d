//! `dvs status`.

use std::{collections::BTreeMap, io, process::ExitCode};

use serde::Serialize;

use super::{
    host,
    output::{Streams, or_dash, word},
    session::Session,
    table::Cell,
};
use crate::{
    api::{BindingEntry, BindingList, HostEntry, HostState, SwitchStatus},
    model::Kind,
    report::{Following, HostStatus, PortStatus},
};

/// Prints the state of the switch.
pub(super) async fn run(session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    if let Some(hosts) = session.hosts().await? {
        return cluster(session, hosts).await;
    }
    let status = session.client.status().await?;
    if !session.structured(&status)? {
        summary(session.streams, &status)?;
        let errors = status.follows.iter().flat_map(|following| &following.errors);
        errors
            .chain(&status.host.applied.errors)
            .try_for_each(|error| writeln!(session.streams.output, "error: {error}"))?;
        troubles(session.streams, &status.host)?;
        tables(session.streams, &status.host)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// State of a cluster.
#[derive(Serialize)]
struct ClusterStatus {
    /// Generation of the configuration.
    generation: u64,
    /// Number of the last change of bindings.
    claims: u64,
    /// The hosts.
    hosts: Vec<HostEntry>,
    /// Ports whose host is dead.
    lost: Vec<BindingEntry>,
}

/// Prints the state of a cluster.
async fn cluster(session: &mut Session<'_, '_>, hosts: Vec<HostEntry>) -> anyhow::Result<ExitCode> {
    let BindingList { claims, bindings, .. } = session.client.cluster_bindings().await?;
    let generation = session.client.list(Kind::Host).await?.generation;
    let (lost, bound): (Vec<_>, Vec<_>) = bindings.into_iter().partition(|entry| entry.lost);
    let status = ClusterStatus { generation, claims, hosts, lost };
    if session.structured(&status)? {
        return Ok(ExitCode::SUCCESS);
    }
    let alive = status.hosts.iter().filter(|host| host.state == HostState::Alive).count();
    let line = |name: &str, value: String| (name.to_owned(), Cell::from(value));
    session.streams.pairs([
        line("generation", generation.to_string()),
        line("hosts", format!("{} ({alive} alive)", status.hosts.len())),
        line("ports", format!("{} bound, {} lost", bound.len(), status.lost.len())),
    ])?;
    for BindingEntry { port, binding, .. } in &status.lost {
        writeln!(session.streams.output, "lost: port {port} was at host {}", binding.host)?;
    }
    for host in &status.hosts {
        let errors = host.report.iter().flat_map(|report| &report.applied.errors);
        errors
            .into_iter()
            .try_for_each(|error| writeln!(session.streams.output, "error: host {}: {error}", host.name))?;
    }
    writeln!(session.streams.output)?;
    host::table(session, &status.hosts)?;
    Ok(ExitCode::SUCCESS)
}

fn summary(streams: &mut Streams<'_>, status: &SwitchStatus) -> io::Result<()> {
    let SwitchStatus { generation, host, follows } = status;
    let progress = match host.applied.generation {
        applied if applied == *generation => format!("{generation}, applied"),
        applied => format!("{generation}, applied up to {applied}"),
    };
    let (uplinks, ports): (Vec<_>, Vec<_>) = host.ports.iter().partition(|port| port.uplink);
    let line = |name: &str, value: String| (name.to_owned(), Cell::from(value));
    let mut lines = vec![
        line("host", host.host.clone()),
        line("dvs", format!("{} (datapath {})", host.version, host.abi)),
        line("kernel", host.kernel.clone()),
        line("memory", bytes(host.resident_bytes)),
        line("generation", progress),
        line("ports", by_state(&ports)),
        line("uplinks", by_state(&uplinks)),
    ];
    if let Some(following) = follows {
        lines.push(line("manager", manager(following)));
        lines.push(line("claims", claims(following)));
    }
    streams.pairs(lines)
}

/// Whom the host follows.
fn manager(following: &Following) -> String {
    match &following.connected {
        Some(manager) => format!("{manager}, connected for {} s", following.since),
        None => format!("none of {} for {} s", following.managers.join(", "), following.since),
    }
}

/// How far the host knows who has which port, and what others do not know.
fn claims(following: &Following) -> String {
    match following.alone.as_slice() {
        [] => following.claims.to_string(),
        ports => format!("{}; claimed alone: {}", following.claims, ports.join(", ")),
    }
}

/// How many ports there are in each state.
fn by_state(ports: &[&PortStatus]) -> String {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for port in ports {
        *states.entry(word(&port.state)).or_default() += 1;
    }
    let states: Vec<String> = states.iter().map(|(state, number)| format!("{number} {state}")).collect();
    match ports.len() {
        0 => "none".into(),
        number => format!("{number} ({})", states.join(", ")),
    }
}

/// What needs somebody's attention besides errors: alarms, notes, programs of others.
fn troubles(streams: &mut Streams<'_>, host: &HostStatus) -> io::Result<()> {
    for alarm in &host.alarms {
        writeln!(streams.output, "alarm: {}", alarm.message)?;
    }
    for port in &host.ports {
        for note in &port.notes {
            writeln!(streams.output, "note: {}: {note}", port.name)?;
        }
    }
    for program in &host.foreign {
        let name = if program.name.is_empty() { "a program" } else { &program.name };
        let (device, hook, id) = (&program.device, &program.hook, program.id);
        writeln!(
            streams.output,
            "foreign: {name} (id {id}) at the {hook} hook of {device}; it is left alone"
        )?;
    }
    Ok(())
}

fn tables(streams: &mut Streams<'_>, host: &HostStatus) -> io::Result<()> {
    writeln!(streams.output)?;
    let rows = host.tables.iter().map(|table| {
        vec![table.name.clone(), or_dash(table.entries), table.capacity.to_string(), bytes(table.bytes)]
    });
    streams.table(&["TABLE", "ENTRIES", "CAPACITY", "MEMORY"], rows, "there are no tables in the kernel")
}

/// A number of bytes in the unit that suits it.
fn bytes(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KiB", bytes >> 10),
        1_048_576..=1_073_741_823 => format!("{}.{} MiB", bytes >> 20, ((bytes >> 10) & 1023) * 10 / 1024),
        _ => format!("{}.{} GiB", bytes >> 30, ((bytes >> 20) & 1023) * 10 / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_have_the_unit_that_suits_them() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            ((1 << 20) - 1, "1023 KiB"),
            (1 << 20, "1.0 MiB"),
            ((1 << 30) - 1, "1023.9 MiB"),
            (3 << 29, "1.5 GiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
