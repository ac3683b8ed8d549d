//! Keeps views and liveness as the stores have them.

use std::{collections::BTreeMap, sync::Arc, sync::PoisonError, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{Cluster, views::ObjectChange};
use crate::{
    api::{Binding, HostState},
    manager::{ApiError, Manager},
    model::{Problem, Reason, changes},
    store::Snapshot,
};

/// Time after which a store that could not be read is read again.
const AGAIN: Duration = Duration::from_secs(1);

/// Follows the stores for as long as the runtime lives.
pub(in crate::manager) async fn follow(manager: Manager, cluster: Cluster) {
    let mut configuration = manager.store.watch();
    let mut bindings = cluster.0.bindings.watch();
    let mut entries = cluster.0.leases.watch();
    let settled = cluster.0.liveness.settled();
    loop {
        configuration.mark_unchanged();
        bindings.mark_unchanged();
        entries.mark_unchanged();
        cluster.observe();
        let following = cluster.clone();
        if let Err(error) = manager.blocking(move |manager| manager.catch_up(&following)).await {
            tracing::error!("views cannot be brought up to date: {error}");
            sleep(AGAIN).await;
            continue;
        }
        let alive = tokio::select! {
            changed = configuration.changed() => changed,
            changed = bindings.changed() => changed,
            changed = entries.changed() => changed,
            () = sleep_until(settled), if Instant::now() < settled => Ok(()),
        };
        if alive.is_err() {
            return;
        }
    }
}

impl Cluster {
    /// Takes note of who is alive, and logs who is not any more.
    fn observe(&self) {
        let entries = Arc::clone(&self.0.leases.watch().borrow());
        for (host, state) in self.0.liveness.observe(&entries) {
            match state {
                HostState::Alive => tracing::info!(host, "host is alive"),
                HostState::Dead => {
                    let ports = self.views().bound(&host).count();
                    tracing::warn!(host, ports, "host is dead, its ports are lost");
                }
            }
        }
    }
}

impl Manager {
    /// Brings the views to what the stores have.
    pub(super) fn catch_up(&self, cluster: &Cluster) -> Result<(), ApiError> {
        let mut followed = cluster.0.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.newest()?;
        if followed.generation < newest.generation {
            let changes = changes(&followed.desired, &newest.desired).into_iter();
            let changes: Vec<ObjectChange> =
                changes.map(|change| (change.id(), newest.desired.get(&change.id()))).collect();
            cluster.views().configure(newest.generation, changes);
            cluster.0.generation.send_replace(newest.generation);
            *followed = newest;
        }
        if cluster.views().claims() < *cluster.0.bindings.watch().borrow() {
            cluster.read_bindings()?;
        }
        Ok(())
    }
}

impl Cluster {
    /// Reads all bindings.
    pub(super) fn read_bindings(&self) -> Result<(), ApiError> {
        let Snapshot { generation, documents } = self.0.bindings.get()?;
        let mut stored: BTreeMap<String, Binding> = BTreeMap::new();
        for (key, document) in documents {
            let binding = serde_json::from_value(document).map_err(|error| damaged(&key.name, &error))?;
            stored.insert(key.name, binding);
        }
        let mut views = self.views();
        let changes = views.binding_changes(&stored);
        views.bind(generation, changes);
        Ok(())
    }
}

fn damaged(port: &str, error: &serde_json::Error) -> ApiError {
    let reason = Reason::Syntax(error.to_string());
    ApiError::Damaged(vec![Problem::absent(format!("the binding of port {port}"), "", reason)])
}
