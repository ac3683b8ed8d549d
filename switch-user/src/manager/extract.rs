//! Parts of a request, refused in our own words where axum would answer in plain text.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{
    IntoParams, IntoResponses,
    openapi::{Content, Ref, RefOr, Response},
};

use super::ApiError;
use crate::api::PROBLEM_JSON;

/// The body, whatever its media type says.
pub(super) struct Body(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|rejection| ApiError::Body(rejection.body_text()))?;
        serde_json::from_slice(&bytes).map(Self).map_err(ApiError::NotJson)
    }
}

/// The parameters after the question mark.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        let Query(params) = query.map_err(|rejection| ApiError::Parameter(rejection.body_text()))?;
        Ok(Self(params))
    }
}

/// The name at the end of the path.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|rejection| ApiError::Parameter(rejection.body_text()))?;
        Ok(Self(name))
    }
}

/// Parameters of every write.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct WriteParams {
    /// Take devices that do not exist on the host (yet).
    pub(super) allow_missing: bool,
    /// Tell what would change, and which connections that would cut, and change nothing.
    pub(super) dry_run: bool,
    /// The write is meant, even if it shuts off every port.
    pub(super) yes: bool,
}

/// Parameters of a removal, and of a write that names no devices.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct RemoveParams {
    /// Tell what would change, and which connections that would cut, and change nothing.
    pub(super) dry_run: bool,
    /// The write is meant, even if it shuts off every port.
    pub(super) yes: bool,
}

/// Stands for every answer that is not a success.
pub(super) struct Refused;

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let schema = Ref::from_schema_name("Details");
        let mut response = Response::new("Refused: why, and what to do about it.");
        response.content.insert(PROBLEM_JSON.into(), Content::new(Some(schema)).into());
        BTreeMap::from([("default".into(), response.into())])
    }
}
