//! Connections with certificates: who gets through, and what the others are told.

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::*;
use crate::{
    client::{Client, ClientError, Server},
    fake::event,
    model::Kind,
    report::FlowFilter,
    tls::{
        ClientTls, Files, Role, ServerTls,
        tests::{Pki, anonymous, impostor},
    },
};

/// A manager that listens on a port of its own.
struct Manager {
    pki: Pki,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Manager {
    async fn start() -> Self {
        let pki = Pki::new();
        let files = pki.issue("m1", Role::Manager);
        Self::with(pki, files, "127.0.0.1:0".parse().unwrap()).await
    }

    async fn with(pki: Pki, files: Files, address: SocketAddr) -> Self {
        Self::over(pki, files, address, Arc::new(NoHost)).await
    }

    async fn over(pki: Pki, files: Files, address: SocketAddr, host: Arc<dyn HostReports>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = router(State {
            store: Arc::new(RedbStore::in_memory().unwrap()),
            host,
            cluster: None,
            follow: None,
        });
        let tls = ServerTls::new(files).unwrap();
        let serve = serve_tls(listener, tls, router, async { drop(stopped.await) });
        let server = tokio::spawn(async { serve.await.unwrap() });
        Self { pki, address, stop, server }
    }

    fn client(&self, files: Files) -> Client {
        client([server(self.address)], files)
    }

    fn admin(&self) -> Client {
        self.client(self.pki.issue("alice", Role::Admin))
    }
}

fn server(address: SocketAddr) -> Server {
    Server { host: address.ip().to_string(), port: address.port() }
}

fn client(servers: impl IntoIterator<Item = Server>, files: Files) -> Client {
    Client::of_managers(servers.into_iter().collect(), ClientTls::new(files).unwrap())
}

async fn create(client: &Client, name: &str, vlan: u16) -> Result<u64, ClientError> {
    let created = client.create(Kind::Network, &json!({"name": name, "vlan": vlan}), false).await;
    created.map(|set| set.generation)
}

/// Why a question is not answered.
async fn refusal(client: &Client) -> String {
    client.export().await.unwrap_err().to_string()
}

#[track_caller]
fn assert_ends(text: &str, end: &str) {
    assert!(text.ends_with(end), "{text}");
}

#[tokio::test]
async fn objects_travel_both_ways() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let pki = Pki::new();
        let files = pki.issue("m1", Role::Manager);
        let manager = Manager::with(pki, files, address.parse().unwrap()).await;
        let client = manager.admin();
        // No manager knows which devices there are.
        let port = json!({"name": "p1", "network": "blue", "device": "no-such-dev"});
        assert_eq!(create(&client, "blue", 10).await.unwrap(), 1);
        assert_eq!(client.create(Kind::Port, &port, false).await.unwrap().generation, 2);
        assert_eq!(client.list(Kind::Port).await.unwrap().objects.len(), 1);
        let refused = create(&client, "blue", 11).await.unwrap_err().to_string();
        assert!(refused.starts_with("there is a Network blue already"), "{refused}");
    }
}

#[tokio::test]
async fn the_history_says_who_wrote() {
    let manager = Manager::start().await;
    let client = manager.admin();
    create(&client, "blue", 10).await.unwrap();
    let writes = client.history(9, false).await.unwrap().writes;
    assert_eq!(writes.iter().map(|write| write.author.as_str()).collect::<Vec<_>>(), ["alice"]);
}

