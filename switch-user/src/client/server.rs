//! Where a manager is, and the way there.

use std::{fmt, io, net::Ipv6Addr, str::FromStr, time::Duration};

use hyper::http::uri::Authority;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::error::Obstacle;
use crate::tls::{ClientStream, ClientTls};

/// Port of managers unless told otherwise.
pub const DEFAULT_PORT: u16 = 7443;
/// How long an address may take to answer before the next one is tried.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a manager may take to prove that it is one.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// Where a manager is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// A text that is no place of a manager.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write https://HOST:PORT, HOST:PORT or HOST, and an IPv6 address in brackets")]
pub struct NoServer;

impl Server {
    /// Host and port, as in a URL.
    pub(super) fn authority(&self) -> String {
        let (host, port) = (&self.host, self.port);
        if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl FromStr for Server {
    type Err = NoServer;

    fn from_str(text: &str) -> Result<Self, NoServer> {
        let rest = text.strip_prefix("https://").unwrap_or(text);
        let authority: Authority = rest.strip_suffix('/').unwrap_or(rest).parse().map_err(|_| NoServer)?;
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => DEFAULT_PORT,
            Some(_) => authority.port_u16().ok_or(NoServer)?,
            None => return Err(NoServer),
        };
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() { Err(NoServer) } else { Ok(Self { host: host.to_owned(), port }) }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "https://{}", self.authority())
    }
}

/// A connection to a manager that has proven to be one, by the first of its addresses that answers.
pub(super) async fn connect(server: &Server, tls: &ClientTls) -> Result<ClientStream, Obstacle> {
    let addresses = lookup_host((server.host.as_str(), server.port)).await.map_err(Obstacle::Name)?;
    let mut obstacle = Obstacle::Name(io::ErrorKind::NotFound.into());
    for address in addresses {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return secured(server, tls, stream).await,
            Ok(Err(error)) => obstacle = Obstacle::Connect(error),
            Err(_) => obstacle = Obstacle::Slow(CONNECT),
        }
    }
    Err(obstacle)
}

async fn secured(server: &Server, tls: &ClientTls, stream: TcpStream) -> Result<ClientStream, Obstacle> {
    stream.set_nodelay(true).map_err(Obstacle::Connect)?;
    match timeout(HANDSHAKE, tls.connect(&server.host, stream)).await {
        Ok(stream) => Ok(stream?),
        Err(_) => Err(Obstacle::Slow(HANDSHAKE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_people_write_it() {
        for (text, url) in [
            ("m1", "https://m1:7443"),
            ("m1:9443", "https://m1:9443"),
            ("https://m1.example", "https://m1.example:7443"),
            ("https://192.0.2.1:443/", "https://192.0.2.1:443"),
            ("[fd00::1]", "https://[fd00::1]:7443"),
            ("https://[fd00::1]:8443", "https://[fd00::1]:8443"),
        ] {
            assert_eq!(text.parse::<Server>().unwrap().to_string(), url, "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let texts = [
            "",
            "https://",
            "http://m1",
            "m1:",
            "m1:x",
            "m1:99999",
            "user@m1",
            "https://m1/v1",
            "fd00::1",
            "m 1",
        ];
        for text in texts {
            assert_eq!(text.parse::<Server>(), Err(NoServer), "{text}");
        }
    }
}
