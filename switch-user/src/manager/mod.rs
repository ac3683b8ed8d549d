//! The manager: the REST API over the store and the reports of the host.
//!
//! It knows what users want and asks the host what is; it never sees an agent, a datapath or the
//! network of the host.

mod access;
mod apply;
mod author;
mod backup;
mod collection;
mod error;
mod extract;
mod firewall;
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
mod wait;
mod watch;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit};

pub use author::Author;
pub use error::ApiError;
pub use listener::{serve_open, serve_tls};
pub use no_host::NoHost;
pub use openapi::document;
pub use socket::{Socket, SocketError, serve_unix};

use known::Manager;

use crate::{report::HostReports, store::Store};

/// Largest request body: every port of a host with all its addresses and labels.
const BODY_LIMIT: usize = 64 << 20;

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    /// Where the configuration lives.
    pub store: Arc<dyn Store>,
    /// The host that applies it.
    pub host: Arc<dyn HostReports>,
}

/// All routes of the API.
pub fn router(state: State) -> Router {
    let (router, _) = openapi::routes().split_for_parts();
    router
        .fallback(error::no_route)
        .method_not_allowed_fallback(error::no_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Manager::from(state))
}
