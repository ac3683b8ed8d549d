//! Networks.

use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Body, Name, Params, Refused, WriteParams},
    object::{self, Written},
};
use crate::{
    api::{ChangeSet, ObjectList},
    model::{Document, Kind, Network, ObjectId},
};

/// Routes of networks.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, replace, patch, remove))
}

/// Lists networks.
#[utoipa::path(get, path = "/v1/networks", operation_id = "listNetworks", tag = "networks", responses(
    (status = 200, description = "All networks.", body = ObjectList),
    Refused,
))]
async fn list(State(manager): State<Manager>) -> Result<Json<ObjectList>, ApiError> {
    object::list(manager, Kind::Network).await
}

/// Creates a network.
#[utoipa::path(post, path = "/v1/networks", operation_id = "createNetwork", tag = "networks",
    request_body = Network, params(WriteParams), responses(
    (status = 201, description = "It was created.", body = ChangeSet),
    Refused,
))]
async fn create(
    State(manager): State<Manager>,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Result<(StatusCode, Json<ChangeSet>), ApiError> {
    object::create(manager, Kind::Network, params, body).await
}

/// Shows a network.
#[utoipa::path(get, path = "/v1/networks/{name}", operation_id = "showNetwork", tag = "networks",
    params(("name" = String, Path, description = "Name of the network.")), responses(
    (status = 200, description = "The network.", body = Document),
    Refused,
))]
async fn show(State(manager): State<Manager>, name: Name) -> Result<Json<Document>, ApiError> {
    object::show(manager, Kind::Network, name).await
}

/// Creates a network, or replaces it as a whole.
#[utoipa::path(put, path = "/v1/networks/{name}", operation_id = "replaceNetwork", tag = "networks",
    request_body = Network,
    params(("name" = String, Path, description = "Name of the network."), WriteParams), responses(
    (status = 200, description = "It is as it was sent.", body = ChangeSet),
    Refused,
))]
async fn replace(
    State(manager): State<Manager>,
    name: Name,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Written {
    object::replace(manager, Kind::Network, name, params, body).await
}

/// Changes fields of a network by a JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/v1/networks/{name}", operation_id = "patchNetwork", tag = "networks",
    request_body(content = Object, description = "Fields with their new values; null takes a field away."),
    params(("name" = String, Path, description = "Name of the network."), WriteParams), responses(
    (status = 200, description = "It was changed.", body = ChangeSet),
    Refused,
))]
async fn patch(
    State(manager): State<Manager>,
    Name(name): Name,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Written {
    object::patch(manager, ObjectId::new(Kind::Network, name), params, body).await
}

/// Removes a network.
#[utoipa::path(delete, path = "/v1/networks/{name}", operation_id = "removeNetwork", tag = "networks",
    params(("name" = String, Path, description = "Name of the network.")), responses(
    (status = 200, description = "It was removed.", body = ChangeSet),
    Refused,
))]
async fn remove(State(manager): State<Manager>, name: Name) -> Written {
    object::remove(manager, Kind::Network, name).await
}
