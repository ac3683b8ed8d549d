//! Planned moves of ports: `dvs port move` and `dvs host drain`.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use clap::Args;
use tokio::time::{Instant, sleep};

use super::session::Session;
use crate::{
    api::{BindingEntry, MoveList, MoveRequest, Standby},
    client::ClientError,
};

/// Between two looks at moves that are waited for.
const LOOK: Duration = Duration::from_millis(50);

/// The kind of problem of a plan that there is none.
const NOT_PLANNED: &str = "urn:dvs:not-planned";

/// How ports move.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct How {
    /// Move each port as soon as the other host is ready; without it, when its VM is seen there.
    #[arg(long)]
    now: bool,

    /// Return when the ports are at the other host.
    #[arg(long)]
    wait: bool,

    /// Seconds to wait at most.
    #[arg(long, default_value_t = 30, value_name = "SECONDS", requires = "wait")]
    timeout: u64,
}

/// `dvs port move`.
#[derive(Args, Debug)]
pub(super) struct Move {
    /// Name of the port.
    name: String,

    /// Host that the port is to go to.
    #[arg(long, value_name = "HOST", required_unless_present = "cancel")]
    to: Option<String>,

    /// The port's device there, if it has another name than the port or the device that the port names.
    #[arg(long, value_name = "IFACE", requires = "to")]
    device: Option<String>,

    #[command(flatten)]
    how: How,

    /// Withdraw the plan: the port stays where it is.
    #[arg(long, conflicts_with_all = ["to", "now", "wait"])]
    cancel: bool,
}

/// `dvs host drain`.
#[derive(Args, Debug)]
pub(super) struct Drain {
    /// Name of the host.
    name: String,

    /// Hosts that the ports are to go to [default: the others of the HA group that are alive].
    #[arg(long, value_name = "HOST,...", value_delimiter = ',')]
    to: Vec<String>,

    #[command(flatten)]
    how: How,

    /// Withdraw all plans: the ports stay.
    #[arg(long, conflicts_with_all = ["to", "now", "wait"])]
    cancel: bool,
}

/// Plans the move of a port, or withdraws it.
pub(super) async fn port(session: &mut Session<'_, '_>, command: Move) -> anyhow::Result<ExitCode> {
    let Move { name, to, device, how, cancel } = command;
    if cancel {
        session.client.cancel_move(&name).await?;
        writeln!(session.streams.output, "Port {name} stays")?;
        return Ok(ExitCode::SUCCESS);
    }
    let to = to.into_iter().collect();
    let request = MoveRequest { ports: vec![name], from: None, to, device, now: how.now };
    plan(session, &request, how).await
}

/// Plans the moves of all ports of a host, or withdraws them.
pub(super) async fn drain(session: &mut Session<'_, '_>, command: Drain) -> anyhow::Result<ExitCode> {
    let Drain { name, to, how, cancel } = command;
    if cancel {
        return stay(session, &name).await;
    }
    let request = MoveRequest { from: Some(name), to, now: how.now, ..MoveRequest::default() };
    plan(session, &request, how).await
}

