//! Planned moves: a port gets a target, which prepares it; it goes when the target claims it.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Cluster, ClusterError, Refusal,
    bind::{Outcome, now},
    host::parsed,
    views::{BindingChange, Views},
};
use crate::{
    api::{Binding, BindingEntry, MoveList, MoveRequest, Target},
    manager::{
        ApiError, Manager,
        author::Writer,
        extract::{Body, Name, Refused},
    },
    model::{Kind, Object, ObjectId},
};

/// Routes of planned moves.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(list, plan)).routes(routes!(cancel))
}

/// Lists the moves that are planned.
#[utoipa::path(get, path = "/v1/cluster/moves", operation_id = "listMoves", tag = "cluster", responses(
    (status = 200, description = "The ports that are to go elsewhere.", body = Vec<BindingEntry>),
    Refused,
))]
async fn list(State(manager): State<Manager>) -> Result<Json<Vec<BindingEntry>>, ApiError> {
    let cluster = manager.many()?;
    let list = manager.blocking(move |manager| {
        manager.catch_up(&cluster)?;
        let views = cluster.views();
        Ok(cluster.entries(&views, views.planned().map(|(port, binding, _)| (port, binding))))
    });
    Ok(Json(list.await?))
}

/// Plans moves of ports to other hosts, all of them or none.
///
/// The other host prepares each port and keeps it closed. It goes there when its VM runs there: when the device there
/// sends its first frame, or the one at its former host is gone; or as soon as all is ready, if `now` says so.
#[utoipa::path(post, path = "/v1/cluster/moves", operation_id = "planMoves", tag = "cluster",
    request_body = MoveRequest, responses(
    (status = 200, description = "The moves that are planned.", body = MoveList),
    Refused,
))]
async fn plan(Writer(manager): Writer, Body(body): Body) -> Result<Json<MoveList>, ApiError> {
    let cluster = manager.many()?;
    let request: MoveRequest = parsed(body)?;
    let list = manager.blocking(move |manager| {
        let author = manager.author.0.clone();
        let (outcome, claims) = manager.swap(&cluster, &author, |cluster| cluster.plan(&request))?;
        let moves =
            outcome.changes.into_iter().filter_map(|(port, binding)| Some((port, binding?.target?.host)));
        Ok(MoveList { claims, moves: moves.collect() })
    });
    Ok(Json(list.await?))
}

/// Withdraws the planned move of a port, which stays where it is.
#[utoipa::path(delete, path = "/v1/cluster/moves/{port}", operation_id = "cancelMove", tag = "cluster",
    params(("port" = String, Path, description = "Name of the port.")), responses(
    (status = 200, description = "It stays.", body = MoveList),
    Refused,
))]
async fn cancel(Writer(manager): Writer, Name(port): Name) -> Result<Json<MoveList>, ApiError> {
    let cluster = manager.many()?;
    let list = manager.blocking(move |manager| {
        let author = manager.author.0.clone();
        let (_, claims) = manager.swap(&cluster, &author, |cluster| {
            let views = cluster.views();
            let binding = views.binding(&port).filter(|binding| binding.target.is_some());
            let binding = binding.ok_or_else(|| ClusterError::NotPlanned(port.clone()))?;
            let stays = Binding { target: None, ..binding.clone() };
            Ok(Outcome::of(&views, vec![(port.clone(), Some(stays))]))
        })?;
        Ok(MoveList { claims, moves: BTreeMap::new() })
    });
    Ok(Json(list.await?))
}

