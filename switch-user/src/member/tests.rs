//! Members and managers that say what the test says.

mod cluster;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    seen::tests::devices,
    view::tests::{binding, event},
    *,
};
use crate::{
    agent::supply::{Bound, SupplyError},
    api::{Claim, HostLease, HostReport, PROBLEM_JSON, ViewEvent},
    manager::{Socket, serve_unix},
    netlink::links::Devices,
    report::{Applied, FollowError},
};

/// Nothing here takes so long.
const LIMIT: Duration = Duration::from_secs(20);

/// A manager, as far as a host sees it.
#[derive(Default)]
struct Script {
    reports: Mutex<Vec<HostReport>>,
    claims: Mutex<Vec<String>>,
    refused: Mutex<BTreeMap<String, String>>,
    /// Refuses to hear the host, in these words.
    deaf: Mutex<Option<&'static str>>,
    /// The line with which a view begins.
    first: Mutex<ViewEvent>,
    /// What the host with a view gets.
    lines: Mutex<Option<mpsc::UnboundedSender<ViewEvent>>>,
}

struct FakeManager {
    script: Arc<Script>,
    task: JoinHandle<std::io::Result<()>>,
}

impl FakeManager {
    fn start(path: &Path) -> Self {
        let script = Arc::new(Script { first: Mutex::new(event()), ..Script::default() });
        let router = Router::new()
            .route("/v1/cluster/hosts/{host}/report", post(report))
            .route("/v1/cluster/hosts/{host}/view", get(view))
            .route("/v1/cluster/hosts/{host}/claims", post(claim))
            .route("/v1/cluster/hosts/{host}/claims/{port}", delete(release))
            .with_state(Arc::clone(&script));
        let socket = Socket::bind(path).unwrap();
        let task = tokio::spawn(serve_unix(socket, router, std::future::pending()));
        Self { script, task }
    }

    fn say(&self, event: ViewEvent) {
        self.script.lines.lock().unwrap().as_ref().unwrap().send(event).unwrap();
    }

    /// Hangs up.
    fn end(&self) {
        self.script.lines.lock().unwrap().take();
        self.task.abort();
    }
}

fn problem(status: u16, detail: &str) -> Response {
    let body = json!({"type": "urn:dvs:test", "title": "", "status": status, "detail": detail});
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    (status, [("content-type", PROBLEM_JSON)], body.to_string()).into_response()
}

async fn report(State(script): State<Arc<Script>>, Json(report): Json<HostReport>) -> Response {
    if let Some(detail) = *script.deaf.lock().unwrap() {
        return problem(409, detail);
    }
    script.reports.lock().unwrap().push(report);
    let refused = script.refused.lock().unwrap().clone();
    Json(HostLease { timeout_ms: 300, spread_ms: 0, refused }).into_response()
}

async fn view(State(script): State<Arc<Script>>) -> Body {
    let (lines, receiver) = mpsc::unbounded_channel();
    lines.send(script.first.lock().unwrap().clone()).unwrap();
    *script.lines.lock().unwrap() = Some(lines);
    let line = |event: ViewEvent| Bytes::from(serde_json::to_string(&event).unwrap() + "\n");
    Body::from_stream(futures_util::stream::unfold(receiver, move |mut receiver| async move {
        let event = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(line(event)), receiver))
    }))
}

async fn claim(State(script): State<Arc<Script>>, Json(claim): Json<Claim>) -> Response {
    if claim.port == "p9" {
        return problem(404, "there is no Port p9");
    }
    script.claims.lock().unwrap().push(format!("{} {}", claim.port, claim.device));
    let binding = Some(binding("h1", &claim.device, 5));
    let event =
        ViewEvent { claims: Some(5), bindings: [(claim.port, binding)].into(), ..ViewEvent::default() };
    script.lines.lock().unwrap().as_ref().unwrap().send(event).unwrap();
    lease()
}

/// The answer to what is granted.
fn lease() -> Response {
    Json(HostLease { timeout_ms: 300, spread_ms: 0, refused: BTreeMap::new() }).into_response()
}

async fn release(
    State(script): State<Arc<Script>>,
    axum::extract::Path((_, port)): axum::extract::Path<(String, String)>,
) -> Response {
    if port == "p2" {
        return problem(409, "port p2 is not bound to host h1");
    }
    script.claims.lock().unwrap().push(format!("{port} -"));
    let event = ViewEvent { claims: Some(6), bindings: [(port, None)].into(), ..ViewEvent::default() };
    script.lines.lock().unwrap().as_ref().unwrap().send(event).unwrap();
    lease()
}

