//! Versions: every answer says which one it is of, and a request in another one is refused before anything is read.

use axum::{
    extract::Request,
    http::HeaderValue,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::ApiError;
use crate::api::{OWN_VERSION, VERSION_HEADER, is_other_version};

/// Refuses what is said in another version of the API. Whoever does not say which one is taken at its words.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let said = request.headers().get(VERSION_HEADER).and_then(|version| version.to_str().ok());
    let mut response = match said.filter(|said| is_other_version(said)) {
        Some(theirs) => {
            let refusal = ApiError::Version { theirs: theirs.to_owned() };
            tracing::warn!("{refusal}");
            refusal.into_response()
        }
        None => next.run(request).await,
    };
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(OWN_VERSION));
    response
}
