//! Hosts that come without any state, each a process of its own.

use std::path::Path;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::{
    agent::Synced,
    fleet::Fleet,
    results::{Case, Fact, Results},
    world::{NEWCOMERS, Place, World, device},
};

/// Measures how long they take, and what they need.
pub(super) async fn measure(fleet: &Fleet, state: &Path, results: &mut Results) -> Result<()> {
    eprintln!("fresh hosts");
    let lone = fleet.world.lone();
    let alone = come(fleet, &lone, lone.ports.len(), state).await?;
    results.set(Fact::AgentSmall, megabytes(&alone));
    for round in 0..NEWCOMERS {
        for (place, case, fact) in [
            (World::newcomer(round), Case::Synced, Fact::AgentUsual),
            (World::large_newcomer(round), Case::SyncedLarge, Fact::AgentLarge),
        ] {
            let places = fleet.world.places().into_iter().filter(|other| other.group == place.group);
            let ports = places.map(|place| place.ports.len()).sum();
            let synced = come(fleet, &place, ports, state).await?;
            results.add_ms(case, synced.ms);
            results.set(fact, megabytes(&synced));
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn megabytes(synced: &Synced) -> f64 {
    synced.resident as f64 / 1e6
}

/// Lets a host come that is to know so many ports.
async fn come(fleet: &Fleet, place: &Place, ports: usize, state: &Path) -> Result<Synced> {
    let state = state.join(&place.host);
    std::fs::create_dir_all(&state)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("agent").args(fleet.access.words()).args(["--host", &place.host]);
    command.args(["--ports", &ports.to_string()]).arg("--state").arg(&state);
    let devices: Vec<String> = place.ports.clone().map(device).collect();
    if !devices.is_empty() {
        command.args(["--devices", &devices.join(",")]);
    }
    let output = command.kill_on_drop(true).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).with_context(|| format!("host {}: {said}", place.host))
}
