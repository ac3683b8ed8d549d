//! Several hosts with one switch: their uplinks meet in an underlay, and a manager is reached by a network apart.
//!
//! ```text
//!     VMs            VMs            VMs
//!   +--||--+       +--||--+       +--||--+
//!   |  h1  |       |  h2  |       |  h3  |     eth1: uplink, tagged
//!   +-+--+-+       +-+--+-+       +-+--+-+     mg0: to the manager
//!     |  |           |  |           |  |
//!     |  +-----------|--+-----------|--+---- management: 192.168.77.0/24, dvs manager at .100
//!     +--------------+--------------+------- underlay: a bridge that knows no VLANs
//! ```

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use switch_user::api::{BindingEntry, ChangeSet, HostEntry, HostState};
use switch_user::client::{Answer, ApplyOptions, Client};
use switch_user::report::PortState;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::host::{Host, documents, dvs, values};
use super::namespace::{Namespace, unique};
use super::process::{Process, run};
use super::wait::{LIMIT, until};

const MANAGER: &str = "192.168.77.100";
/// Seconds after which a host is dead.
const TIMEOUT: &str = "1";

/// Hosts `h1` and so on, whose agents follow one manager.
pub struct Cluster {
    /// The hosts, without devices but for `eth1` and `mg0`.
    pub hosts: Vec<Host>,
    /// Where the uplinks meet: that of `h1` is `u1`.
    pub underlay: Namespace,
    management: Namespace,
    manager: Option<Process>,
    client: Client,
    runtime: Runtime,
    directory: TempDir,
}

