//! What hosts say: that they are alive, and which ports they have.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
};

use axum::{
    Json,
    extract::{Path, State},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Cluster, ClusterError,
    claims::{Cause, Refusal, Wish},
    views::Views,
};
use crate::{
    api::{Claim, HostLease, HostReport},
    manager::{
        ApiError, Author, Manager,
        extract::{Body, Name, Refused},
        write::Options,
    },
    model::{Desired, Host, Kind, Object, ObjectId},
    store::{Entry, StoreError},
};

/// So many hosts are to report a change within a millisecond: about a third of what a manager takes on one CPU.
const REPORTS_A_MS: u64 = 5;

/// Routes of hosts' reports and claims.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(report)).routes(routes!(claim)).routes(routes!(release))
}

/// Takes a host's report: it is alive until the time-out has passed.
///
/// A host that reports for the first time comes into being. Ports that its devices are for, and ports that it has
/// taken with every manager down, are bound to it if they may be.
#[utoipa::path(post, path = "/v1/cluster/hosts/{host}/report", operation_id = "hostReport", tag = "cluster",
    request_body = HostReport, params(("host" = String, Path, description = "Name of the host.")), responses(
    (status = 200, description = "How long the host counts as alive, and which ports it does not get.",
        body = HostLease),
    Refused,
))]
async fn report(
    State(manager): State<Manager>,
    Name(host): Name,
    Body(said): Body,
) -> Result<Json<HostLease>, ApiError> {
    let cluster = manager.many()?;
    let report: HostReport = parsed(said.clone())?;
    // When all hosts come at once, most of them wait without a thread.
    if manager.is_behind(&cluster) || !cluster.views().has_host(&host) {
        let _turn = cluster.0.turns.acquire().await;
        let (cluster, host) = (cluster.clone(), host.clone());
        let known = manager.blocking(move |manager| {
            manager.catch_up(&cluster)?;
            manager.introduce(&cluster, &host)
        });
        known.await?;
    }
    cluster.keep(&host, &report.instance, said).await?;
    if !asks(&cluster.views(), &host, &report) {
        // What a thousand hosts say every second takes no thread each.
        return Ok(Json(cluster.lease(BTreeMap::new())));
    }
    let turns = cluster.clone();
    let _turn = turns.0.turns.acquire().await;
    Ok(Json(manager.blocking(move |manager| manager.answer(&cluster, &host, &report)).await?))
}

/// Binds a port to a host, because somebody attached it there.
#[utoipa::path(post, path = "/v1/cluster/hosts/{host}/claims", operation_id = "claimPort", tag = "cluster",
    request_body = Claim, params(("host" = String, Path, description = "Name of the host.")), responses(
    (status = 200, description = "The port is bound to the host.", body = HostLease),
    Refused,
))]
async fn claim(
    State(manager): State<Manager>,
    Name(host): Name,
    Body(claim): Body,
) -> Result<Json<HostLease>, ApiError> {
    let cluster = manager.many()?;
    let Claim { port, device, seen } = parsed(claim)?;
    let wish = Wish { port, device, cause: Cause::Attached(seen) };
    let answer = manager.blocking(move |manager| {
        manager.catch_up(&cluster)?;
        if !cluster.views().has_host(&host) {
            return Err(ClusterError::UnknownHost(host).into());
        }
        match manager.claim(&cluster, &host, std::slice::from_ref(&wish))?.remove(&wish.port) {
            Some(Refusal::UnknownPort) => Err(ApiError::NotFound(ObjectId::new(Kind::Port, wish.port))),
            Some(refusal) => Err(ClusterError::Claim { port: wish.port, refusal }.into()),
            None => Ok(cluster.lease(BTreeMap::new())),
        }
    });
    Ok(Json(answer.await?))
}

/// Frees a port that is bound to a host.
#[utoipa::path(delete, path = "/v1/cluster/hosts/{host}/claims/{port}", operation_id = "releasePort",
    tag = "cluster", params(
        ("host" = String, Path, description = "Name of the host."),
        ("port" = String, Path, description = "Name of the port."),
    ), responses(
    (status = 200, description = "The port is bound to no host.", body = HostLease),
    Refused,
))]
async fn release(
    State(manager): State<Manager>,
    Path((host, port)): Path<(String, String)>,
) -> Result<Json<HostLease>, ApiError> {
    let cluster = manager.many()?;
    let answer = manager.blocking(move |manager| {
        manager.release(&cluster, &host, &port)?;
        Ok(cluster.lease(BTreeMap::new()))
    });
    Ok(Json(answer.await?))
}

