//! Certificates: whose they are, how they are made, and connections that they secure.
//!
//! The only room that knows TLS and X.509. Others see identities, names of files and streams; who may do what is
//! the manager's to decide. How an identity stands in a certificate is in docs/adr/0016.

mod authority;
mod certificate;
mod client;
mod files;
mod identity;
mod server;

#[cfg(test)]
pub(crate) mod tests;

pub use authority::{Authority, Issued, PkiError, Wish};
pub use certificate::{Certificate, Validity};
pub use client::{ClientStream, ClientTls, Failure};
pub use files::{Files, FilesError};
pub use identity::{Identity, NoIdentity, Role};
pub use server::{Refusal, ServerStream, ServerTls};

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

/// The algorithms.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