async fn plan(session: &mut Session<'_, '_>, request: &MoveRequest, how: How) -> anyhow::Result<ExitCode> {
    let list = session.client.plan_moves(request).await?;
    if !session.structured(&list)? {
        let when = if how.now { "as soon as it is ready" } else { "when its VM runs there" };
        for (port, host) in &list.moves {
            writeln!(session.streams.output, "Port {port} goes to host {host} {when}")?;
        }
        if list.moves.is_empty() {
            writeln!(session.streams.output, "there is no port to move")?;
        }
    }
    if how.wait {
        session.streams.output.flush()?;
        wait(session, &list, how.timeout).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Withdraws all plans of a host. A port that has gone meanwhile is there.
async fn stay(session: &mut Session<'_, '_>, host: &str) -> anyhow::Result<ExitCode> {
    let moves = session.client.moves().await?.into_iter();
    let ports: Vec<String> =
        moves.filter(|entry| entry.binding.host == host).map(|entry| entry.port).collect();
    if ports.is_empty() {
        writeln!(session.streams.output, "no move is planned")?;
    }
    for port in ports {
        match session.client.cancel_move(&port).await {
            Err(ClientError::Refused(details)) if details.kind == NOT_PLANNED => {
                writeln!(session.streams.output, "Port {port} has gone already")?;
            }
            answer => {
                answer?;
                writeln!(session.streams.output, "Port {port} stays")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until none of the moves is left, and looks whether all ports are where they were to go.
async fn wait(session: &Session<'_, '_>, list: &MoveList, seconds: u64) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let planned = session.client.moves().await?.into_iter();
        let left: Vec<BindingEntry> = planned.filter(|entry| is_of(&list.moves, entry)).collect();
        if left.is_empty() {
            break;
        }
        if Instant::now() >= end {
            anyhow::bail!("{}", left.iter().map(obstacle).collect::<Vec<_>>().join("; "));
        }
        sleep(LOOK).await;
    }
    let strayed = strayed(&list.moves, &session.client.cluster_bindings().await?.bindings);
    anyhow::ensure!(strayed.is_empty(), "{}", strayed.join("; "));
    Ok(())
}

/// Says which ports are not where they were to go.
fn strayed(moves: &BTreeMap<String, String>, bindings: &[BindingEntry]) -> Vec<String> {
    let places: BTreeMap<&String, &String> =
        bindings.iter().map(|entry| (&entry.port, &entry.binding.host)).collect();
    let sentence = |(port, host): (&String, &String)| {
        let place = places.get(port).map_or_else(|| "no host".to_owned(), |place| format!("host {place}"));
        format!(
            "port {port} did not go to host {host}, it is at {place}: the plan was withdrawn, or it was claimed there"
        )
    };
    moves.iter().filter(|(port, host)| places.get(port) != Some(host)).map(sentence).collect()
}

fn is_of(moves: &BTreeMap<String, String>, entry: &BindingEntry) -> bool {
    let target = entry.binding.target.as_ref();
    target.is_some_and(|target| moves.get(&entry.port) == Some(&target.host))
}

/// What a move waits for.
fn obstacle(entry: &BindingEntry) -> String {
    let target = entry.binding.target.as_ref().map_or("", |target| &target.host);
    let why = match &entry.standby {
        None => format!("{target} has not said that it knows (dvs host list)"),
        Some(Standby { device: None, .. }) => format!("{target} has no device for it; start its VM there"),
        Some(Standby { ready: false, .. }) => {
            format!("{target} is preparing it (dvs status there says more)")
        }
        Some(_) => format!("{target} is ready, and its VM has not been seen there; --now moves it at once"),
    };
    format!("port {} is still at host {}: {why}", entry.port, entry.binding.host)
}

/// State of a port that is to go elsewhere.
pub(super) fn state(entry: &BindingEntry) -> Option<&'static str> {
    entry.binding.target.as_ref()?;
    Some(if entry.standby.as_ref().is_some_and(|standby| standby.ready) { "ready" } else { "moving" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Binding;

    #[test]
    fn ports_that_went_elsewhere_are_told() {
        let entry = |port: &str, host: &str| {
            let (host, device) = (host.to_owned(), port.to_owned());
            let binding = Binding { host, device, epoch: 1, claimed_ms: 0, target: None };
            BindingEntry { port: port.into(), binding, lost: false, standby: None }
        };
        let moves = ["p1", "p2", "p3"].map(|port| (port.to_owned(), "h3".to_owned())).into();
        let strayed = strayed(&moves, &[entry("p1", "h3"), entry("p2", "h2")]);
        let why = "the plan was withdrawn, or it was claimed there";
        assert_eq!(
            strayed,
            [
                format!("port p2 did not go to host h3, it is at host h2: {why}"),
                format!("port p3 did not go to host h3, it is at no host: {why}"),
            ]
        );
    }
}
