//! Waiting until the host has applied a generation.

use std::time::Duration;

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Params, Refused},
};
use crate::api::Waited;

/// Longest time that a request waits.
const LONGEST: u64 = 3600;

/// Routes of waiting.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(wait))
}

/// What to wait for.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct WaitParams {
    /// The generation that is to be applied; the one of the configuration if it is left out.
    generation: Option<u64>,
    /// Seconds to wait at most: 30 if left out, and 3600 at most.
    timeout: Option<u64>,
}

/// Waits until the host has applied a generation; of many hosts, all that it concerns and that are alive.
#[utoipa::path(get, path = "/v1/wait", operation_id = "wait", tag = "configuration", params(WaitParams), responses(
    (status = 200, description = "It is applied, as far as the errors allow.", body = Waited),
    Refused,
))]
async fn wait(
    State(manager): State<Manager>,
    Params(params): Params<WaitParams>,
) -> Result<Json<Waited>, ApiError> {
    let wanted = match params.generation {
        Some(generation) => generation,
        None => *manager.store.watch().borrow(),
    };
    let timeout = Duration::from_secs(params.timeout.unwrap_or(30).min(LONGEST));
    if let Some(cluster) = &manager.cluster {
        return Ok(Json(cluster.wait(wanted, timeout).await?));
    }
    let mut applied = manager.host.applied()?;
    match tokio::time::timeout(timeout, applied.wait_for(|applied| applied.generation >= wanted)).await {
        Ok(Ok(applied)) => return Ok(Json(applied.clone().into())),
        Ok(Err(_)) => return Err(ApiError::Stopping),
        Err(_) => {}
    }
    let applied = applied.borrow().generation;
    Err(ApiError::Timeout { wanted, applied })
}
