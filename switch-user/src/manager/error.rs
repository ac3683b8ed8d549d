//! Refusals, and the one place that turns them into answers.

use axum::{
    Json,
    http::{Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use crate::{
    api::{Details, FieldError, PROBLEM_JSON},
    classifier::ends::EndError,
    model::{Lockout, ObjectId, Problem},
    report::ReportError,
    store::StoreError,
};

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// An address that leads nowhere.
    #[error("there is nothing at {0}")]
    NoRoute(String),
    /// A method that the address does not know.
    #[error("{path} does not take {method}")]
    NoMethod {
        /// Method of the request.
        method: Method,
        /// Path of the request.
        path: String,
    },
    /// A body that cannot be received.
    #[error("the body cannot be received: {0}")]
    Body(String),
    /// A body that is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// Parameters after the question mark, or a name in the path, that make no sense.
    #[error("the request has a wrong parameter: {0}")]
    Parameter(String),
    /// An object that does not exist.
    #[error("there is no {0}")]
    NotFound(ObjectId),
    /// A port or uplink, a network or a router that a filter names and that does not exist.
    #[error("there is no {what} named {name:?}")]
    UnknownFilter {
        /// What the filter is for.
        what: &'static str,
        /// The name in the filter.
        name: String,
    },
    /// A question about policies that makes no sense.
    #[error("{0}")]
    Question(EndError),
    /// An object that exists already.
    #[error("there is a {0} already")]
    Exists(ObjectId),
    /// A write after which nothing passes any more, and that is perhaps not meant.
    #[error("{0}")]
    Confirmation(Lockout),
    /// A configuration that makes no sense.
    #[error("the configuration is refused")]
    Invalid(Vec<Problem>),
    /// A generation that the history does not lead back to.
    #[error("generation {wanted} is not remembered; the history leads back to generation {oldest}")]
    NotKept {
        /// The generation that is wanted.
        wanted: u64,
        /// The oldest one that can be had.
        oldest: u64,
    },
    /// A generation that has not been.
    #[error("there is no generation {wanted} yet; the newest one is {newest}")]
    NotYet {
        /// The generation that is wanted.
        wanted: u64,
        /// The newest one.
        newest: u64,
    },
    /// Others wrote again and again between reading and writing.
    #[error("others keep changing the configuration")]
    Busy,
    /// The host did not reach a generation in time.
    #[error("the host has applied generation {applied}, not {wanted}, when the time was over")]
    Timeout {
        /// Generation that was waited for.
        wanted: u64,
        /// Generation that the host has reached.
        applied: u64,
    },
    /// The host will not report any more.
    #[error("the agent is stopping")]
    Stopping,
    /// What the store holds is not what was written into it.
    #[error("the stored configuration is damaged")]
    Damaged(Vec<Problem>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The host cannot tell.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A bug of ours.
    #[error("the request ended in a panic")]
    Panic(#[from] tokio::task::JoinError),
}

/// What all errors of a kind have in common: status, word, title and remedy.
type Class = (StatusCode, &'static str, &'static str, &'static str);

impl ApiError {
    fn class(&self) -> Class {
        const PARAMETERS: &str = "see /openapi.json for the parameters and their types";
        const NO_OBJECT: &str =
            "see which there are (dvs router|network|port|uplink|route|group|policy|rule list)";
        match self {
            Self::NoRoute(_) => (StatusCode::NOT_FOUND, "no-route", "No such address", "see /openapi.json"),
            Self::NoMethod { .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, "no-method", "No such method", "see /openapi.json")
            }
            Self::Body(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body", "Body not received", "send at most 64 MiB")
            }
            Self::NotJson(_) => (StatusCode::BAD_REQUEST, "not-json", "Not JSON", "send one JSON value"),
            Self::Parameter(_) => (StatusCode::BAD_REQUEST, "parameter", "Wrong parameter", PARAMETERS),
            Self::Question(error) => {
                (StatusCode::BAD_REQUEST, "question", "Question makes no sense", error.remedy())
            }
            Self::NotFound(_) | Self::UnknownFilter { .. } => {
                (StatusCode::NOT_FOUND, "not-found", "No such object", NO_OBJECT)
            }
            Self::Exists(_) => {
                let remedy = "change it with PUT or PATCH (dvs ... set), or choose another name";
                (StatusCode::CONFLICT, "exists", "Object exists", remedy)
            }
            Self::Confirmation(_) => {
                let remedy =
                    "write rules that allow something first, or say that it is meant (--yes, yes=true)";
                (StatusCode::CONFLICT, "confirmation", "Confirmation needed", remedy)
            }
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Invalid configuration", ""),
            Self::NotKept { .. } | Self::NotYet { .. } => {
                let remedy = "see which there are (dvs history)";
                (StatusCode::NOT_FOUND, "no-generation", "No such generation", remedy)
            }
            Self::Busy => (StatusCode::CONFLICT, "busy", "Configuration busy", "try again"),
            Self::Timeout { .. } => {
                let remedy = "wait longer, or look at the errors of the status (dvs status)";
                (StatusCode::GATEWAY_TIMEOUT, "timeout", "Not applied in time", remedy)
            }
            Self::Stopping => {
                (StatusCode::SERVICE_UNAVAILABLE, "stopping", "Agent is stopping", "start it again")
            }
            Self::Damaged(_) => {
                let remedy = "restore a backup of the store";
                (StatusCode::INTERNAL_SERVER_ERROR, "damaged", "Damaged configuration", remedy)
            }
            Self::Store(error) => store_class(error),
            Self::Report(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "report", "Report failed", "see the log of the agent")
            }
            Self::Panic(_) => {
                let remedy = "see the log of the agent and report it as a bug";
                (StatusCode::INTERNAL_SERVER_ERROR, "panic", "Internal error", remedy)
            }
        }
    }

    /// The answer's body.
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not listed has one error only: itself")]
    pub fn details(&self) -> Details {
        let (status, kind, title, remedy) = self.class();
        let errors = match self {
            Self::Invalid(problems) | Self::Damaged(problems) => problems.as_slice(),
            _ => &[],
        };
        Details {
            kind: format!("urn:dvs:{kind}"),
            title: title.into(),
            status: status.as_u16(),
            detail: self.to_string(),
            remedy: remedy.into(),
            errors: errors.iter().map(FieldError::from).collect(),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other errors of a store mean the same to a client")]
fn store_class(error: &StoreError) -> Class {
    match error {
        StoreError::Unreachable { .. } => {
            let remedy = "nothing was changed: try again when the store can be reached";
            (StatusCode::SERVICE_UNAVAILABLE, "store-unreachable", "Store unreachable", remedy)
        }
        StoreError::Unknown { .. } => {
            let remedy = "look at the history (dvs history) before you try again";
            (StatusCode::GATEWAY_TIMEOUT, "outcome-unknown", "Outcome unknown", remedy)
        }
        StoreError::NoBackup { .. } => {
            (StatusCode::NOT_IMPLEMENTED, "no-backup", "Not copied here", "use the tools of the store")
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "store", "Store failed", "see the log of the agent"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.class();
        if status.is_server_error() && status != StatusCode::GATEWAY_TIMEOUT {
            tracing::error!("request failed: {self}");
        }
        (status, [(CONTENT_TYPE, PROBLEM_JSON)], Json(self.details())).into_response()
    }
}

/// Answers requests to unknown addresses.
pub(super) async fn no_route(uri: Uri) -> ApiError {
    ApiError::NoRoute(uri.path().into())
}

/// Answers requests with a method that the address does not know.
pub(super) async fn no_method(method: Method, uri: Uri) -> ApiError {
    ApiError::NoMethod { method, path: uri.path().into() }
}