impl Cluster {
    /// Hosts whose agents are connected, with the objects of a YAML list.
    #[track_caller]
    pub fn new(hosts: usize, objects: &str) -> Self {
        let directory = tempfile::Builder::new().prefix(&unique()).tempdir().unwrap();
        let [underlay, management] = ["underlay", "management"].map(bridge);
        management.ip(&format!("addr add {MANAGER}/24 dev br0"));
        let client = Client::new(directory.path().join("m.sock"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (hosts_made, manager) = (Vec::new(), None);
        let mut cluster =
            Self { hosts: hosts_made, underlay, management, manager, client, runtime, directory };
        cluster.cert("init");
        cluster.cert(&format!("issue m1 --role manager --address {MANAGER}"));
        cluster.start_manager();
        cluster.apply(objects);
        for number in 1..=hosts {
            cluster.add_host(number);
        }
        for number in 1..=hosts {
            cluster.host_becomes(&format!("h{number}"), HostState::Alive);
        }
        cluster
    }

    fn cert(&self, line: &str) {
        run(Command::new(dvs()).arg("cert").args(line.split(' ')).arg("--dir").arg(self.directory.path()));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn tls(&self, name: &str) -> Vec<String> {
        let files =
            [("ca", "ca.pem".to_owned()), ("cert", format!("{name}.pem")), ("key", format!("{name}.key"))];
        let option = |(option, file): (&str, String)| {
            [format!("--tls-{option}"), self.file(&file).to_str().unwrap().to_owned()]
        };
        files.into_iter().flat_map(option).collect()
    }

    fn add_host(&mut self, number: usize) {
        let name = format!("h{number}");
        self.cert(&format!("issue {name} --role host"));
        let mut options = vec!["--manager".to_owned(), format!("https://{MANAGER}")];
        options.extend(self.tls(&name));
        let mut host = Host::with_options(&name, options);
        let space = host.namespace.name();
        for (other, far, device) in [(&self.underlay, 'u', "eth1"), (&self.management, 'm', "mg0")] {
            other.ip(&format!(
                "link add {far}{number} type veth peer name {device} netns {space}\n\
                 link set {far}{number} master br0 up"
            ));
        }
        host.namespace
            .ip(&format!("link set eth1 up\nlink set mg0 up\naddr add 192.168.77.{number}/24 dev mg0"));
        host.start_agent();
        self.hosts.push(host);
    }

    /// Starts the manager, with what the one before has left, and waits until it serves.
    #[track_caller]
    pub fn start_manager(&mut self) {
        let mut command = self.management.command(dvs().to_str().unwrap());
        command.args(["manager", "--listen", MANAGER, "--host-timeout", TIMEOUT, "--state-dir"]);
        command.arg(self.file("manager")).arg("--socket").arg(self.file("m.sock"));
        command.args(self.tls("m1")).env("NO_COLOR", "1");
        let mut process = Process::start(&mut command);
        until("the manager is ready", || {
            assert!(process.is_running(), "the manager has ended: {}", process.errors());
            process.output().contains("dvs manager is ready").then_some(())
        });
        self.manager = Some(process);
    }

    /// Kills the manager with -9.
    pub fn kill_manager(&mut self) {
        self.manager = None;
    }

    /// A host by its number.
    pub fn host(&mut self, number: usize) -> &mut Host {
        &mut self.hosts[number - 1]
    }

    fn ask<T>(&self, answer: impl Future<Output = Answer<T>>) -> T {
        let limited = async { tokio::time::timeout(LIMIT, answer).await };
        self.runtime.block_on(limited).expect("the manager does not answer").unwrap()
    }

    /// Creates or changes objects at the manager.
    #[track_caller]
    pub fn apply(&self, objects: &str) -> ChangeSet {
        self.ask(self.client.apply(documents(&values(objects)), ApplyOptions::default()))
    }

    /// A command of the CLI at the manager, with the words of a line.
    pub fn cli(&self, line: &str) -> Command {
        let mut command = Command::new(dvs());
        command.args(line.split_whitespace()).env("DVS_SOCKET", self.file("m.sock"));
        command
    }

    /// Cuts a host off from what one of its devices leads to, or connects it again.
    pub fn connect(&self, number: usize, device: &str, on: bool) {
        let state = if on { "up" } else { "down" };
        self.hosts[number - 1].namespace.ip(&format!("link set {device} {state}"));
    }

    /// What the manager says of a host.
    pub fn entry(&self, host: &str) -> Option<HostEntry> {
        self.ask(self.client.cluster_hosts()).into_iter().find(|entry| entry.name == host)
    }

    /// Waits until the manager takes a host for alive or dead.
    #[track_caller]
    pub fn host_becomes(&self, host: &str, state: HostState) {
        until(&format!("{host} becomes {state:?}"), || {
            self.entry(host).filter(|entry| entry.state == state).map(drop)
        });
    }

    /// Where the manager says that a port is.
    pub fn binding(&self, port: &str) -> Option<BindingEntry> {
        self.ask(self.client.cluster_bindings()).bindings.into_iter().find(|entry| entry.port == port)
    }

    /// Waits until a port is open at a host, and at no other one that has an agent; returns how long it took.
    #[track_caller]
    pub fn port_opens(&self, port: &str, number: usize) -> Duration {
        let start = std::time::Instant::now();
        until(&format!("{port} is open at h{number} alone"), || {
            let open = self.hosts.iter().map(|host| host.has_agent() && is_open(host, port));
            open.eq((1..=self.hosts.len()).map(|other| other == number)).then_some(())
        });
        start.elapsed()
    }
}

/// True if frames flow through a port of the host.
fn is_open(host: &Host, port: &str) -> bool {
    let ports = host.status().ports;
    ports.iter().any(|status| status.name == port && status.state == PortState::Up)
}

/// A namespace with a bridge.
fn bridge(name: &str) -> Namespace {
    let namespace = Namespace::new(name);
    namespace.sysctl("ipv6/conf/default/disable_ipv6", "1");
    namespace.ip("link add br0 type bridge\nlink set br0 up");
    namespace
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(manager) = self.manager.as_ref().filter(|_| std::thread::panicking()) {
            eprintln!("log of the manager:\n{}", manager.errors());
        }
    }
}