impl Cluster {
    /// Gives the ports their targets.
    fn plan(&self, request: &MoveRequest) -> Result<Outcome, ApiError> {
        let mut views = self.views();
        let living = self.living(&views);
        check_hosts(&views, &living, request)?;
        let ports = ports(&views, request)?;
        if request.device.is_some() && ports.len() != 1 {
            let why = format!("device: it is given for one port, and {} are to move", ports.len());
            return Err(ApiError::Form(why));
        }
        let mut counts: BTreeMap<&String, usize> =
            living.iter().map(|host| (host, views.bound(host).count())).collect();
        let mut changes = Vec::new();
        for (port, binding) in ports {
            let host = choose(&views, &counts, request, (&port, &binding))?;
            *counts.entry(host).or_default() += 1;
            let (host, device, now) = (host.clone(), request.device.clone(), request.now);
            let target = Some(Target { host, device, now, planned_ms: self::now() });
            changes.push((port, Some(Binding { target, ..binding })));
        }
        refuse_excess(&mut views, &changes)?;
        Ok(Outcome::of(&views, changes))
    }
}

/// Refuses hosts that do not exist, and such that ports cannot go to.
fn check_hosts(views: &Views, living: &BTreeSet<String>, request: &MoveRequest) -> Result<(), ClusterError> {
    if let Some(unknown) = request.from.iter().chain(&request.to).find(|host| !views.has_host(host)) {
        return Err(ClusterError::UnknownHost(unknown.clone()));
    }
    let dead = request.to.iter().find(|host| !living.contains(*host));
    dead.map_or(Ok(()), |dead| Err(ClusterError::TargetDead(dead.clone())))
}

/// The host that a port goes to: of those that may be, the one that has the fewest ports.
fn choose<'c>(
    views: &Views,
    counts: &BTreeMap<&'c String, usize>,
    request: &MoveRequest,
    (port, binding): (&str, &Binding),
) -> Result<&'c String, ClusterError> {
    let group = ha_group(views, &binding.host);
    let may = |host: &str| {
        let named = request.to.iter().any(|name| name == host);
        host != binding.host && (named || (request.to.is_empty() && ha_group(views, host) == group))
    };
    let fewest = counts.iter().filter(|(host, _)| may(host)).min_by_key(|(_, count)| **count);
    fewest.map(|(host, _)| *host).ok_or_else(|| match group {
        Some(group) if request.to.is_empty() => ClusterError::NoTarget(group.to_owned()),
        _ => ClusterError::AlreadyThere { port: port.to_owned(), host: binding.host.clone() },
    })
}

fn ha_group<'v>(views: &'v Views, host: &str) -> Option<&'v str> {
    if let Object::Host(host) = views.object(Kind::Host, host)? { Some(&host.ha_group) } else { None }
}

/// The ports that are to move, with where they are.
fn ports(views: &Views, request: &MoveRequest) -> Result<BTreeMap<String, Binding>, ApiError> {
    if request.from.is_none() && request.ports.is_empty() {
        return Err(ApiError::Form(
            "ports: name those that are to move, or the host that has them (from)".into(),
        ));
    }
    let from = request.from.iter().flat_map(|host| views.bound(host));
    let mut ports: BTreeMap<String, Binding> =
        from.map(|(port, binding)| (port.clone(), binding.clone())).collect();
    for port in &request.ports {
        if views.object(Kind::Port, port).is_none() {
            return Err(ApiError::NotFound(ObjectId::new(Kind::Port, port)));
        }
        let binding = views.binding(port).ok_or_else(|| ClusterError::Unbound(port.clone()))?;
        ports.insert(port.clone(), binding.clone());
    }
    Ok(ports)
}

/// Refuses moves to hosts that have no room for them.
fn refuse_excess(views: &mut Views, changes: &[BindingChange]) -> Result<(), ClusterError> {
    let mut coming: BTreeMap<String, Vec<BindingChange>> = BTreeMap::new();
    for (port, binding) in changes {
        let Some(target) = binding.as_ref().and_then(|binding| binding.target.clone()) else { continue };
        let there =
            binding.clone().map(|binding| Binding { host: target.host.clone(), target: None, ..binding });
        coming.entry(target.host).or_default().push((port.clone(), there));
    }
    for (host, changes) in coming {
        if let (Some(why), [(port, _), ..]) = (views.excess(&host, &changes), changes.as_slice()) {
            let refusal = Refusal::Full(format!("host {host}: {why}"));
            return Err(ClusterError::Claim { port: port.clone(), refusal });
        }
    }
    Ok(())
}
