//! Why what concerns many hosts is refused.

use axum::http::StatusCode;

use super::Refusal;
use crate::manager::error::Class;

/// Why a request about many hosts is refused.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Hosts did not reach a generation in time.
    #[error("generation {wanted} was not applied when the time was over: {}", progress(.hosts))]
    Behind {
        /// Generation that was waited for.
        wanted: u64,
        /// Hosts that have not reached it, with the generation that they have.
        hosts: Vec<(String, u64)>,
    },
    /// A question about many hosts to whom there is one.
    #[error("this is one host's own manager, there are no others")]
    NoCluster,
    /// A host that does not exist.
    #[error("there is no Host {0}, and no host of this name has reported")]
    UnknownHost(String),
    /// Two installations with the same name.
    #[error("host {host} is alive at installation {holder}, and {instance} says that it is {host} as well")]
    NameTaken {
        /// The name.
        host: String,
        /// The installation that has it.
        holder: String,
        /// The installation that says so too.
        instance: String,
    },
    /// A port that a host does not get.
    #[error("port {port} stays where it is: {refusal}")]
    Claim {
        /// The port.
        port: String,
        /// Why.
        refusal: Refusal,
    },
    /// A move to a host that is dead.
    #[error("ports cannot go to host {0}: it is dead")]
    TargetDead(String),
    /// A move to any other host, and there is none.
    #[error("no other host of HA group {0} is alive that ports could go to")]
    NoTarget(String),
    /// A move of a port to the host that has it.
    #[error("port {port} is at host {host} already")]
    AlreadyThere {
        /// The port.
        port: String,
        /// The host.
        host: String,
    },
    /// A move of a port that no host has.
    #[error("port {0} is at no host")]
    Unbound(String),
    /// A move that nobody has planned.
    #[error("port {0} is to go nowhere")]
    NotPlanned(String),
    /// A port that the host does not have.
    #[error("port {port} is not bound to host {host}: {why}")]
    NotBound {
        /// The port.
        port: String,
        /// The host.
        host: String,
        /// Where the port is.
        why: String,
    },
}

impl ClusterError {
    /// Status, word, title and remedy.
    pub(in crate::manager) fn class(&self) -> Class {
        match self {
            Self::Behind { .. } => {
                let remedy = "wait longer, or look at the errors of these hosts (dvs host list)";
                (StatusCode::GATEWAY_TIMEOUT, "timeout", "Not applied in time", remedy)
            }
            Self::NoCluster => {
                let remedy = "ask a manager of many hosts (dvs --server URL)";
                (StatusCode::NOT_FOUND, "no-cluster", "No cluster", remedy)
            }
            Self::UnknownHost(_) => {
                let remedy =
                    "start its agent (dvs run --host NAME --manager URL), or add it (dvs host add NAME)";
                (StatusCode::NOT_FOUND, "unknown-host", "No such host", remedy)
            }
            Self::NameTaken { .. } => {
                let remedy = "stop one of the two, or give it another name (dvs run --host NAME)";
                (StatusCode::CONFLICT, "name-taken", "Host name taken", remedy)
            }
            Self::TargetDead(_) => {
                let remedy = "start its agent, or choose another host (dvs host list)";
                (StatusCode::CONFLICT, "target-dead", "Host is dead", remedy)
            }
            Self::NoTarget(_) => {
                let remedy = "start one, or name a host of another group (--to HOST)";
                (StatusCode::CONFLICT, "no-target", "No host to go to", remedy)
            }
            Self::AlreadyThere { .. } => {
                let remedy = "choose another host (--to HOST)";
                (StatusCode::CONFLICT, "already-there", "Port is there", remedy)
            }
            Self::Unbound(_) => {
                let remedy = "start its VM where it is wanted: the port comes with it";
                (StatusCode::CONFLICT, "unbound", "Port at no host", remedy)
            }
            Self::NotPlanned(_) => {
                let remedy = "see where ports are (dvs port list)";
                (StatusCode::CONFLICT, "not-planned", "No move planned", remedy)
            }
            Self::Claim { .. } => (StatusCode::CONFLICT, "claim", "Port not given", ""),
            Self::NotBound { .. } => {
                let remedy = "see where ports are (dvs port list)";
                (StatusCode::CONFLICT, "not-bound", "Port not bound here", remedy)
            }
        }
    }
}

fn progress(hosts: &[(String, u64)]) -> String {
    const SHOWN: usize = 5;
    if hosts.is_empty() {
        return "the manager has not seen it".to_owned();
    }
    let hosts_shown = hosts.iter().take(SHOWN).map(|(host, applied)| format!("{host} is at {applied}"));
    let more = hosts.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("{more} others are behind too"));
    hosts_shown.chain(more).collect::<Vec<_>>().join(", ")
}