/// A member with an agent that opens what it is told to open.
struct Lab {
    directory: TempDir,
    devices: watch::Sender<Devices>,
    active: watch::Sender<BTreeSet<String>>,
    follow: Arc<dyn Follow>,
    supply: Mutex<Box<dyn Supply>>,
    _tasks: JoinSet<()>,
}

impl Lab {
    fn start(directory: TempDir, managers: &[&str]) -> Self {
        let paths = managers.iter().map(|name| ((*name).to_owned(), directory.path().join(name))).collect();
        Self::named("h1", directory, paths, &[(2, "v1")])
    }

    /// A host with these devices, and managers at these sockets.
    fn named(host: &str, directory: TempDir, managers: Vec<(String, PathBuf)>, list: &[(u32, &str)]) -> Self {
        let clients = managers.into_iter().map(|(name, path)| (name, Client::new(path)));
        let member = Member::open(directory.path(), host.into(), clients.collect()).unwrap();
        let (devices, receiver) = watch::channel(devices(list));
        let bound = watch::Sender::new(Bound::default());
        let applied = watch::Sender::new(Applied::default());
        let (spoken, active) = watch::channel(BTreeSet::new());
        let senses =
            Senses { applied: applied.subscribe(), bound: bound.subscribe(), devices: receiver, active };
        let (supply, mut agent) = (Mutex::new(member.supply()), member.supply());
        let mut news = supply.lock().unwrap().watch();
        let (follow, mut tasks) = member.start(senses);
        tasks.spawn(async move {
            while news.changed().await.is_ok() {
                let Ok(supplied) = agent.read(None) else { continue };
                bound.send_replace(supplied.bound);
                applied.send_replace(Applied { generation: supplied.generation, errors: vec![] });
            }
        });
        Self { directory, devices, active: spoken, follow, supply, _tasks: tasks }
    }

    fn with_manager() -> (Self, FakeManager) {
        let directory = tempfile::tempdir().unwrap();
        let manager = FakeManager::start(&directory.path().join("m1"));
        (Self::start(directory, &["m1"]), manager)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Ends the member; its directory stays.
    fn stop(self) -> TempDir {
        self.directory
    }

    /// The ports that the agent is to have.
    fn ports(&self) -> Vec<String> {
        let supplied = self.supply.lock().unwrap().read(None);
        supplied.map_or_else(|_| Vec::new(), |supplied| supplied.desired.ports.keys().cloned().collect())
    }

    async fn has(&self, ports: &[&str]) {
        until(&format!("{ports:?}"), || self.ports() == ports).await;
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, wait).await.unwrap_or_else(|_| unreachable!("never: {what}"));
}

#[tokio::test]
async fn a_host_waits_for_its_first_view_and_then_has_what_is_bound_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let lab = Lab::start(directory, &["m1"]);
    let waiting = lab.supply.lock().unwrap().read(None).unwrap_err();
    assert!(matches!(waiting, SupplyError::Waiting(managers) if managers == "m1"));
    let manager = FakeManager::start(&lab.path("m1"));
    lab.has(&["p1"]).await;
    let following = lab.follow.following();
    assert_eq!((following.connected.as_deref(), following.claims), (Some("m1"), 2));
    until("the report that it is applied", || {
        let reports = manager.script.reports.lock().unwrap();
        reports
            .last()
            .is_some_and(|report| (report.applied.generation, report.claims, report.ports) == (7, 2, 1))
    })
    .await;
    let first = manager.script.reports.lock().unwrap()[0].clone();
    assert_eq!((first.instance.len(), first.devices), (36, [("v1".to_owned(), false)].into()));
}

#[tokio::test]
async fn a_device_that_appears_is_reported_at_once() {
    let (lab, manager) = Lab::with_manager();
    lab.has(&["p1"]).await;
    lab.devices.send_replace(devices(&[(2, "v1"), (3, "v3")]));
    until("the device is reported", || {
        let reports = manager.script.reports.lock().unwrap();
        reports.last().is_some_and(|report| report.devices == [("v3".to_owned(), true)].into())
    })
    .await;
    manager.say(ViewEvent { bindings: [("p1".to_owned(), None)].into(), ..ViewEvent::default() });
    lab.has(&[]).await;
}

