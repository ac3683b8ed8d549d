//! The end of a connection that a manager has.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use rustls::{
    CertificateError, ServerConfig,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{Certificate, Files, FilesError, Identity, NoIdentity, Role, files::Renewed, provider};

/// A connection of somebody whose certificate is good. It ends when the certificate does.
#[derive(Debug)]
pub struct ServerStream {
    stream: TlsStream<TcpStream>,
    end: Pin<Box<Sleep>>,
}

/// How long the other end may leave what it is sent without acknowledgement, in milliseconds. Then it is gone.
const UNHEARD_MS: u32 = 30_000;
/// What a refused client may still send before the connection is cut, so that it can read why.
const LAST_WORDS: u64 = 64 << 10;

/// Proves who serves, and finds out who connects.
#[derive(Debug)]
pub struct ServerTls {
    config: Renewed<ServerConfig>,
}

/// Why a client is refused before it could say anything.
#[derive(Debug, thiserror::Error)]
pub struct Refusal(#[from] io::Error);

impl ServerTls {
    /// Reads the files, which must be a manager's.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn new(files: Files) -> Result<Self, FilesError> {
        Ok(Self { config: Renewed::new(files, config)? })
    }

    /// Lets a client prove who it is. One without a certificate of a known authority is refused; one whose certificate
    /// says nothing to us is told apart.
    ///
    /// # Errors
    /// Why the client is refused.
    pub async fn accept(
        &self,
        stream: TcpStream,
    ) -> Result<(ServerStream, Result<Identity, NoIdentity>), Refusal> {
        stream.set_nodelay(true)?;
        setsockopt(&stream, TcpUserTimeout, &UNHEARD_MS).map_err(io::Error::from)?;
        match TlsAcceptor::from(self.config.get()).accept(stream).into_fallible().await {
            Ok(stream) => {
                let certificate = certificate(&stream).map_err(io::Error::other)?;
                Ok((ServerStream::new(stream, &certificate), certificate.identity))
            }
            Err((error, stream)) => {
                // What is unread when a socket is closed resets the connection, and takes the reason along.
                drain(stream).await.ok();
                Err(Refusal(error))
            }
        }
    }
}

async fn drain(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(LAST_WORDS), &mut tokio::io::sink()).await.map(drop)
}

/// What the client's certificate says.
fn certificate(stream: &TlsStream<TcpStream>) -> Result<Certificate, NoIdentity> {
    let (_, connection) = stream.get_ref();
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    certificate.map_or(Err(NoIdentity::Absent), |der| Certificate::parse(der))
}

impl ServerStream {
    fn new(stream: TlsStream<TcpStream>, certificate: &Certificate) -> Self {
        let left = certificate.ends - OffsetDateTime::now_utc().unix_timestamp();
        let left = Duration::from_secs(u64::try_from(left).unwrap_or_default());
        Self { stream, end: Box::pin(sleep(left)) }
    }

    /// The stream, as long as the certificate is good.
    fn good(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TlsStream<TcpStream>>> {
        match self.end.as_mut().poll(context) {
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
            Poll::Ready(()) => Err(io::Error::other("the certificate of the client has expired")),
        }
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.good(context)?.poll_read(context, buffer)
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.good(context)?.poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.good(context)?.poll_write_vectored(context, pieces)
    }

    /// Otherwise each connection would keep a buffer of the size of the largest answer, up to 400 KiB.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.good(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

fn config(files: &Files) -> Result<ServerConfig, FilesError> {
    let material = files.load()?;
    match &material.own.identity {
        Ok(identity) if identity.role == Role::Manager => {}
        Ok(identity) => {
            let (path, who) = (files.certificate.clone(), identity.to_string());
            return Err(FilesError::NotManager { path, who });
        }
        Err(reason) => {
            let path = files.certificate.clone();
            return Err(FilesError::Certificate { path, reason: reason.clone() });
        }
    }
    let clients = WebPkiClientVerifier::builder_with_provider(material.roots, provider()).build();
    let clients = clients.map_err(|error| files.refused(error))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| files.refused(error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(material.chain, material.key)
        .map_err(|error| files.refused(error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session that is taken up again would not be asked for its certificate, which may have expired.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        match error {
            Some(rustls::Error::NoCertificatesPresented) => out.write_str("it showed no certificate"),
            Some(rustls::Error::InvalidCertificate(error)) => write!(out, "its certificate {}", fault(error)),
            Some(rustls::Error::AlertReceived(alert)) => {
                write!(out, "it does not take the certificate of this manager ({alert:?})")
            }
            Some(rustls::Error::InvalidMessage(_)) => out.write_str("it does not speak TLS"),
            Some(error) => write!(out, "{error}"),
            None => write!(out, "{}", self.0),
        }
    }
}

/// What is wrong with a certificate.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other faults are rare, and have words of their own")]
pub(super) fn fault(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "comes from an authority that is not known here".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet".into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is for another purpose".into()
        }
        other => format!("is refused: {other}"),
    }
}
