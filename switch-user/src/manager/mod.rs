//! The manager: the REST API over the store and the reports of the host.
//!
//! It knows what users want and asks the host what is; it never sees an agent, a datapath or the
//! network of the host.

mod access;
mod apply;
mod author;
mod backup;
pub mod cluster;
mod collection;
mod error;
mod extract;
mod firewall;
mod follow;
mod history;
mod impact;
mod known;
mod listener;
mod no_host;
mod object;
mod openapi;
mod policy_test;
mod refusals;
mod reports;
mod serve;
mod socket;
mod switch;
mod version;
mod wait;
mod watch;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn};

pub use author::Author;
pub use error::ApiError;
pub use listener::{serve_open, serve_tls};
pub use no_host::NoHost;
pub use openapi::document;
pub use socket::{Socket, SocketError, serve_unix};

use cluster::Cluster;
use known::Manager;

use crate::{
    report::{Follow, HostReports},
    store::Store,
};

/// Largest request body: every port of a host with all its addresses and labels.
const BODY_LIMIT: usize = 64 << 20;

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    /// Where the configuration lives.
    pub store: Arc<dyn Store>,
    /// The host that applies it.
    pub host: Arc<dyn HostReports>,
    /// The hosts that apply it, if there are many.
    pub cluster: Option<Cluster>,
    /// Managers elsewhere that have the configuration, if what is in the store is a copy of it.
    pub follow: Option<Arc<dyn Follow>>,
}

/// All routes of the API. If there are many hosts, what concerns them is followed from now on, for as long as the
/// runtime lives in which this is called.
pub fn router(state: State) -> Router {
    let manager = Manager::from(state);
    if let Some(cluster) = manager.cluster.clone() {
        tokio::spawn(cluster::follow(manager.clone(), cluster));
    }
    let (router, _) = openapi::routes().split_for_parts();
    router
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(version::check))
        .with_state(manager)
}
