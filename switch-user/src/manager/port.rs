//! Ports.

use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Body, Name, Params, Refused, WriteParams},
    object::{self, Written},
};
use crate::{
    api::{ChangeSet, ObjectList},
    model::{Document, Kind, ObjectId, Port},
};

/// Routes of ports.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, replace, patch, remove))
}

/// Lists ports.
#[utoipa::path(get, path = "/v1/ports", operation_id = "listPorts", tag = "ports", responses(
    (status = 200, description = "All ports.", body = ObjectList),
    Refused,
))]
async fn list(State(manager): State<Manager>) -> Result<Json<ObjectList>, ApiError> {
    object::list(manager, Kind::Port).await
}

/// Creates a port.
#[utoipa::path(post, path = "/v1/ports", operation_id = "createPort", tag = "ports",
    request_body = Port, params(WriteParams), responses(
    (status = 201, description = "It was created.", body = ChangeSet),
    Refused,
))]
async fn create(
    State(manager): State<Manager>,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Result<(StatusCode, Json<ChangeSet>), ApiError> {
    object::create(manager, Kind::Port, params, body).await
}

/// Shows a port.
#[utoipa::path(get, path = "/v1/ports/{name}", operation_id = "showPort", tag = "ports",
    params(("name" = String, Path, description = "Name of the port.")), responses(
    (status = 200, description = "The port.", body = Document),
    Refused,
))]
async fn show(State(manager): State<Manager>, name: Name) -> Result<Json<Document>, ApiError> {
    object::show(manager, Kind::Port, name).await
}

/// Creates a port, or replaces it as a whole.
#[utoipa::path(put, path = "/v1/ports/{name}", operation_id = "replacePort", tag = "ports",
    request_body = Port,
    params(("name" = String, Path, description = "Name of the port."), WriteParams), responses(
    (status = 200, description = "It is as it was sent.", body = ChangeSet),
    Refused,
))]
async fn replace(
    State(manager): State<Manager>,
    name: Name,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Written {
    object::replace(manager, Kind::Port, name, params, body).await
}

/// Changes fields of a port by a JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/v1/ports/{name}", operation_id = "patchPort", tag = "ports",
    request_body(content = Object, description = "Fields with their new values; null takes a field away."),
    params(("name" = String, Path, description = "Name of the port."), WriteParams), responses(
    (status = 200, description = "It was changed.", body = ChangeSet),
    Refused,
))]
async fn patch(
    State(manager): State<Manager>,
    Name(name): Name,
    Params(params): Params<WriteParams>,
    body: Body,
) -> Written {
    object::patch(manager, ObjectId::new(Kind::Port, name), params, body).await
}

/// Removes a port.
#[utoipa::path(delete, path = "/v1/ports/{name}", operation_id = "removePort", tag = "ports",
    params(("name" = String, Path, description = "Name of the port.")), responses(
    (status = 200, description = "It was removed.", body = ChangeSet),
    Refused,
))]
async fn remove(State(manager): State<Manager>, name: Name) -> Written {
    object::remove(manager, Kind::Port, name).await
}
