//! Why there is no answer.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Place, Server};
use crate::{
    api::{Details, OWN_VERSION, VERSION_REMEDY},
    tls::Failure,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no agent at {0}: start one with dvs run, or set DVS_SOCKET")]
    NoAgent(PathBuf),
    /// The socket belongs to others.
    #[error("{0} is closed to this user: be root or a member of the group dvs")]
    Forbidden(PathBuf),
    /// The socket cannot be used.
    #[error("cannot connect to {path}: {source}")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No manager answers that could be trusted and trusts us.
    #[error("{0}")]
    NoManager(Tried),
    /// The connection broke.
    #[error("the {place} did not answer: {}", reason(error))]
    Connection {
        /// Who was asked.
        place: Place,
        /// Why.
        error: hyper::Error,
    },
    /// The answer takes too long.
    #[error("no whole answer within {} s; try again, or see the log of who was asked", .0.as_secs())]
    Slow(Duration),
    /// The agent or the manager refuses.
    #[error("{0}")]
    Refused(Box<Details>),
    /// Whoever was asked speaks another version of the API.
    #[error("the {place} speaks {theirs} and this is {OWN_VERSION}: {VERSION_REMEDY}")]
    Version {
        /// Who was asked.
        place: Place,
        /// What it speaks.
        theirs: String,
    },
    /// An answer that this program does not understand.
    #[error("the answer of {theirs} makes no sense to {OWN_VERSION} ({source}): {VERSION_REMEDY}")]
    Unreadable {
        /// Which version the answer is of.
        theirs: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A request that cannot be put into words; a bug.
    #[error(transparent)]
    Request(#[from] hyper::http::Error),
}

/// What was in the way at each manager; a line each.
#[derive(Debug)]
pub struct Tried(pub Vec<(Server, Obstacle)>);

/// What is in the way to a manager.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// Its name leads nowhere.
    #[error("its name has no address ({0}); check it, or name others with --server")]
    Name(io::Error),
    /// Nobody answers.
    #[error("{0}; check that dvs manager runs there, or name others with --server")]
    Connect(io::Error),
    /// Nobody answers in time.
    #[error("no answer within {} s; check that dvs manager runs there, or name others with --server", .0.as_secs())]
    Slow(Duration),
    /// It cannot be trusted, or does not trust us.
    #[error(transparent)]
    Tls(#[from] Failure),
    /// It speaks something else.
    #[error("{}; check the address", reason(.0))]
    Http(hyper::Error),
}

impl ClientError {
    /// Why a socket cannot be used.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other errors of the system mean the same to a user"
    )]
    pub(super) fn socket(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::NoAgent(path),
            io::ErrorKind::PermissionDenied => Self::Forbidden(path),
            _ => Self::Connect { path, source },
        }
    }
}

/// An error with what caused it, of which it does not tell by itself.
pub(crate) fn reason(error: &hyper::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl fmt::Display for Tried {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.iter().map(|(server, obstacle)| format!("manager at {server}: {obstacle}"));
        out.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}
