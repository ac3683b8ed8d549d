//! The description of the API, made from the handlers.

use axum::Json;
use utoipa::{OpenApi, openapi};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Manager, apply, network, port, reports, switch, uplink, wait, watch};
use crate::api::Details;

#[derive(OpenApi)]
#[openapi(
    info(title = "dvs", description = "The API of a virtual switch: objects in, reports out. Every write is all or nothing."),
    components(schemas(Details)),
    tags(
        (name = "networks", description = "Broadcast domains."),
        (name = "ports", description = "Where VMs and containers plug in."),
        (name = "uplinks", description = "Devices that lead out of the host."),
        (name = "switch", description = "Settings of the whole switch."),
        (name = "configuration", description = "All objects at once, and their changes."),
        (name = "reports", description = "What the host says of itself."),
    ),
)]
struct Description;

/// The description of the API.
pub fn document() -> openapi::OpenApi {
    routes().into_openapi()
}

/// All routes with their description.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(network::routes())
        .merge(port::routes())
        .merge(uplink::routes())
        .merge(switch::routes())
        .merge(apply::routes())
        .merge(wait::routes())
        .merge(watch::routes())
        .merge(reports::routes())
        .routes(routes!(show))
}

/// Describes this API.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "configuration", responses(
    (status = 200, description = "This description.", body = Object),
))]
async fn show() -> Json<openapi::OpenApi> {
    Json(document())
}
