//! A typed client of the API over its unix socket.

mod lines;
mod reports;

use std::{
    io,
    path::{Path, PathBuf},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{net::UnixStream, task::JoinHandle};

use crate::{
    api::{ApplyRequest, ChangeSet, Details, History, ObjectList},
    model::{Document, Kind},
};

pub use lines::{Chunks, Lines};
pub use reports::{FdbFilter, TestQuestion};

/// Where an agent listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/dvs.sock";

/// Talks to the agent behind a socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    /// Answers the agent's questions whether a write is meant.
    sure: bool,
    /// Writes only tell what they would do.
    dry: bool,
}

/// How to apply objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Remove what is not listed.
    pub prune: bool,
    /// Take devices that do not exist.
    pub allow_missing: bool,
}

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
    /// The connection broke.
    #[error("the agent at {path} did not answer: {source}")]
    Connection {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: hyper::Error,
    },
    /// The agent refuses.
    #[error("{0}")]
    Refused(Box<Details>),
    /// An answer that this program does not understand.
    #[error("the agent's answer makes no sense to this version of dvs ({}): {source}", env!("CARGO_PKG_VERSION"))]
    Unreadable {
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A request that cannot be put into words; a bug.
    #[error(transparent)]
    Request(#[from] hyper::http::Error),
}

/// The answer, or why there is none.
pub type Answer<T> = Result<T, ClientError>;

impl Client {
    /// A client of the agent that listens on `socket`. Nothing is connected yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), sure: false, dry: false }
    }

    /// A client of the same agent whose writes are meant, whatever they do.
    #[must_use]
    pub fn sure(&self) -> Self {
        Self { sure: true, ..self.clone() }
    }

    /// A client of the same agent whose writes only tell what they would do.
    #[must_use]
    pub fn dry(&self) -> Self {
        Self { dry: true, ..self.clone() }
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// All objects of a kind; the settings have [`Self::switch`].
    pub async fn list(&self, kind: Kind) -> Answer<ObjectList> {
        self.get(&format!("/v1/{}", collection(kind))).await
    }

    /// One object.
    pub async fn show(&self, kind: Kind, name: &str) -> Answer<Document> {
        self.get(&object(kind, name)).await
    }

    /// Creates an object of these fields.
    pub async fn create(&self, kind: Kind, fields: &Value, allow_missing: bool) -> Answer<ChangeSet> {
        let path = format!("/v1/{}?{}", collection(kind), self.parameters(allow_missing));
        self.send(Method::POST, &path, Some(fields)).await
    }

    /// Changes fields of an object; null takes a field away.
    pub async fn patch(
        &self,
        kind: Kind,
        name: &str,
        fields: &Value,
        allow_missing: bool,
    ) -> Answer<ChangeSet> {
        let path = format!("{}?{}", object(kind, name), self.parameters(allow_missing));
        self.send(Method::PATCH, &path, Some(fields)).await
    }

    /// Removes an object.
    pub async fn remove(&self, kind: Kind, name: &str) -> Answer<ChangeSet> {
        let path = format!("{}?dryRun={}&yes={}", object(kind, name), self.dry, self.sure);
        self.send(Method::DELETE, &path, None).await
    }

    /// The settings of the switch.
    pub async fn switch(&self) -> Answer<Document> {
        self.get("/v1/switch").await
    }

    /// Changes settings of the switch; null restores the default.
    pub async fn patch_switch(&self, fields: &Value) -> Answer<ChangeSet> {
        self.send(Method::PATCH, &format!("/v1/switch?dryRun={}", self.dry), Some(fields)).await
    }

    /// Creates or replaces objects, all or none.
    pub async fn apply(&self, objects: Vec<Document>, options: ApplyOptions) -> Answer<ChangeSet> {
        let ApplyOptions { prune, allow_missing } = options;
        let path = format!("/v1/apply?prune={prune}&{}", self.parameters(allow_missing));
        self.send(Method::POST, &path, Some(&json!(ApplyRequest { objects }))).await
    }

    /// All objects.
    pub async fn export(&self) -> Answer<ObjectList> {
        self.get("/v1/export").await
    }

    /// The last writes, newest first, perhaps with the objects before and after.
    pub async fn history(&self, number: usize, objects: bool) -> Answer<History> {
        self.get(&format!("/v1/history?limit={number}&objects={objects}")).await
    }

    /// Makes the configuration what it was at a generation.
    pub async fn rollback(&self, generation: u64, allow_missing: bool) -> Answer<ChangeSet> {
        let path = format!("/v1/rollback?generation={generation}&{}", self.parameters(allow_missing));
        self.send(Method::POST, &path, None).await
    }

    /// A copy of the store.
    pub async fn backup(&self) -> Answer<Chunks> {
        let (body, connection) = self.stream("/v1/backup").await?;
        Ok(Chunks::new(self.socket.clone(), body, connection))
    }

    /// What all writes of objects are told.
    fn parameters(&self, allow_missing: bool) -> String {
        format!("allowMissing={allow_missing}&dryRun={}&yes={}", self.dry, self.sure)
    }

    async fn lines<T: DeserializeOwned>(&self, path: &str) -> Answer<Lines<T>> {
        let (body, connection) = self.stream(path).await?;
        Ok(Lines::new(Chunks::new(self.socket.clone(), body, connection)))
    }

    /// An answer that comes bit by bit.
    async fn stream(&self, path: &str) -> Answer<(Incoming, JoinHandle<()>)> {
        let request = Request::get(path).header(HOST, "dvs").body(Full::default())?;
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.unreachable(error))?;
        let broken = |source| ClientError::Connection { path: self.socket.clone(), source };
        let (success, body, connection) = lines::send(stream, request).await.map_err(broken)?;
        if success {
            return Ok((body, connection));
        }
        let bytes = body.collect().await.map_err(broken)?.to_bytes();
        Err(refused(&bytes))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer<T> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder().method(method).uri(path).header(HOST, "dvs");
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::from(body))?;
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.unreachable(error))?;
        let (success, bytes) = exchange(stream, request)
            .await
            .map_err(|source| ClientError::Connection { path: self.socket.clone(), source })?;
        if success { read(&bytes) } else { Err(refused(&bytes)) }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other errors of the system mean the same to a user"
    )]
    fn unreachable(&self, source: io::Error) -> ClientError {
        let path = self.socket.clone();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NoAgent(path),
            io::ErrorKind::PermissionDenied => ClientError::Forbidden(path),
            _ => ClientError::Connect { path, source },
        }
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    serde_json::from_slice(bytes).map_err(|source| ClientError::Unreadable { source })
}