#[tokio::test]
async fn nobody_waits_for_those_who_say_nothing() {
    let manager = Manager::start().await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(manager.address).await.unwrap());
    }
    let answer = tokio::time::timeout(Duration::from_secs(5), create(&manager.admin(), "blue", 10)).await;
    assert_eq!(answer.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn whoever_proves_nothing_is_refused() {
    let manager = Manager::start().await;
    let (pki, other) = (&manager.pki, Pki::new());
    let stranger = other.issue("mallory", Role::Admin);
    let stranger = Files { authorities: pki.path("ca.pem"), ..stranger };
    for (files, why) in [
        (stranger, "mallory.pem, whose authority it does not know"),
        (pki.issue_for("old", Role::Admin, -90, -60), "old.pem, which has expired or is not valid yet"),
        (pki.issue_for("young", Role::Admin, 60, 90), "young.pem, which has expired or is not valid yet"),
        (pki.files("m1"), "m1.pem, which is not for clients"),
    ] {
        let said = refusal(&manager.client(files)).await;
        assert!(said.contains("it does not take the certificate in /"), "{said}");
        assert_ends(&said, &format!("{why}; get another one with dvs cert issue"));
    }
    let said = anonymous(&pki.files("m1"), manager.address).await;
    assert_eq!(said, "received fatal alert: CertificateRequired");
    let said = refusal(&manager.client(pki.issue_foreign("web", &["https://web"]))).await;
    assert!(
        said.starts_with("the certificate says not who this is: it has no alternative name dvs:"),
        "{said}"
    );
}

#[tokio::test]
async fn who_does_not_speak_tls_learns_nothing() {
    let manager = Manager::start().await;
    let mut stream = TcpStream::connect(manager.address).await.unwrap();
    stream.write_all(b"GET /v1/export HTTP/1.1\r\nHost: m1\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    // An alert, fatal, and its number.
    assert_eq!((said.len(), said[0]), (7, 21), "{said:?}");
}

#[tokio::test]
async fn everybody_does_what_its_role_may() {
    let manager = Manager::start().await;
    create(&manager.admin(), "blue", 10).await.unwrap();
    let viewer = manager.client(manager.pki.issue("bob", Role::Viewer));
    assert_eq!(viewer.export().await.unwrap().generation, 1);
    let said = create(&viewer, "green", 20).await.unwrap_err().to_string();
    assert!(said.starts_with("bob (role viewer) may only read, and not POST /v1/networks; use a "), "{said}");
    let host = manager.client(manager.pki.issue("h1", Role::Host));
    let said = refusal(&host).await;
    assert!(
        said.starts_with("h1 (role host) may only use /v1/cluster/hosts/ITS-OWN-NAME/ and read "),
        "{said}"
    );
    // Of the user's own authority, whose certificates are for every use.
    let other = manager.client(manager.pki.issue_foreign("m2", &["dvs:manager/m2"]));
    let said = refusal(&other).await;
    assert!(said.starts_with("m2 (role manager) only serves, and may ask for nothing"), "{said}");
    assert_eq!(viewer.export().await.unwrap().objects.len(), 1);
}

#[tokio::test]
async fn a_manager_that_is_none_is_not_asked() {
    let manager = Manager::start().await;
    let admin = manager.pki.issue("alice", Role::Admin);
    let elsewhere = Files { authorities: Pki::new().issue("x", Role::Host).authorities, ..admin.clone() };
    let missing = ClientTls::new(elsewhere).unwrap_err().to_string();
    assert!(missing.contains("ca.pem: No such file"), "the directory went with its authority: {missing}");
    let other = Pki::new();
    let untrusting = Files { authorities: other.path("ca.pem"), ..admin.clone() };
    let said = refusal(&manager.client(untrusting)).await;
    assert!(said.contains("its certificate does not come from an authority in /"), "{said}");
    assert_ends(&said, "ca.pem; name the file of the manager's authority with --tls-ca");
    for (uri, why) in [
        ("dvs:host/h1", "its certificate is not a manager's: it is of h1 (role host); check the address"),
        (
            "https://h1",
            "its certificate is not a manager's: it has no alternative name dvs:ROLE/NAME; check the address",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let files = manager.pki.issue_foreign(&format!("imp{port}"), &[uri]);
        tokio::spawn(impostor(files, listener));
        assert_ends(&refusal(&client([Server { host: "localhost".into(), port }], admin.clone())).await, why);
    }
}

#[tokio::test]
async fn a_manager_is_asked_by_a_name_in_its_certificate() {
    let pki = Pki::new();
    let files = pki.issue("m1", Role::Manager);
    let manager = Manager::with(pki, files, "127.0.0.2:0".parse().unwrap()).await;
    let said = refusal(&manager.admin()).await;
    assert!(
        said.contains("its certificate is not for 127.0.0.2, but for 127.0.0.1, ::1, localhost; use one"),
        "{said}"
    );
    assert_ends(&said, "or issue another with --address 127.0.0.2");
}

#[tokio::test]
async fn certificates_are_renewed_without_a_restart() {
    let pki = Pki::new();
    let files = pki.issue_for("m1", Role::Manager, -90, -60);
    let manager = Manager::with(pki, files.clone(), "127.0.0.1:0".parse().unwrap()).await;
    let own = manager.pki.issue_for("alice", Role::Admin, -90, -60);
    let client = manager.client(own.clone());
    let said = refusal(&client).await;
    assert!(said.contains("its certificate has expired; compare the clocks, or renew it there"), "{said}");
    let renew = |name: &str, role, old: &Files| {
        let new = manager.pki.issue(name, role);
        fs::rename(&new.certificate, &old.certificate).unwrap();
        new.key
    };
    let key = renew("m1-new", Role::Manager, &files);
    assert!(refusal(&client).await.contains("has expired"), "certificate and key do not match yet");
    fs::rename(key, &files.key).unwrap();
    let said = refusal(&client).await;
    assert_ends(&said, "which has expired or is not valid yet; get another one with dvs cert issue");
    fs::rename(renew("alice-new", Role::Admin, &own), &own.key).unwrap();
    assert_eq!(client.export().await.unwrap().generation, 0);
}

#[tokio::test]
async fn the_next_manager_is_asked_when_one_is_dead() {
    let manager = Manager::start().await;
    let files = manager.pki.issue("alice", Role::Admin);
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = client([server(dead), server(dead)], files.clone());
    let said = refusal(&nobody).await;
    let line =
        format!("manager at https://{dead}: Connection refused (os error 111); check that dvs manager runs");
    assert_eq!(said.lines().filter(|said| said.starts_with(&line)).count(), 2, "{said}");
    let client = client([server(dead), server(manager.address)], files);
    assert_eq!(create(&client, "blue", 10).await.unwrap(), 1);
    assert_eq!(client.export().await.unwrap().generation, 1);
}

#[tokio::test(start_paused = true)]
async fn a_manager_that_says_nothing_is_given_up() {
    let (pki, silent) = (Pki::new(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let client = client([server(silent.local_addr().unwrap())], pki.issue("alice", Role::Admin));
    let said = refusal(&client).await;
    assert!(said.contains("no answer within 3 s; check that dvs manager runs there"), "{said}");
}

#[tokio::test]
async fn requests_share_a_connection_until_it_breaks() {
    let manager = Manager::start().await;
    let files = manager.pki.issue("alice", Role::Admin);
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let through = client([server(door.local_addr().unwrap())], files);
    let address = manager.address;
    let one = tokio::spawn(async move {
        let (mut outside, _) = door.accept().await.unwrap();
        drop(door);
        let mut inside = TcpStream::connect(address).await.unwrap();
        copy_bidirectional(&mut outside, &mut inside).await.ok();
    });
    for (name, generation) in [("blue", 1), ("green", 2), ("red", 3)] {
        assert_eq!(create(&through, name, 9 + generation).await.unwrap(), u64::from(generation));
    }
    one.abort();
    assert!(one.await.unwrap_err().is_cancelled());
    let said = refusal(&through).await;
    assert!(said.contains("check that dvs manager runs there"), "{said}");
}

#[tokio::test]
async fn a_client_gets_over_a_restart_of_the_manager() {
    let manager = Manager::start().await;
    let client = manager.admin();
    assert_eq!(create(&client, "blue", 10).await.unwrap(), 1);
    let Manager { pki, address, stop, server } = manager;
    stop.send(()).unwrap();
    server.await.unwrap();
    let files = pki.files("m1");
    let _manager = Manager::with(pki, files, address).await;
    assert_eq!(client.export().await.unwrap().generation, 0);
}

#[tokio::test]
async fn lines_come_as_long_as_the_certificate_is_good() {
    let (pki, host) = (Pki::new(), FakeHost::new());
    let files = pki.issue("m1", Role::Manager);
    let manager = Manager::over(pki, files, "127.0.0.1:0".parse().unwrap(), host.clone()).await;
    let begin = Instant::now();
    let client = manager.client(manager.pki.issue_for("bob", Role::Viewer, -60, 4));
    let mut lines = client.log(&None, true).await.unwrap();
    for _ in 0..2 {
        lines.next().await.unwrap().unwrap();
    }
    host.events.send(event("p1", 5)).unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), event("p1", 5));
    let end = tokio::time::timeout(Duration::from_secs(20), lines.next()).await.unwrap();
    // The end of a certificate is told in whole seconds.
    assert!(!matches!(end, Ok(Some(_))) && begin.elapsed() >= Duration::from_secs(3), "{end:?}");
}

#[tokio::test]
async fn a_manager_does_not_say_what_only_hosts_know() {
    let manager = Manager::start().await;
    let client = manager.admin();
    let said =
        "a manager forwards no frames and has no such report; ask at the host itself, without --server";
    assert_eq!(client.status().await.unwrap_err().to_string(), said);
    assert_eq!(client.stats(&None).await.unwrap_err().to_string(), said);
    assert_eq!(client.log(&None, true).await.unwrap_err().to_string(), said);
    assert_eq!(client.wait(0, 1).await.unwrap_err().to_string(), said);
    let Err(ClientError::Refused(details)) = client.flows(&FlowFilter::default()).await else {
        unreachable!("a manager has no flows")
    };
    assert_eq!((details.status, details.kind.as_str()), (421, "urn:dvs:no-host"));
}
