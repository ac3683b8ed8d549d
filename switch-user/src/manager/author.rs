//! Who makes a request.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{ApiError, Manager};

/// Who makes a request, as the history will name them. Whoever serves the API puts it into the extensions of
/// the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author(pub String);

impl Default for Author {
    /// Nobody knows.
    fn default() -> Self {
        Self("-".into())
    }
}

/// The manager, writing for whoever makes the request.
pub(super) struct Writer(pub(super) Manager);

impl FromRequestParts<Manager> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, manager: &Manager) -> Result<Self, ApiError> {
        let author = parts.extensions.get::<Author>().cloned().unwrap_or_default();
        Ok(Self(manager.by(author)))
    }
}
