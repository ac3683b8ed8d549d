//! What the host says of itself, filtered.

use axum::{Json, extract::State};
use serde::Deserialize;
use switch_common::addr::Mac;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Params, Refused},
};
use crate::{
    api::SwitchStatus,
    model::Desired,
    report::{DropCount, FdbEntry, FlowEntry, FlowFilter, NeighbourEntry, PortStats, PortStatus},
};

/// Routes of the reports.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(fdb))
        .routes(routes!(stats))
        .routes(routes!(drops))
        .routes(routes!(flows))
        .routes(routes!(neighbours))
}

/// Which stations to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct FdbParams {
    /// Only those of this network.
    network: Option<String>,
    /// Only those at this port or uplink.
    port: Option<String>,
    /// Only the one with this address.
    #[param(value_type = Option<String>)]
    mac: Option<Mac>,
}

/// Which port to report on.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct PortParams {
    /// Only this port or uplink.
    port: Option<String>,
}

/// Which flows to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct FlowParams {
    /// Only those that come from or go to this port or uplink.
    port: Option<String>,
    /// Only those of this router.
    router: Option<String>,
}

/// Which neighbours to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct NeighbourParams {
    /// Only those of this network.
    network: Option<String>,
}

/// Tells the state of the switch.
#[utoipa::path(get, path = "/v1/status", operation_id = "status", tag = "reports", responses(
    (status = 200, description = "State of the host, its ports and its tables.", body = SwitchStatus),
    Refused,
))]
async fn status(State(manager): State<Manager>) -> Result<Json<SwitchStatus>, ApiError> {
    let known = manager.desired().await?;
    let mut host = manager.blocking(|manager| Ok(manager.host.status()?)).await?;
    for port in &mut host.ports {
        let note = mtu_note(port, &known.desired);
        port.notes.extend(note);
    }
    let follows = manager.follow.as_ref().map(|follow| follow.following());
    Ok(Json(SwitchStatus { generation: known.generation, follows, host }))
}

/// A note at a port whose device carries less than its network should.
fn mtu_note(port: &PortStatus, desired: &Desired) -> Option<String> {
    let network = desired.ports.get(&port.name)?.network.as_ref()?;
    let (wanted, actual) = (desired.networks.get(network)?.mtu?, port.mtu?);
    (!port.uplink && actual < wanted)
        .then(|| format!("the device's mtu is {actual}, that of network {network} {wanted}"))
}

/// Lists the stations that the switch knows.
#[utoipa::path(get, path = "/v1/fdb", operation_id = "fdb", tag = "reports", params(FdbParams), responses(
    (status = 200, description = "Entries of the forwarding database.", body = Vec<FdbEntry>),
    Refused,
))]
async fn fdb(
    State(manager): State<Manager>,
    Params(params): Params<FdbParams>,
) -> Result<Json<Vec<FdbEntry>>, ApiError> {
    let known = manager.desired().await?;
    known_port(&known.desired, params.port.as_ref())?;
    known_network(&known.desired, params.network.as_ref())?;
    let mut entries = manager.blocking(|manager| Ok(manager.host.fdb()?)).await?;
    entries.retain(|entry| {
        params.network.as_ref().is_none_or(|network| entry.network.as_ref() == Some(network))
            && params.port.as_ref().is_none_or(|port| entry.port == *port)
            && params.mac.is_none_or(|mac| entry.mac == mac)
    });
    Ok(Json(entries))
}

/// Lists the counters of ports and uplinks.
#[utoipa::path(get, path = "/v1/stats", operation_id = "stats", tag = "reports", params(PortParams), responses(
    (status = 200, description = "Counters.", body = Vec<PortStats>),
    Refused,
))]
async fn stats(
    State(manager): State<Manager>,
    Params(params): Params<PortParams>,
) -> Result<Json<Vec<PortStats>>, ApiError> {
    let known = manager.desired().await?;
    known_port(&known.desired, params.port.as_ref())?;
    let mut rows = manager.blocking(|manager| Ok(manager.host.stats()?)).await?;
    rows.retain(|row| params.port.as_ref().is_none_or(|port| row.port == *port));
    Ok(Json(rows))
}

/// Lists the frames that were dropped, by port and reason.
#[utoipa::path(get, path = "/v1/drops", operation_id = "drops", tag = "reports", params(PortParams), responses(
    (status = 200, description = "Drops, without the rows that are zero.", body = Vec<DropCount>),
    Refused,
))]
async fn drops(
    State(manager): State<Manager>,
    Params(params): Params<PortParams>,
) -> Result<Json<Vec<DropCount>>, ApiError> {
    let known = manager.desired().await?;
    known_port(&known.desired, params.port.as_ref())?;
    let mut rows = manager.blocking(|manager| Ok(manager.host.drops()?)).await?;
    rows.retain(|row| params.port.as_ref().is_none_or(|port| row.port == *port));
    Ok(Json(rows))
}

/// Lists the flows that routers have made.
#[utoipa::path(get, path = "/v1/flows", operation_id = "flows", tag = "reports", params(FlowParams), responses(
    (status = 200, description = "Entries of the flow table, one a direction.", body = Vec<FlowEntry>),
    Refused,
))]
async fn flows(
    State(manager): State<Manager>,
    Params(FlowParams { port, router }): Params<FlowParams>,
) -> Result<Json<Vec<FlowEntry>>, ApiError> {
    let known = manager.desired().await?;
    known_port(&known.desired, port.as_ref())?;
    found("router", router.as_ref(), |name| known.desired.routers.contains_key(name))?;
    let filter = FlowFilter { port, router, ..FlowFilter::default() };
    Ok(Json(manager.blocking(move |manager| Ok(manager.host.flows(&filter)?)).await?))
}

/// Lists the IP addresses that routers know in their networks.
#[utoipa::path(get, path = "/v1/neighbours", operation_id = "neighbours", tag = "reports",
    params(NeighbourParams), responses(
    (status = 200, description = "Entries of the neighbour table.", body = Vec<NeighbourEntry>),
    Refused,
))]
async fn neighbours(
    State(manager): State<Manager>,
    Params(params): Params<NeighbourParams>,
) -> Result<Json<Vec<NeighbourEntry>>, ApiError> {
    let known = manager.desired().await?;
    known_network(&known.desired, params.network.as_ref())?;
    let mut rows = manager.blocking(|manager| Ok(manager.host.neighbours()?)).await?;
    rows.retain(|row| params.network.as_ref().is_none_or(|network| row.network.as_ref() == Some(network)));
    Ok(Json(rows))
}

pub(super) fn known_port(desired: &Desired, name: Option<&String>) -> Result<(), ApiError> {
    let known = |name: &String| desired.ports.contains_key(name) || desired.uplinks.contains_key(name);
    found("port or uplink", name, known)
}

fn known_network(desired: &Desired, name: Option<&String>) -> Result<(), ApiError> {
    found("network", name, |name| desired.networks.contains_key(name))
}

pub(super) fn found(
    what: &'static str,
    name: Option<&String>,
    known: impl FnOnce(&String) -> bool,
) -> Result<(), ApiError> {
    match name {
        Some(name) if !known(name) => Err(ApiError::UnknownFilter { what, name: name.clone() }),
        _ => Ok(()),
    }
}
