//! Several hosts with one switch: their uplinks meet in an underlay, and managers are reached by a network apart.
//!
//! ```text
//!     VMs            VMs            VMs
//!   +--||--+       +--||--+       +--||--+
//!   |  h1  |       |  h2  |       |  h3  |     eth1: uplink, tagged
//!   +-+--+-+       +-+--+-+       +-+--+-+     mg0: to the managers
//!     |  |           |  |           |  |
//!     |  +-----------|--+-----------|--+---- management: 192.168.77.0/24, dvs manager at .101 and so on
//!     +--------------+--------------+------- underlay: a bridge that knows no VLANs
//! ```

mod managers;

use std::time::Duration;

use switch_user::api::{BindingEntry, ChangeSet, HostEntry, HostState};
use switch_user::client::{Answer, ApplyOptions, Client};
use switch_user::report::PortState;

pub use self::managers::Managers;

use super::host::{Host, documents, values};
use super::namespace::Namespace;
use super::wait::until;

/// Hosts `h1` and so on, whose agents follow managers.
pub struct Cluster {
    /// The hosts, without devices but for `eth1` and `mg0`.
    pub hosts: Vec<Host>,
    /// Where the uplinks meet: that of `h1` is `u1`.
    pub underlay: Namespace,
    /// Whom the hosts follow.
    pub managers: Managers,
}

impl Cluster {
    /// Hosts whose agents are connected to one manager, with the objects of a YAML list.
    #[track_caller]
    pub fn new(hosts: usize, objects: &str) -> Self {
        Self::behind(Managers::over_a_file(), hosts, objects)
    }

    /// The same with two managers over etcd of three members.
    #[track_caller]
    pub fn over_etcd(hosts: usize, objects: &str) -> Self {
        Self::behind(Managers::over_etcd(), hosts, objects)
    }

    #[track_caller]
    fn behind(mut managers: Managers, hosts: usize, objects: &str) -> Self {
        managers.start_all();
        let mut cluster = Self { hosts: Vec::new(), underlay: bridge("underlay"), managers };
        cluster.apply(objects);
        for number in 1..=hosts {
            let mut host = cluster.unstarted(&format!("h{number}"), number);
            host.start_agent();
            cluster.hosts.push(host);
        }
        for number in 1..=hosts {
            cluster.host_becomes(&format!("h{number}"), HostState::Alive);
        }
        cluster
    }

    /// A host of this name at the place of a number, which is not yet among the others and has no agent.
    pub fn unstarted(&self, name: &str, number: usize) -> Host {
        self.managers.certify_host(name);
        let mut options = vec!["--manager".to_owned(), self.managers.urls()];
        options.extend(self.managers.tls(name));
        let host = Host::with_options(name, options);
        let space = host.namespace.name();
        for (other, far, device) in [(&self.underlay, 'u', "eth1"), (&*self.managers.namespace, 'm', "mg0")] {
            other.ip(&format!(
                "link add {far}{number} type veth peer name {device} netns {space}\n\
                 link set {far}{number} master br0 up"
            ));
        }
        host.namespace
            .ip(&format!("link set eth1 up\nlink set mg0 up\naddr add 192.168.77.{number}/24 dev mg0"));
        host
    }

    /// A host by its number.
    pub fn host(&mut self, number: usize) -> &mut Host {
        &mut self.hosts[number - 1]
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(&Client) -> Answer<T>) -> T {
        self.managers.ask(question).unwrap()
    }

    /// Creates or changes objects at the manager.
    #[track_caller]
    pub fn apply(&self, objects: &str) -> ChangeSet {
        self.ask(async |client| client.apply(documents(&values(objects)), ApplyOptions::default()).await)
    }

    /// Cuts a host off from what one of its devices leads to, or connects it again.
    pub fn connect(&self, number: usize, device: &str, on: bool) {
        let state = if on { "up" } else { "down" };
        self.hosts[number - 1].namespace.ip(&format!("link set {device} {state}"));
    }

    /// What the manager says of a host.
    pub fn entry(&self, host: &str) -> Option<HostEntry> {
        self.ask(Client::cluster_hosts).into_iter().find(|entry| entry.name == host)
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
        self.ask(Client::cluster_bindings).bindings.into_iter().find(|entry| entry.port == port)
    }

    /// True if frames flow through a port at a host.
    pub fn is_open(&self, port: &str, number: usize) -> bool {
        is_open(&self.hosts[number - 1], port)
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
