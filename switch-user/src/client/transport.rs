//! Ways to the API: the socket of an agent, or one of several managers.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
};

use super::{
    Answer, ClientError, Server,
    error::{Obstacle, Tried},
    link::Link,
    server,
};
use crate::tls::ClientTls;

/// A way to the API.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    /// The socket of an agent.
    Unix(PathBuf),
    /// Managers.
    Tls(Arc<Managers>),
}

/// Managers, of which any one serves.
#[derive(Debug)]
pub(super) struct Managers {
    servers: Vec<Server>,
    tls: ClientTls,
    /// Position of the one that answered last.
    last: AtomicUsize,
    /// A connection that waits for the next request.
    idle: Mutex<Option<Link>>,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The agent behind a socket.
    Agent(PathBuf),
    /// A manager.
    Manager(Server),
}

/// A connection of whatever kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Transport {
    /// Managers at these places.
    pub(super) fn managers(servers: Vec<Server>, tls: ClientTls) -> Self {
        let (last, idle) = (AtomicUsize::default(), Mutex::default());
        Self::Tls(Arc::new(Managers { servers, tls, last, idle }))
    }

    /// A connection that waits for a request; a new one if there is none.
    pub(super) async fn link(&self) -> Answer<Link> {
        if let Self::Tls(managers) = self
            && let Some(mut link) = managers.take()
            && link.is_usable().await
        {
            return Ok(link);
        }
        self.connect().await
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Answer<Link> {
        match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(|source| ClientError::socket(path, source))?;
                let place = Place::Agent(path.clone());
                Link::open(place.clone(), Box::new(stream)).await.map_err(|error| self.broken(place, error))
            }
            Self::Tls(managers) => managers.connect().await,
        }
    }

    /// Keeps a connection for the next request.
    pub(super) fn keep(&self, link: Link) {
        if let Self::Tls(managers) = self {
            *managers.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        }
    }

    /// Why a connection broke.
    pub(super) fn broken(&self, place: Place, error: hyper::Error) -> ClientError {
        if let (Self::Tls(managers), Place::Manager(server)) = (self, &place)
            && let Some(failure) = managers.tls.failure(&server.host, &error)
        {
            return ClientError::NoManager(Tried(vec![(server.clone(), Obstacle::Tls(failure))]));
        }
        ClientError::Connection { place, error }
    }
}

impl Managers {
    fn take(&self) -> Option<Link> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A connection to the first manager that answers, the one that did last before all others.
    async fn connect(&self) -> Answer<Link> {
        let last = self.last.load(Ordering::Relaxed);
        let mut tried = Vec::new();
        for step in 0..self.servers.len() {
            let position = (last + step) % self.servers.len();
            let Some(server) = self.servers.get(position) else { continue };
            match self.open(server).await {
                Ok(link) => {
                    self.last.store(position, Ordering::Relaxed);
                    return Ok(link);
                }
                Err(obstacle) => tried.push((server.clone(), obstacle)),
            }
        }
        Err(ClientError::NoManager(Tried(tried)))
    }

    async fn open(&self, server: &Server) -> Result<Link, Obstacle> {
        let stream = server::connect(server, &self.tls).await?;
        Link::open(Place::Manager(server.clone()), Box::new(stream)).await.map_err(Obstacle::Http)
    }
}

impl Place {
    /// What a request calls it.
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Agent(_) => "dvs".into(),
            Self::Manager(server) => server.authority(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(path) => write!(out, "agent at {}", path.display()),
            Self::Manager(server) => write!(out, "manager at {server}"),
        }
    }
}
