//! Settings of the switch.

use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    author::Writer,
    extract::{Body, Params, Refused, RemoveParams},
    object::{self, Written},
};
use crate::{
    api::ChangeSet,
    model::{Desired, Document, Object},
};

/// Routes of the settings.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(show, patch))
}

/// Shows the settings of the switch.
#[utoipa::path(get, path = "/v1/switch", operation_id = "showSwitch", tag = "switch", responses(
    (status = 200, description = "The settings; the defaults where nothing was set.", body = Document),
    Refused,
))]
async fn show(State(manager): State<Manager>) -> Result<Json<Document>, ApiError> {
    let known = manager.desired().await?;
    Ok(Json(Object::Switch(known.desired.switch.clone().unwrap_or_default()).document()))
}

/// Changes settings of the switch by a JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/v1/switch", operation_id = "patchSwitch", tag = "switch",
    request_body(content = Object, description = "Settings with their new values; null restores the default."),
    params(RemoveParams), responses(
    (status = 200, description = "They were changed.", body = ChangeSet),
    Refused,
))]
async fn patch(Writer(manager): Writer, Params(params): Params<RemoveParams>, Body(body): Body) -> Written {
    let edit = move |old: &Desired| {
        let current = Object::Switch(old.switch.clone().unwrap_or_default());
        object::patched(old, current, &body)
    };
    Ok(Json(manager.write(params.into(), edit).await?))
}
