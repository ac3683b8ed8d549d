//! Uplinks.

use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Body, Name, Params, Refused, WriteParams},
    object::{self, Written},
};
use crate::{
    api::{ChangeSet, ObjectList},
    model::{Document, Kind, ObjectId, Uplink},
};

/// Routes of uplinks.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, replace, patch, remove))
}

/// Lists uplinks.
#[utoipa::path(get, path = "/v1/uplinks", operation_id = "listUplinks", tag = "uplinks", responses(
    (status = 200, description = "All uplinks.", body = ObjectList),
    Refused,
))]
async fn list(State(manager): State<Manager>) -> Result<Json<ObjectList>, ApiError> {
    object::list(manager, Kind::Uplink).await
}

/// Creates an uplink.
#[utoipa::path(post, path = "/v1/uplinks", operation_id = "createUplink", tag = "uplinks",
    request_body = Uplink, params(WriteParams), responses(
    (status = 201, description = "It was created.", body = ChangeSet),
    Refused,
))]
async fn create(
    State(manager): State<Manager>,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Result<(StatusCode, Json<ChangeSet>), ApiError> {
    object::create(manager, Kind::Uplink, params, body).await
}

/// Shows an uplink.
#[utoipa::path(get, path = "/v1/uplinks/{name}", operation_id = "showUplink", tag = "uplinks",
    params(("name" = String, Path, description = "Device of the uplink.")), responses(
    (status = 200, description = "The uplink.", body = Document),
    Refused,
))]
async fn show(State(manager): State<Manager>, name: Name) -> Result<Json<Document>, ApiError> {
    object::show(manager, Kind::Uplink, name).await
}

/// Creates an uplink, or replaces it as a whole.
#[utoipa::path(put, path = "/v1/uplinks/{name}", operation_id = "replaceUplink", tag = "uplinks",
    request_body = Uplink,
    params(("name" = String, Path, description = "Device of the uplink."), WriteParams), responses(
    (status = 200, description = "It is as it was sent.", body = ChangeSet),
    Refused,
))]
async fn replace(
    State(manager): State<Manager>,
    name: Name,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Written {
    object::replace(manager, Kind::Uplink, name, params, body).await
}

/// Changes fields of an uplink by a JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/v1/uplinks/{name}", operation_id = "patchUplink", tag = "uplinks",
    request_body(content = Object, description = "Fields with their new values; null takes a field away."),
    params(("name" = String, Path, description = "Device of the uplink."), WriteParams), responses(
    (status = 200, description = "It was changed.", body = ChangeSet),
    Refused,
))]
async fn patch(
    State(manager): State<Manager>,
    Name(name): Name,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Written {
    object::patch(manager, ObjectId::new(Kind::Uplink, name), params, body).await
}

/// Removes an uplink.
#[utoipa::path(delete, path = "/v1/uplinks/{name}", operation_id = "removeUplink", tag = "uplinks",
    params(("name" = String, Path, description = "Device of the uplink.")), responses(
    (status = 200, description = "It was removed.", body = ChangeSet),
    Refused,
))]
async fn remove(State(manager): State<Manager>, name: Name) -> Written {
    object::remove(manager, Kind::Uplink, name).await
}
