//! From the last word of a host to the moment when it is known to be dead.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use switch_user::api::HostState;
use tokio::time::sleep;

use super::{
    board::LIMIT,
    fleet::{Fleet, Run},
    results::{Case, Results},
};

/// Hosts that die.
const DEATHS: usize = 20;
/// Between two deaths, so that they fall on different moments of the hosts' reports.
const APART: Duration = Duration::from_millis(70);
/// Between two looks at the list of hosts.
const LOOK: Duration = Duration::from_millis(50);

/// Ends hosts one after the other, and waits until all are dead.
pub(super) async fn measure(fleet: &Fleet, results: &mut Results) -> Result<()> {
    eprintln!("deaths");
    let mut dying = BTreeMap::new();
    let thin = fleet.members.iter().take(fleet.world.hosts).rev();
    for member in thin {
        let Run::Thin(task) = &member.run else { continue };
        if dying.len() == DEATHS {
            break;
        }
        task.abort();
        dying.insert(member.place.host.clone(), Instant::now());
        sleep(APART).await;
    }
    let begun = Instant::now();
    while !dying.is_empty() {
        if begun.elapsed() > LIMIT {
            bail!("{} hosts are not marked dead", dying.len());
        }
        for entry in fleet.client.cluster_hosts().await? {
            let dead = entry.state == HostState::Dead;
            if let Some(since) = dead.then(|| dying.remove(&entry.name)).flatten() {
                results.between(Case::Died, since, Instant::now());
            }
        }
        sleep(LOOK).await;
    }
    Ok(())
}
