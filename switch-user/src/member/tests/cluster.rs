//! Members and a manager as it is.

use super::*;
use crate::{
    api::MoveRequest,
    fake::FakeHost,
    manager::{self, cluster::Cluster},
    model::{Object, samples::from_text},
    store::{Batch, Key, MemoryLeases, RedbStore},
};

/// A host is dead after this time.
const TIMEOUT: Duration = Duration::from_millis(600);

const OBJECTS: &str = r"
{apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
---
{apiVersion: dvs/v1, kind: Port, name: p1, network: blue}
---
{apiVersion: dvs/v1, kind: Port, name: p2, network: blue, device: v2}
";

/// A manager that can be killed, and what it leaves behind.
struct RealManager {
    directory: TempDir,
    store: Arc<RedbStore>,
    claims: Arc<RedbStore>,
    task: Option<JoinHandle<std::io::Result<()>>>,
}

impl RealManager {
    fn start() -> Self {
        let [store, claims] = [(); 2].map(|()| Arc::new(RedbStore::in_memory().unwrap()));
        let row = |object: Object| {
            let id = object.id();
            (Key { kind: id.kind.name().into(), name: id.name }, Some(object.document().to_value()))
        };
        let batch: Batch = from_text(OBJECTS).objects().map(row).collect();
        store.put(0, &batch, "-").unwrap();
        let mut manager = Self { directory: tempfile::tempdir().unwrap(), store, claims, task: None };
        manager.serve();
        manager
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("m")
    }

    fn serve(&mut self) {
        let cluster = Cluster::new(self.claims.clone(), MemoryLeases::start(), TIMEOUT);
        let (store, host) = (self.store.clone(), FakeHost::new());
        let router = manager::router(manager::State { store, host, cluster: Some(cluster), follow: None });
        let socket = Socket::bind(&self.path()).unwrap();
        self.task = Some(tokio::spawn(serve_unix(socket, router, std::future::pending())));
    }

    async fn kill(&mut self) {
        let task = self.task.take().unwrap();
        task.abort();
        task.await.unwrap_err();
    }

    fn host(&self, name: &str, devices: &[(u32, &str)]) -> Lab {
        self.host_in(name, tempfile::tempdir().unwrap(), devices)
    }

    fn host_in(&self, name: &str, directory: TempDir, devices: &[(u32, &str)]) -> Lab {
        Lab::named(name, directory, vec![("m".into(), self.path())], devices)
    }

    /// Hosts h1, which has port p1 with device p1, and h2 with these devices, to which the port is planned to move.
    async fn hosts_of_a_move(&self, devices: &[(u32, &str)]) -> [Lab; 2] {
        let one = self.host("h1", &[(2, "p1")]);
        one.has(&["p1"]).await;
        let two = self.host("h2", devices);
        until("h2 is connected", || two.follow.following().connected.is_some()).await;
        self.plan("p1", "h2").await;
        two.has(&["p1"]).await;
        [one, two]
    }

    /// Plans the move of a port.
    async fn plan(&self, port: &str, to: &str) {
        let request = MoveRequest { ports: vec![port.into()], to: vec![to.into()], ..MoveRequest::default() };
        Client::new(self.path()).plan_moves(&request).await.unwrap();
    }

    /// Host and device of a port.
    fn binding(&self, port: &str) -> Option<(String, String)> {
        let key = Key { kind: "Binding".into(), name: port.into() };
        let document = self.claims.get().unwrap().documents.remove(&key)?;
        let binding: crate::api::Binding = serde_json::from_value(document).unwrap();
        Some((binding.host, binding.device))
    }
}

fn at(host: &str, device: &str) -> (String, String) {
    (host.into(), device.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_follows_its_device_from_host_to_host() {
    let manager = RealManager::start();
    let one = manager.host("h1", &[(2, "p1")]);
    one.has(&["p1"]).await;
    let two = manager.host("h2", &[]);
    until("h2 is connected", || two.follow.following().connected.is_some()).await;
    two.devices.send_replace(devices(&[(7, "v2")]));
    two.has(&["p2"]).await;
    // Its VM is started on the other host, and the first one still has its device.
    two.devices.send_replace(devices(&[(7, "v2"), (8, "p1")]));
    two.has(&["p1", "p2"]).await;
    one.has(&[]).await;
    assert_eq!([manager.binding("p1"), manager.binding("p2")], [Some(at("h2", "p1")), Some(at("h2", "v2"))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_to_come_is_prepared_closed_until_its_vm_speaks() {
    let manager = RealManager::start();
    let [one, two] = manager.hosts_of_a_move(&[]).await;
    let port = || two.supply.lock().unwrap().read(None).unwrap().desired.ports["p1"].clone();
    assert_eq!((port().device, port().up, port().standby), (None, false, true));
    two.devices.send_replace(devices(&[(8, "p1")]));
    until("its device is taken", || port().device.as_deref() == Some("p1")).await;
    assert_eq!((port().up, manager.binding("p1")), (false, Some(at("h1", "p1"))));
    two.active.send_replace(["p1".to_owned()].into());
    until("it is open", || port().up).await;
    one.has(&[]).await;
    assert_eq!(manager.binding("p1"), Some(at("h2", "p1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_goes_when_its_device_is_gone() {
    let manager = RealManager::start();
    let [one, _two] = manager.hosts_of_a_move(&[(8, "p1")]).await;
    one.devices.send_replace(devices(&[]));
    until("it has moved", || manager.binding("p1") == Some(at("h2", "p1"))).await;
    one.has(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_move_ends_well_with_every_manager_down() {
    let mut manager = RealManager::start();
    let [one, two] = manager.hosts_of_a_move(&[]).await;
    manager.kill().await;
    until("h2 is alone", || !two.follow.following().errors.is_empty()).await;
    two.devices.send_replace(devices(&[(8, "p1")]));
    let port = || two.supply.lock().unwrap().read(None).unwrap().desired.ports["p1"].clone();
    until("its device is taken", || port().device.is_some()).await;
    assert!(port().standby, "its VM does not run here yet");
    two.active.send_replace(["p1".to_owned()].into());
    until("it is open", || port().up).await;
    manager.serve();
    one.has(&[]).await;
    assert_eq!(manager.binding("p1"), Some(at("h2", "p1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_host_that_returns_takes_nothing_back() {
    let manager = RealManager::start();
    let one = manager.host("h1", &[(2, "p1")]);
    one.has(&["p1"]).await;
    let held = |text: String| text.contains(r#""held":{"p1""#);
    until("it is kept", || std::fs::read_to_string(one.path("view.json")).is_ok_and(held)).await;
    let state = one.stop();
    let three = manager.host("h3", &[(4, "p1")]);
    three.has(&["p1"]).await;
    let one = manager.host_in("h1", state, &[(2, "p1")]);
    one.has(&[]).await;
    let told = |errors: Vec<String>| errors.iter().any(|error| error.contains("at host h3, which is alive"));
    until("the refusal is told", || told(one.follow.following().errors)).await;
    assert_eq!(manager.binding("p1"), Some(at("h3", "p1")));
    assert_eq!(three.ports(), ["p1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_manager_down_a_vm_gets_its_port_and_all_agree_later() {
    let mut manager = RealManager::start();
    let one = manager.host("h1", &[(2, "p1")]);
    one.has(&["p1"]).await;
    let [two, three] = ["h2", "h3"].map(|name| manager.host(name, &[]));
    for host in [&two, &three] {
        until("it knows p1", || host.follow.following().claims > 0).await;
    }
    manager.kill().await;
    until("h3 is alone", || !three.follow.following().errors.is_empty()).await;
    three.devices.send_replace(devices(&[(5, "p1")]));
    three.has(&["p1"]).await;
    assert_eq!(three.follow.following().alone, ["p1"]);
    manager.serve();
    one.has(&[]).await;
    until("it is told", || three.follow.following().alone.is_empty()).await;
    assert_eq!((three.ports(), manager.binding("p1")), (vec!["p1".to_owned()], Some(at("h3", "p1"))));
    assert_eq!(two.ports(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_claimed_alone_the_first_who_says_so_has_it() {
    let mut manager = RealManager::start();
    let one = manager.host("h1", &[(2, "p1")]);
    one.has(&["p1"]).await;
    let hosts = ["h2", "h3"].map(|name| manager.host(name, &[]));
    for host in &hosts {
        until("it knows p1", || host.follow.following().claims > 0).await;
    }
    manager.kill().await;
    for host in &hosts {
        until("it is alone", || host.follow.following().connected.is_none()).await;
        host.devices.send_replace(devices(&[(5, "p1")]));
        host.has(&["p1"]).await;
    }
    manager.serve();
    until("one has it", || hosts.iter().filter(|host| host.ports() == ["p1"]).count() == 1).await;
    let winner = manager.binding("p1").unwrap().0;
    let has = |(name, host): (&str, &Lab)| (name == winner) == (host.ports() == ["p1"]);
    assert!(["h2", "h3"].into_iter().zip(&hosts).all(has), "{winner}");
    one.has(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_is_attached_and_detached_where_people_want_it() {
    let manager = RealManager::start();
    let one = manager.host("h1", &[(2, "v7")]);
    until("h1 is connected", || one.follow.following().connected.is_some()).await;
    let follow = Arc::clone(&one.follow);
    let ask = move || {
        follow.attach("p1", "v7").unwrap();
        let refused = follow.attach("p9", "v7").unwrap_err().to_string();
        assert!(refused.contains("there is no Port p9"), "{refused}");
        let refused = follow.detach("p2").unwrap_err().to_string();
        assert!(refused.contains("port p2 is not bound to host h1"), "{refused}");
    };
    tokio::task::spawn_blocking(ask).await.unwrap();
    assert_eq!((one.ports(), manager.binding("p1")), (vec!["p1".to_owned()], Some(at("h1", "v7"))));
    let follow = Arc::clone(&one.follow);
    tokio::task::spawn_blocking(move || follow.detach("p1").unwrap()).await.unwrap();
    assert_eq!((one.ports(), manager.binding("p1")), (vec![], None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_is_known_is_not_sent_again() {
    let mut manager = RealManager::start();
    let one = manager.host("h1", &[(2, "p1")]);
    one.has(&["p1"]).await;
    let before = one.supply.lock().unwrap().read(None).unwrap().desired;
    manager.kill().await;
    until("it is gone", || one.follow.following().connected.is_none()).await;
    manager.serve();
    until("it is back", || one.follow.following().connected.is_some()).await;
    let after = one.supply.lock().unwrap().read(None).unwrap().desired;
    assert!(Arc::ptr_eq(&before, &after), "the same documents were proven again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_of_one_name_are_told_apart() {
    let manager = RealManager::start();
    let one = manager.host("h1", &[(2, "p1")]);
    one.has(&["p1"]).await;
    let other = manager.host("h1", &[(2, "p1")]);
    let told = |errors: Vec<String>| errors.iter().any(|error| error.contains("is alive at installation"));
    until("the second is refused", || told(other.follow.following().errors)).await;
    assert_eq!((one.ports(), other.ports()), (vec!["p1".to_owned()], vec![]));
}
