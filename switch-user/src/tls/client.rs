//! The end of a connection that a client of a manager has.

use std::{error::Error, io, net::IpAddr, path::PathBuf};

use rustls::{AlertDescription, CertificateError, ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Certificate, Files, FilesError, Role, files::Renewed, provider, server::fault};

/// A connection to a manager that has proven to be one.
pub type ClientStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Proves who asks, and finds out whether a manager answers.
#[derive(Debug)]
pub struct ClientTls {
    config: Renewed<ClientConfig>,
}

/// Why there is no connection that could be trusted.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The manager's certificate is from somebody else's authority.
    #[error(
        "its certificate does not come from an authority in {0}; name the file of the manager's authority with --tls-ca"
    )]
    Untrusted(PathBuf),
    /// The manager's certificate is no good.
    #[error("its certificate {0}; compare the clocks, or renew it there with dvs cert issue")]
    Fault(String),
    /// The manager's certificate is for other addresses.
    #[error(
        "its certificate is not for {host}, but for {names}; use one of its addresses in the URL, or issue another with --address {host}"
    )]
    WrongName {
        /// The name in the URL.
        host: String,
        /// Names in the certificate.
        names: String,
    },
    /// Somebody else answers.
    #[error("its certificate is not a manager's: {0}; check the address")]
    NotManager(String),
    /// The manager does not take our certificate.
    #[error("it does not take the certificate in {path}, {why}; get another one with dvs cert issue")]
    Refused {
        /// File of the certificate.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// No TLS, or no more.
    #[error("{0}; check the address")]
    Protocol(rustls::Error),
    /// The connection broke.
    #[error("{0}")]
    Connection(io::Error),
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn new(files: Files) -> Result<Self, FilesError> {
        Ok(Self { config: Renewed::new(files, config)? })
    }

    /// Makes sure that the other end is a manager of this name.
    ///
    /// # Errors
    /// If it is not, or the connection breaks.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> Result<ClientStream, Failure> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| Failure::Connection(io::Error::other(error)))?;
        let stream = TlsConnector::from(self.config.get()).connect(name, stream).await;
        let stream = stream.map_err(|error| match self.failure(host, &error) {
            Some(failure) => failure,
            None => Failure::Connection(error),
        })?;
        let (_, connection) = stream.get_ref();
        let certificate = connection.peer_certificates().and_then(|chain| chain.first());
        let identity = certificate.map(|der| Certificate::parse(der)?.identity);
        match identity {
            Some(Ok(identity)) if identity.role == Role::Manager => Ok(stream),
            Some(Ok(identity)) => Err(Failure::NotManager(format!("it is of {identity}"))),
            Some(Err(reason)) => Err(Failure::NotManager(reason.to_string())),
            None => Err(Failure::NotManager("there is none".into())),
        }
    }

    /// What of TLS is behind an error of a connection, which may come as late as with the first answer.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other errors need no words of their own")]
    pub fn failure(&self, host: &str, error: &(dyn Error + 'static)) -> Option<Failure> {
        let error = cause(error)?.clone();
        let files = self.config.files();
        Some(match error {
            rustls::Error::InvalidCertificate(error) => untrusted(files, host, &error),
            rustls::Error::AlertReceived(alert) => match objection(alert) {
                Some(why) => Failure::Refused { path: files.certificate.clone(), why },
                None => Failure::Protocol(error),
            },
            error => Failure::Protocol(error),
        })
    }
}

fn config(files: &Files) -> Result<ClientConfig, FilesError> {
    let material = files.load()?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| files.refused(error))?
        .with_root_certificates(material.roots)
        .with_client_auth_cert(material.chain, material.key)
        .map_err(|error| files.refused(error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The error of TLS among the causes of an error.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let inner = inner.map(|inner| inner as &(dyn Error + 'static));
    error.downcast_ref().or_else(|| cause(inner.or_else(|| error.source())?))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other faults need no words of their own")]
fn untrusted(files: &Files, host: &str, error: &CertificateError) -> Failure {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            Failure::Untrusted(files.authorities.clone())
        }
        CertificateError::NotValidForName => {
            Failure::WrongName { host: host.to_owned(), names: "others".into() }
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            Failure::WrongName { host: host.to_owned(), names: names(presented) }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Failure::NotManager("it is not for servers".into())
        }
        other => Failure::Fault(fault(other)),
    }
}

/// The addresses among the names of a certificate, of which each is told with its kind.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| {
        let dns = name.strip_prefix("DnsName(\"").and_then(|name| name.strip_suffix("\")"));
        let ip = name.strip_prefix("IpAddress(").and_then(|name| name.strip_suffix(')'));
        // Written as everybody writes it.
        let ip = ip.and_then(|ip| ip.parse::<IpAddr>().ok()).map(|ip| ip.to_string());
        dns.map(str::to_owned).or(ip)
    };
    let names: Vec<String> = presented.iter().filter_map(plain).collect();
    if names.is_empty() { "no address".into() } else { names.join(", ") }
}

/// What a manager has against our certificate.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other alerts are not about certificates")]
const fn objection(alert: AlertDescription) -> Option<&'static str> {
    match alert {
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            Some("whose authority it does not know")
        }
        AlertDescription::CertificateExpired => Some("which has expired or is not valid yet"),
        AlertDescription::UnsupportedCertificate => Some("which is not for clients"),
        AlertDescription::CertificateRequired => Some("which did not arrive"),
        AlertDescription::BadCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown => Some("which is damaged or of an unknown kind"),
        _ => None,
    }
}
