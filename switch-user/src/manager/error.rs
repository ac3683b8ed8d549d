//! Refusals, and the one place that turns them into answers.

use axum::{
    Json,
    http::{Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::cluster::ClusterError;
use crate::{
    api::{Details, FieldError, OWN_VERSION, PROBLEM_JSON, VERSION_REMEDY, other_version_of},
    classifier::ends::EndError,
    model::{Lockout, ObjectId, Problem},
    report::{FollowError, ReportError},
    store::StoreError,
    tls::{Identity, NoIdentity},
};

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// An address that leads nowhere.
    #[error("there is nothing at {0}")]
    NoRoute(String),
    /// A request in another version of the API.
    #[error("the request is in {theirs}, and this is {OWN_VERSION}")]
    Version {
        /// Version of the request.
        theirs: String,
    },
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
    /// A write at a host whose configuration is elsewhere.
    #[error("this host follows the managers at {managers}")]
    Follows {
        /// The managers.
        managers: String,
    },
    /// A port was not claimed, or not let go.
    #[error(transparent)]
    Follow(#[from] FollowError),
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
    /// What concerns many hosts is refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A body of another form than the address takes.
    #[error("the body has the wrong form: {0}")]
    Form(String),
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
    /// Somebody asks for what others may do.
    #[error("{who} {scope}, and not {method} {path}")]
    Forbidden {
        /// Who asks.
        who: Identity,
        /// What it may do.
        scope: &'static str,
        /// Method of the request.
        method: Method,
        /// Path of the request.
        path: String,
    },
    /// Somebody whose certificate is good and says nothing to us.
    #[error("the certificate says not who this is: {0}")]
    Unknown(NoIdentity),
    /// A bug of ours.
    #[error("the request ended in a panic")]
    Panic(#[from] tokio::task::JoinError),
}

/// What all errors of a kind have in common: status, word, title and remedy.
pub(super) type Class = (StatusCode, &'static str, &'static str, &'static str);

/// Remedy where the request is not to blame.
const LOG: &str = "see the log of the agent or manager";

const fn report_class(error: &ReportError) -> Class {
    match error {
        ReportError::Read { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "report", "Report failed", LOG),
        ReportError::NoHost => {
            let remedy = "ask at the host itself, without --server";
            (StatusCode::MISDIRECTED_REQUEST, "no-host", "Not at a manager", remedy)
        }
    }
}

impl ApiError {
    fn class(&self) -> Class {
        const PARAMETERS: &str = "see /openapi.json for the parameters and their types";
        const NO_OBJECT: &str =
            "see which there are (dvs router|network|host|port|uplink|route|group|policy|rule list)";
        match self {
            Self::NoRoute(_) => (StatusCode::NOT_FOUND, "no-route", "No such address", "see /openapi.json"),
            Self::Version { .. } => (StatusCode::BAD_REQUEST, "version", "Another version", VERSION_REMEDY),
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
            Self::Follows { .. } | Self::Store(StoreError::Follows { .. }) => {
                let remedy =
                    "use dvs --server with one of them; only port attach and port detach are for this host";
                (StatusCode::CONFLICT, "follows", "Configuration is elsewhere", remedy)
            }
            Self::Follow(_) => {
                let remedy = "see the managers (dvs status), and try again when one is connected";
                (StatusCode::SERVICE_UNAVAILABLE, "alone", "No manager", remedy)
            }
            Self::NotKept { .. } | Self::NotYet { .. } => {
                let remedy = "see which there are (dvs history)";
                (StatusCode::NOT_FOUND, "no-generation", "No such generation", remedy)
            }
            Self::Busy => (StatusCode::CONFLICT, "busy", "Configuration busy", "try again"),
            Self::Timeout { .. } => {
                let remedy = "wait longer, or look at the errors of the status (dvs status)";
                (StatusCode::GATEWAY_TIMEOUT, "timeout", "Not applied in time", remedy)
            }
            Self::Cluster(error) => error.class(),
            Self::Form(_) => {
                (StatusCode::BAD_REQUEST, "form", "Wrong form", "see /openapi.json for the form")
            }
            Self::Stopping => {
                (StatusCode::SERVICE_UNAVAILABLE, "stopping", "Agent is stopping", "start it again")
            }
            Self::Damaged(_) => {
                let remedy = "restore a backup of the store";
                (StatusCode::INTERNAL_SERVER_ERROR, "damaged", "Damaged configuration", remedy)
            }
            Self::Store(error) => store_class(error),
            Self::Report(error) => report_class(error),
            Self::Forbidden { .. } => {
                let remedy = "use a certificate of another role (dvs cert issue NAME --role admin)";
                (StatusCode::FORBIDDEN, "forbidden", "Not allowed", remedy)
            }
            Self::Unknown(_) => {
                let remedy = "use a certificate that dvs cert issue made, or one with such a name";
                (StatusCode::FORBIDDEN, "unknown", "Nobody known", remedy)
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
        // What a manager has said is said again.
        if let Self::Follow(FollowError::Refused(details)) = self {
            return Details::clone(details);
        }
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
        StoreError::NoRoom { .. } => {
            let remedy = "nothing was changed: make room there, and try again";
            (StatusCode::INSUFFICIENT_STORAGE, "disk-full", "Disk full", remedy)
        }
        StoreError::NoBackup { .. } => {
            (StatusCode::NOT_IMPLEMENTED, "no-backup", "Not copied here", "use the tools of the store")
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "store", "Store failed", "see the log of the agent"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let details = self.details();
        let status = StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() && status != StatusCode::GATEWAY_TIMEOUT {
            tracing::error!("request failed: {self}");
        }
        (status, [(CONTENT_TYPE, PROBLEM_JSON)], Json(details)).into_response()
    }
}

/// Answers requests to unknown addresses.
pub(super) async fn no_route(uri: Uri) -> ApiError {
    match other_version_of(uri.path()) {
        Some(theirs) => ApiError::Version { theirs: theirs.to_owned() },
        None => ApiError::NoRoute(uri.path().into()),
    }
}

/// Answers requests with a method that the address does not know.
pub(super) async fn no_method(method: Method, uri: Uri) -> ApiError {
    ApiError::NoMethod { method, path: uri.path().into() }
}