/// The body in the words of the API.
pub(super) fn parsed<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(body).map_err(|error| ApiError::Form(error.to_string()))
}

impl Manager {
    /// Gives a host what its report asks for.
    fn answer(&self, cluster: &Cluster, host: &str, report: &HostReport) -> Result<HostLease, ApiError> {
        let wishes = wishes(&cluster.views(), host, report);
        let mut refused = self.claim(cluster, host, &wishes)?;
        refused.extend(self.switch_over(cluster, Some(host))?);
        self.renew(cluster, host, &report.left)?;
        let texts = refused.into_iter().map(|(port, refusal)| (port, refusal.to_string()));
        Ok(cluster.lease(texts.collect()))
    }

    /// Makes the object of a host that is not known yet. Those of hosts that come at the same time are one write.
    fn introduce(&self, cluster: &Cluster, host: &str) -> Result<(), ApiError> {
        if cluster.views().has_host(host) {
            return Ok(());
        }
        let newcomers = &cluster.0.newcomers;
        newcomers.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
        let _one = cluster.0.introducing.lock().unwrap_or_else(PoisonError::into_inner);
        let newcomers = std::mem::take(&mut *newcomers.lock().unwrap_or_else(PoisonError::into_inner));
        // Whoever was here before may have taken this one along.
        if newcomers.contains(host) {
            let author = Author(format!("host {}", newcomers.iter().cloned().collect::<Vec<_>>().join(", ")));
            self.by(author).retry(Options::default(), &move |old| Ok(with_hosts(old, &newcomers)))?;
        }
        self.catch_up(cluster)
    }
}

/// The configuration with objects for these hosts.
fn with_hosts(old: &Desired, names: &BTreeSet<String>) -> Desired {
    let mut new = old.clone();
    for name in names.iter().filter(|name| !old.hosts.contains_key(*name)) {
        new.put(Object::Host(Host::new(name)));
    }
    new
}

impl Cluster {
    /// Renews the lease of a host.
    async fn keep(&self, host: &str, instance: &str, said: Value) -> Result<(), ApiError> {
        let entry = Entry { instance: instance.to_owned(), said };
        match self.0.leases.keep(host, &entry, self.0.timeout).await {
            Err(StoreError::Taken { name, instance: holder }) => {
                let instance = instance.to_owned();
                tracing::warn!(
                    host,
                    holder,
                    instance,
                    "two installations have one name; the second is refused"
                );
                Err(ClusterError::NameTaken { host: name, holder, instance }.into())
            }
            outcome => Ok(outcome?),
        }
    }

    /// The answer to a host.
    fn lease(&self, refused: BTreeMap<String, String>) -> HostLease {
        let timeout_ms = u64::try_from(self.0.timeout.as_millis()).unwrap_or(u64::MAX);
        let spread_ms = self.0.leases.watch().borrow().len() as u64 / REPORTS_A_MS;
        HostLease { timeout_ms, spread_ms, refused }
    }
}

/// True if a report asks for anything but to be noted.
fn asks(views: &Views, host: &str, report: &HostReport) -> bool {
    !report.left.is_empty()
        || !wishes(views, host, report).is_empty()
        || views.planned().any(|(_, binding, target)| binding.host == host || target.host == host)
}

/// The ports that a report asks for.
fn wishes(views: &Views, host: &str, report: &HostReport) -> Vec<Wish> {
    let mut wishes: BTreeMap<&str, Wish> = BTreeMap::new();
    for (device, appeared) in &report.devices {
        let Some(port) = meant(views, host, device) else { continue };
        let cause = if *appeared { Cause::Appeared(report.claims) } else { Cause::Present };
        wishes.entry(port).or_insert_with(|| Wish { port: port.to_owned(), device: device.clone(), cause });
    }
    for Claim { port, device, seen } in &report.claimed {
        let cause = Cause::Alone(seen.unwrap_or_default());
        wishes.insert(port, Wish { port: port.clone(), device: device.clone(), cause });
    }
    wishes.into_values().collect()
}

/// The port that a device is for. Ports of several hosts may name the same device: that of this host is meant, or one
/// of no host; which of several, nobody can tell.
fn meant<'v>(views: &'v Views, host: &str, device: &str) -> Option<&'v str> {
    let all: Vec<&str> = views.ports_for(device).into_iter().collect();
    let elsewhere = |port: &str| views.binding(port).is_some_and(|binding| binding.host != host);
    let near: Vec<&str> = all.iter().copied().filter(|port| !elsewhere(port)).collect();
    match (near.as_slice(), all.as_slice()) {
        ([port], _) | ([], [port]) => Some(port),
        _ => None,
    }
}
