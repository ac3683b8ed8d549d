//! Hosts and bindings, for people.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Cluster, views::Views};
use crate::{
    api::{Binding, BindingEntry, BindingList, HostEntry, HostReport, HostState, Standby},
    manager::{ApiError, Manager, extract::Refused},
    store::{Entries, Entry},
};

/// Routes of lists.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(hosts)).routes(routes!(bindings))
}

/// Lists the hosts, whether they are alive, and how far they have come.
#[utoipa::path(get, path = "/v1/cluster/hosts", operation_id = "clusterHosts", tag = "cluster", responses(
    (status = 200, description = "The hosts by name.", body = Vec<HostEntry>),
    Refused,
))]
async fn hosts(State(manager): State<Manager>) -> Result<Json<Vec<HostEntry>>, ApiError> {
    let cluster = manager.many()?;
    let entries = manager.blocking(move |manager| {
        manager.catch_up(&cluster)?;
        Ok(cluster.host_entries())
    });
    Ok(Json(entries.await?))
}

/// Lists the bindings of ports.
#[utoipa::path(get, path = "/v1/cluster/bindings", operation_id = "clusterBindings", tag = "cluster", responses(
    (status = 200, description = "The bindings by port.", body = BindingList),
    Refused,
))]
async fn bindings(State(manager): State<Manager>) -> Result<Json<BindingList>, ApiError> {
    let cluster = manager.many()?;
    let list = manager.blocking(move |manager| {
        manager.catch_up(&cluster)?;
        Ok(cluster.binding_list())
    });
    Ok(Json(list.await?))
}

impl Cluster {
    fn host_entries(&self) -> Vec<HostEntry> {
        self.observe();
        let entries = Arc::clone(&self.0.leases.watch().borrow());
        let views = self.views();
        let entry = |(name, concerned): (&str, u64)| HostEntry {
            name: name.to_owned(),
            state: self.0.liveness.state(name, &entries),
            since: self.0.liveness.since(name),
            lag: entries.get(name).map(|entry| concerned.saturating_sub(applied(entry).generation)),
            bound: views.bound(name).count() as u64,
            report: entries.get(name).and_then(|entry| HostReport::deserialize(&entry.said).ok()),
        };
        views.hosts().map(entry).collect()
    }

    fn binding_list(&self) -> BindingList {
        let alive = self.0.leases.watch().borrow().keys().cloned().collect();
        let views = self.views();
        BindingList { claims: views.claims(), bindings: self.entries(&views, views.bindings()), alive }
    }

    /// These bindings, as people see them.
    pub(super) fn entries<'v>(
        &self,
        views: &'v Views,
        bindings: impl Iterator<Item = (&'v String, &'v Binding)>,
    ) -> Vec<BindingEntry> {
        let entries: Entries = Arc::clone(&self.0.leases.watch().borrow());
        let mut bindings: Vec<BindingEntry> = bindings
            .map(|(port, binding)| BindingEntry {
                port: port.clone(),
                lost: !views.has_host(&binding.host)
                    || self.0.liveness.state(&binding.host, &entries) == HostState::Dead,
                standby: binding.target.as_ref().and_then(|target| standby(&entries, &target.host, port)),
                binding: binding.clone(),
            })
            .collect();
        bindings.sort_by(|one, other| one.port.cmp(&other.port));
        bindings
    }
}

/// How far a host is with a port that is to come.
pub(super) fn standby(entries: &Entries, host: &str, port: &str) -> Option<Standby> {
    Standby::deserialize(entries.get(host)?.said.get("standby")?.get(port)?).ok()
}

/// What a report says of the generation, without the rest of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    pub(super) generation: u64,
    pub(super) errors: Vec<String>,
}

/// How far a host has come.
pub(super) fn applied(entry: &Entry) -> Progress {
    entry.said.get("applied").and_then(|applied| Progress::deserialize(applied).ok()).unwrap_or_default()
}
