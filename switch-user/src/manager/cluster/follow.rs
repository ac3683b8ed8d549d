//! Keeps views and liveness as the stores have them.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Cluster,
    views::{BindingChange, ObjectChange},
};
use crate::{
    api::{Binding, HostState},
    manager::{ApiError, Manager, history, known::Known},
    model::{Problem, Reason},
    store::{Key, Snapshot, Store, StoreError},
};

/// Time after which a store that could not be read is read again.
const AGAIN: Duration = Duration::from_secs(1);
/// Reports that come within this time are looked at together.
pub(super) const TOGETHER: Duration = Duration::from_millis(10);

/// Follows the stores and the leases for as long as the runtime lives.
pub(in crate::manager) async fn follow(manager: Manager, cluster: Cluster) {
    tokio::join!(follow_stores(&manager, &cluster), follow_leases(&manager, &cluster));
}

async fn follow_stores(manager: &Manager, cluster: &Cluster) {
    let (mut objects, mut bindings) = (manager.store.watch(), cluster.0.bindings.watch());
    loop {
        objects.mark_unchanged();
        bindings.mark_unchanged();
        let following = cluster.clone();
        if let Err(error) = manager.blocking(move |manager| manager.catch_up(&following)).await {
            tracing::error!("views cannot be brought up to date: {error}");
            sleep(AGAIN).await;
            continue;
        }
        let alive = tokio::select! {
            changed = objects.changed() => changed,
            changed = bindings.changed() => changed,
        };
        if alive.is_err() {
            return;
        }
    }
}

async fn follow_leases(manager: &Manager, cluster: &Cluster) {
    let mut entries = cluster.0.leases.watch();
    let settled = cluster.0.liveness.settled();
    loop {
        entries.mark_unchanged();
        cluster.observe();
        let moving = cluster.clone();
        // Of two hosts that have to agree, one may report to another manager.
        if let Err(error) = manager.blocking(move |manager| manager.switch_over(&moving, None)).await {
            tracing::warn!("ports cannot be moved: {error}");
        }
        let alive = tokio::select! {
            changed = entries.changed() => changed,
            () = sleep_until(settled), if Instant::now() < settled => Ok(()),
        };
        if alive.is_err() {
            return;
        }
        // Many hosts report at once.
        sleep(TOGETHER).await;
    }
}

impl Cluster {
    /// Takes note of who is alive, and logs who is not any more.
    pub(super) fn observe(&self) {
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
    /// True if the stores have what the views have not.
    pub(super) fn is_behind(&self, cluster: &Cluster) -> bool {
        *cluster.0.generation.borrow() < *self.store.watch().borrow()
            || cluster.views().claims() < *cluster.0.bindings.watch().borrow()
    }

    /// Brings the views to what the stores have.
    pub(super) fn catch_up(&self, cluster: &Cluster) -> Result<(), ApiError> {
        let _one = cluster.0.following.lock().unwrap_or_else(PoisonError::into_inner);
        let known = *cluster.0.generation.borrow();
        if known < *self.store.watch().borrow() {
            let (generation, changes) = self.objects_since(cluster, known)?;
            cluster.views().configure(generation, changes);
            cluster.0.generation.send_replace(generation);
        }
        let known = cluster.views().claims();
        if known < *cluster.0.bindings.watch().borrow() {
            let (claims, changes) = cluster.bindings_since(known)?;
            cluster.views().bind(claims, changes);
        }
        Ok(())
    }

    /// What has become of objects since this generation, and the generation up to which that is told.
    fn objects_since(&self, cluster: &Cluster, known: u64) -> Result<(u64, Vec<ObjectChange>), ApiError> {
        let Known { generation, desired } = &*self.newest()?;
        if let Some((generation, rows)) = news(&*self.store, known)? {
            // What is the same in both is kept once.
            let same = |(id, object): ObjectChange| {
                let kept = desired.get(&id).filter(|kept| Some(kept) == object.as_ref());
                (id, kept.or(object))
            };
            return Ok((generation, history::steps(rows.into_iter())?.into_iter().map(same).collect()));
        }
        Ok((*generation, cluster.views().object_changes(desired)))
    }
}

impl Cluster {
    /// What has become of bindings since this number, and the number up to which that is told.
    pub(super) fn bindings_since(&self, known: u64) -> Result<(u64, Vec<BindingChange>), ApiError> {
        if let Some((claims, rows)) = news(&*self.0.bindings, known)? {
            let change = |(key, document): (Key, Option<Value>)| {
                let binding = document.map(|document| binding(&key, document)).transpose()?;
                Ok((key.name, binding))
            };
            return Ok((claims, rows.into_iter().map(change).collect::<Result<_, ApiError>>()?));
        }
        let Snapshot { generation, documents } = self.0.bindings.get()?;
        let stored = documents.into_iter().map(|(key, document)| {
            let binding = binding(&key, document)?;
            Ok((key.name, binding))
        });
        let stored = stored.collect::<Result<_, ApiError>>()?;
        Ok((generation, self.views().binding_changes(&stored)))
    }
}

/// Documents as they have become.
type Rows = BTreeMap<Key, Option<Value>>;

/// What was written after a generation; `None` if not all of it is remembered. Of an empty store, all that was written
/// is more than all that is there.
fn news(store: &dyn Store, known: u64) -> Result<Option<(u64, Rows)>, StoreError> {
    let records = if known == 0 { None } else { store.since(known)? };
    let Some(records) = records else { return Ok(None) };
    let generation = records.last().map_or(known, |record| record.generation);
    let rows = records.into_iter().flat_map(|record| record.rows);
    Ok(Some((generation, rows.map(|(key, row)| (key, row.new)).collect())))
}

fn binding(key: &Key, document: Value) -> Result<Binding, ApiError> {
    serde_json::from_value(document).map_err(|error| {
        let reason = Reason::Syntax(error.to_string());
        ApiError::Damaged(vec![Problem::absent(format!("the binding of port {}", key.name), "", reason)])
    })
}