#[tokio::test]
async fn the_next_manager_is_taken_when_one_hangs_up_or_falls_silent() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = ["m1", "m2"].map(|name| FakeManager::start(&directory.path().join(name)));
    let lab = Lab::start(directory, &["m1", "m2"]);
    let connected = |name: &str| lab.follow.following().connected.as_deref() == Some(name);
    until("m1", || connected("m1")).await;
    one.end();
    until("m2", || connected("m2")).await;
    let again = FakeManager::start(&lab.path("m1"));
    // It says nothing, and is not gone.
    until("m1 again", || connected("m1")).await;
    assert!(lab.follow.following().errors.is_empty());
    drop((two, again));
}

#[tokio::test]
async fn what_was_open_stays_open_without_any_manager() {
    let (lab, manager) = Lab::with_manager();
    lab.has(&["p1"]).await;
    let held = |text: String| text.contains(r#""held":{"p1":1}"#);
    until("the file is written", || std::fs::read_to_string(lab.path("view.json")).is_ok_and(held)).await;
    manager.end();
    let lab = Lab::start(lab.stop(), &["m1"]);
    assert_eq!(lab.ports(), ["p1"]);
    assert!(lab.supply.lock().unwrap().read(None).unwrap().bound.fresh.is_empty(), "nothing is announced");
    until("the trouble is told", || !lab.follow.following().errors.is_empty()).await;
    assert_eq!(lab.follow.following().connected, None);
}

#[tokio::test]
async fn a_claim_made_alone_is_told_to_the_first_manager_and_given_up_if_it_refuses() {
    let (lab, manager) = Lab::with_manager();
    lab.has(&["p1"]).await;
    manager.end();
    lab.devices.send_replace(devices(&[(2, "v1"), (3, "p3")]));
    lab.has(&["p1", "p3"]).await;
    assert_eq!(lab.follow.following().alone, ["p3"]);
    let manager = FakeManager::start(&lab.path("m1"));
    manager.script.refused.lock().unwrap().insert("p3".into(), "h2 has it".into());
    lab.has(&["p1"]).await;
    let claim = Claim { port: "p3".into(), device: "p3".into(), seen: Some(0) };
    assert_eq!(manager.script.reports.lock().unwrap()[0].claimed, [claim]);
    until("it is told", || lab.follow.following().errors == ["Port p3: h2 has it"]).await;
}

#[tokio::test]
async fn a_manager_that_refuses_the_host_is_named_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let manager = FakeManager::start(&directory.path().join("m1"));
    *manager.script.deaf.lock().unwrap() = Some("h1 is alive at another installation");
    let lab = Lab::start(directory, &["m1"]);
    let expected = ["the manager at m1: h1 is alive at another installation"];
    until("the refusal is told", || lab.follow.following().errors == expected).await;
    *manager.script.deaf.lock().unwrap() = None;
    lab.has(&["p1"]).await;
}

#[tokio::test]
async fn ports_are_attached_and_detached_through_the_manager() {
    let (lab, manager) = Lab::with_manager();
    lab.has(&["p1"]).await;
    let ask = |ask: fn(&dyn Follow) -> Result<(), FollowError>| {
        let follow = Arc::clone(&lab.follow);
        async move { tokio::task::spawn_blocking(move || ask(&*follow)).await.unwrap() }
    };
    ask(|follow| follow.attach("p3", "v3")).await.unwrap();
    assert_eq!(lab.ports(), ["p1", "p3"], "it is there when the answer is");
    ask(|follow| follow.detach("p3")).await.unwrap();
    assert_eq!(lab.ports(), ["p1"]);
    assert_eq!(*manager.script.claims.lock().unwrap(), ["p3 v3", "p3 -"]);
    let refused = ask(|follow| follow.attach("p9", "v3")).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no Port p9");
    let refused = ask(|follow| follow.detach("p2")).await.unwrap_err();
    assert_eq!(refused.to_string(), "port p2 is not bound to host h1");
    manager.end();
    until("the manager is gone", || lab.follow.following().connected.is_none()).await;
    let alone = ask(|follow| follow.detach("p1")).await.unwrap_err();
    assert_eq!(alone.to_string(), "no manager can be reached, and a port is let go of at a manager only");
    ask(|follow| follow.attach("p3", "v3")).await.unwrap();
    assert_eq!(lab.ports(), ["p1", "p3"]);
    let unknown = ask(|follow| follow.attach("p9", "v3")).await.unwrap_err();
    assert_eq!(unknown.to_string(), "no manager can be reached, and nothing is known of a port p9 here");
}