fn refused(bytes: &[u8]) -> ClientError {
    read(bytes).map_or_else(|error| error, ClientError::Refused)
}

/// Sends a request, and returns whether it succeeded and the body of the answer.
async fn exchange(stream: UnixStream, request: Request<Full<Bytes>>) -> hyper::Result<(bool, Bytes)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let success = response.status().is_success();
        let body = response.into_body().collect().await?.to_bytes();
        drop(sender);
        hyper::Result::Ok((success, body))
    };
    let (answer, closed) = tokio::join!(answer, connection);
    let answer = answer?;
    closed.map(|()| answer)
}

fn collection(kind: Kind) -> &'static str {
    match kind {
        Kind::Switch => "switch",
        Kind::Router => "routers",
        Kind::Network => "networks",
        Kind::Host => "hosts",
        Kind::Uplink => "uplinks",
        Kind::Port => "ports",
        Kind::Route => "routes",
        Kind::Group => "groups",
        Kind::Policy => "policies",
        Kind::Rule => "rules",
    }
}

/// The path of an object; the names of routes and rules are paths of their own.
fn object(kind: Kind, name: &str) -> String {
    let steps: Vec<String> = match kind {
        Kind::Route | Kind::Rule => name.split('/').map(encode).collect(),
        Kind::Switch
        | Kind::Router
        | Kind::Network
        | Kind::Host
        | Kind::Uplink
        | Kind::Port
        | Kind::Group
        | Kind::Policy => vec![encode(name)],
    };
    format!("/v1/{}/{}", collection(kind), steps.join("/"))
}

fn query(path: &str, filters: &[(&str, &Option<String>)]) -> String {
    let filters =
        filters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_ref()?))));
    let filters: Vec<String> = filters.collect();
    if filters.is_empty() { path.into() } else { format!("{path}?{}", filters.join("&")) }
}

/// A text as a part of an address (RFC 3986, 2.1).
fn encode(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::{
        fake::FakeHost,
        manager::{Socket, State, router, serve_unix},
        store::RedbStore,
    };

    fn serve(directory: &TempDir) -> Client {
        let path = directory.path().join("dvs.sock");
        let socket = Socket::bind(&path).unwrap();
        let store = Arc::new(RedbStore::in_memory().unwrap());
        let state = State { store, host: FakeHost::new(), cluster: None };
        tokio::spawn(serve_unix(socket, router(state), std::future::pending()));
        Client::new(path)
    }

    #[tokio::test]
    async fn an_absent_agent_is_told_with_the_remedy() {
        let client = Client::new("/nowhere/dvs.sock");
        let error = client.status().await.unwrap_err().to_string();
        assert_eq!(error, "no agent at /nowhere/dvs.sock: start one with dvs run, or set DVS_SOCKET");
    }

    #[tokio::test]
    async fn objects_are_created_read_and_removed() {
        let directory = TempDir::new().unwrap();
        let client = serve(&directory);
        let created =
            client.create(Kind::Network, &json!({"name": "blue", "vlan": 10}), false).await.unwrap();
        assert_eq!(created.generation, 1);
        let list = client.list(Kind::Network).await.unwrap();
        assert_eq!(list.objects, [client.show(Kind::Network, "blue").await.unwrap()]);
        assert_eq!(client.remove(Kind::Network, "blue").await.unwrap().generation, 2);
    }

    #[tokio::test]
    async fn a_refusal_has_its_details() {
        let directory = TempDir::new().unwrap();
        let refused =
            serve(&directory).create(Kind::Network, &json!({"name": "blue", "vlan": 0}), false).await;
        let Err(ClientError::Refused(details)) = refused else { unreachable!("VLAN 0 was taken") };
        assert_eq!((details.status, details.errors[0].reason.as_str()), (422, "out-of-range"));
    }

    #[tokio::test]
    async fn names_travel_whatever_their_characters() {
        let directory = TempDir::new().unwrap();
        let client = serve(&directory);
        let name = "e%2F?&#ä";
        client.create(Kind::Uplink, &json!({"name": name}), true).await.unwrap();
        assert_eq!(client.show(Kind::Uplink, name).await.unwrap().object.id().name, name);
    }
}
