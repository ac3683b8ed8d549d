//! Waiting until the hosts that a generation concerns have applied it.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{Cluster, ClusterError, follow::TOGETHER, list::applied};
use crate::{
    api::{HostState, Waited},
    manager::ApiError,
};

/// How far the hosts are.
struct Outlook {
    waited: Waited,
    /// Hosts that have not come so far, with the generation that they have applied.
    behind: Vec<(String, u64)>,
}

impl Cluster {
    /// Waits until all hosts that are alive have applied the generation, as far as it concerns them.
    pub(in crate::manager) async fn wait(&self, wanted: u64, timeout: Duration) -> Result<Waited, ApiError> {
        let deadline = Instant::now() + timeout;
        let mut entries = self.0.leases.watch();
        let mut generation = self.0.generation.subscribe();
        loop {
            let known = *generation.borrow_and_update();
            entries.mark_unchanged();
            let outlook = self.outlook(wanted);
            if known >= wanted && outlook.behind.is_empty() {
                return Ok(outlook.waited);
            }
            // Many hosts report at once, and each look is at all of them.
            sleep(TOGETHER).await;
            // A host may be dead without any change: when the time for its first report is over.
            let settled = self.0.liveness.settled();
            tokio::select! {
                _ = entries.changed() => {}
                _ = generation.changed() => {}
                () = sleep_until(settled), if Instant::now() < settled => {}
                () = sleep_until(deadline) => {
                    return Err(ClusterError::Behind { wanted, hosts: self.outlook(wanted).behind }.into());
                }
            }
        }
    }

    fn outlook(&self, wanted: u64) -> Outlook {
        let entries = Arc::clone(&self.0.leases.watch().borrow());
        let mut outlook = Outlook { waited: Waited::default(), behind: Vec::new() };
        outlook.waited.generation = wanted;
        for (host, concerned) in self.views().hosts() {
            if self.0.liveness.state(host, &entries) == HostState::Dead {
                outlook.waited.dead.insert(host.to_owned());
                continue;
            }
            let progress = entries.get(host).map(|entry| applied(entry)).unwrap_or_default();
            if progress.generation < concerned.min(wanted) {
                outlook.behind.push((host.to_owned(), progress.generation));
            }
            if concerned >= wanted {
                let errors = progress.errors.iter().map(|error| format!("host {host}: {error}"));
                outlook.waited.errors.extend(errors);
            }
        }
        outlook
    }
}
