//! The description of the API, made from the handlers.

use axum::Json;
use utoipa::{OpenApi, openapi};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Manager, apply, backup, cluster, collection, firewall, history, policy_test, reports, switch, wait, watch,
};
use crate::api::Details;

#[derive(OpenApi)]
#[openapi(
    info(title = "dvs", description = "The API of a virtual switch: objects in, reports out. Every write is all or nothing."),
    components(schemas(Details)),
    tags(
        (name = "routers", description = "They connect networks."),
        (name = "routes", description = "Where routers send packets that are for none of their networks."),
        (name = "networks", description = "Broadcast domains."),
        (name = "ports", description = "Where VMs and containers plug in."),
        (name = "hosts", description = "Who forwards frames, in a cluster."),
        (name = "uplinks", description = "Devices that lead out of the host."),
        (name = "groups", description = "Ports and addresses that policies and rules mean."),
        (name = "policies", description = "Rule sets of the firewall."),
        (name = "rules", description = "What policies say about packets."),
        (name = "switch", description = "Settings of the whole switch."),
        (name = "configuration", description = "All objects at once, and their changes."),
        (name = "cluster", description = "Many hosts: who is alive, and who has which port."),
        (name = "reports", description = "What the host says of itself."),
    ),
)]
struct Description;

/// The description of the API.
pub fn document() -> openapi::OpenApi {
    let mut description = routes().into_openapi();
    // A name with slashes has a star where paths are matched, which a description does not know.
    let paths = std::mem::take(&mut description.paths.paths).into_iter();
    description.paths.paths = paths.map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    description
}

/// All routes with their description.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(collection::routes())
        .merge(cluster::routes())
        .merge(switch::routes())
        .merge(apply::routes())
        .merge(history::routes())
        .merge(backup::routes())
        .merge(wait::routes())
        .merge(watch::routes())
        .merge(reports::routes())
        .merge(firewall::routes())
        .merge(policy_test::routes())
        .routes(routes!(show))
}

/// Describes this API.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "configuration", responses(
    (status = 200, description = "This description.", body = Object),
))]
async fn show() -> Json<openapi::OpenApi> {
    Json(document())
}
