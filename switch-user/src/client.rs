//! A typed client of the API, over an agent's socket or from a manager.

mod cluster;
mod error;
mod lines;
mod link;
mod reports;
mod server;
mod transport;

use std::{path::PathBuf, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::{link::Link, transport::Transport};
use crate::{
    api::{ApplyRequest, ChangeSet, History, ObjectList, VERSION_HEADER, is_other_version},
    model::{Document, Kind},
    tls::ClientTls,
};

pub(crate) use error::reason;
pub use error::{ClientError, Obstacle, Tried};
pub use lines::{Chunks, Lines};
pub use reports::{FdbFilter, TestQuestion};
pub use server::{DEFAULT_PORT, NoServer, Server};
pub use transport::Place;

/// Where an agent listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/dvs.sock";

/// Talks to the agent behind a socket, or to managers.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    /// Answers the question whether a write is meant.
    sure: bool,
    /// Writes only tell what they would do.
    dry: bool,
    /// How long an answer may take.
    limit: Option<Duration>,
}

/// How to apply objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Remove what is not listed.
    pub prune: bool,
    /// Take devices that do not exist.
    pub allow_missing: bool,
}

/// The answer, or why there is none.
pub type Answer<T> = Result<T, ClientError>;

impl Client {
    /// A client of the agent that listens on `socket`. Nothing is connected yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self::by(Transport::Unix(socket.into()))
    }

    /// A client of managers, any one of which serves: they are tried in this order, the one that answered last
    /// before the others. Nothing is connected yet.
    pub fn of_managers(servers: Vec<Server>, tls: ClientTls) -> Self {
        Self::by(Transport::managers(servers, tls))
    }

    const fn by(transport: Transport) -> Self {
        Self { transport, sure: false, dry: false, limit: None }
    }

    /// The same client, whose answers may take this long: all of an answer, of one that comes line by line the
    /// begin. What a request waits for itself is not counted.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self.clone() }
    }

    /// The same client, whose writes are meant, whatever they do.
    #[must_use]
    pub fn sure(&self) -> Self {
        Self { sure: true, ..self.clone() }
    }

    /// The same client, whose writes only tell what they would do.
    #[must_use]
    pub fn dry(&self) -> Self {
        Self { dry: true, ..self.clone() }
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
        self.stream("/v1/backup").await
    }

    /// What all writes of objects are told.
    fn parameters(&self, allow_missing: bool) -> String {
        format!("allowMissing={allow_missing}&dryRun={}&yes={}", self.dry, self.sure)
    }

    async fn lines<T: DeserializeOwned>(&self, path: &str) -> Answer<Lines<T>> {
        Ok(Lines::new(self.stream(path).await?))
    }

    /// An answer that comes bit by bit.
    async fn stream(&self, path: &str) -> Answer<Chunks> {
        let request = Request::get(path).body(Full::default())?;
        let begin = async {
            let (link, response) = self.ask(request).await?;
            if response.status().is_success() {
                let version = version(&response);
                return Ok(Chunks::new(link, version, response.into_body()));
            }
            let version = version(&response);
            Err(refused(&self.body(link, response).await?, &version))
        };
        self.limited(Duration::ZERO, begin).await
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
        self.limited(Duration::ZERO, self.exchange(method, path, body)).await
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer<T> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder().method(method).uri(path);
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::from(body))?;
        let (link, response) = self.ask(request).await?;
        let (success, version) = (response.status().is_success(), version(&response));
        let bytes = self.body(link, response).await?;
        if success { read(&bytes, &version) } else { Err(refused(&bytes, &version)) }
    }

    /// Waits for an answer for as long as it may take, and `longer`.
    async fn limited<T>(&self, longer: Duration, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
        let Some(limit) = self.limit.map(|limit| limit + longer) else { return answer.await };
        tokio::time::timeout(limit, answer).await.unwrap_or(Err(ClientError::Slow(limit)))
    }

    /// Sends a request, and waits for the head of the answer. What is said in another version of the API is not read.
    async fn ask(&self, request: Request<Full<Bytes>>) -> Answer<(Link, Response<Incoming>)> {
        let (link, response) = self.exchanged(request).await?;
        match response.headers().get(VERSION_HEADER).and_then(|version| version.to_str().ok()) {
            Some(theirs) if is_other_version(theirs) => {
                Err(ClientError::Version { place: link.place.clone(), theirs: theirs.to_owned() })
            }
            Some(_) | None => Ok((link, response)),
        }
    }

    async fn exchanged(&self, request: Request<Full<Bytes>>) -> Answer<(Link, Response<Incoming>)> {
        let mut link = self.transport.link().await?;
        let (mut error, unsent) = match link.send(request).await {
            Ok(response) => return Ok((link, response)),
            Err(unsent) => unsent,
        };
        // A connection that waited may have been closed meanwhile; the request then has not left.
        if let Some(request) = unsent {
            link = self.transport.connect().await?;
            match link.send(request).await {
                Ok(response) => return Ok((link, response)),
                Err((again, _)) => error = again,
            }
        }
        Err(self.transport.broken(link.place.clone(), error))
    }

    /// The whole body of an answer. Then the connection is free for another one.
    async fn body(&self, link: Link, response: Response<Incoming>) -> Answer<Bytes> {
        match response.into_body().collect().await {
            Ok(body) => {
                self.transport.keep(link);
                Ok(body.to_bytes())
            }
            Err(error) => Err(self.transport.broken(link.place.clone(), error)),
        }
    }
}

/// What whoever answers says of its version.
fn version(response: &Response<Incoming>) -> String {
    let said = response.headers().get(VERSION_HEADER).and_then(|version| version.to_str().ok());
    said.unwrap_or("an unknown version").to_owned()
}

fn read<T: DeserializeOwned>(bytes: &[u8], version: &str) -> Answer<T> {
    serde_json::from_slice(bytes)
        .map_err(|source| ClientError::Unreadable { theirs: version.to_owned(), source })
}

fn refused(bytes: &[u8], version: &str) -> ClientError {
    read(bytes, version).map_or_else(|error| error, ClientError::Refused)
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
        let state = State { store, host: FakeHost::new(), cluster: None, follow: None };
        tokio::spawn(serve_unix(socket, router(state), std::future::pending()));
        Client::new(path)
    }

    #[tokio::test]
    async fn an_absent_agent_is_told_with_the_remedy() {
        let client = Client::new("/nowhere/dvs.sock");
        let error = client.status().await.unwrap_err().to_string();
        assert_eq!(error, "no agent at /nowhere/dvs.sock: start one with dvs run, or set DVS_SOCKET");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_takes_too_long_is_given_up() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("dvs.sock");
        let _silent = tokio::net::UnixListener::bind(&path).unwrap();
        let client = Client::new(path).within(Duration::from_secs(7));
        let said = "no whole answer within 7 s; try again, or see the log of who was asked";
        assert_eq!(client.export().await.unwrap_err().to_string(), said);
        assert_eq!(client.log(&None, true).await.unwrap_err().to_string(), said);
        assert_eq!(client.wait(1, 5).await.unwrap_err().to_string(), said.replace('7', "12"));
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
