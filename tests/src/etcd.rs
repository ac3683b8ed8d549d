//! Clusters of etcd for tests, of which members can be killed, paused and started again.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use nix::sys::signal::Signal;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use switch_user::store::EtcdOptions;
use tempfile::TempDir;

use crate::netns::{Finished, Namespace, Process, finish, until};

/// A cluster. Its members end with it.
pub struct Cluster {
    directory: TempDir,
    members: Vec<Member>,
    /// Options that all members have.
    more: Vec<String>,
    /// Where they are, if not in that of the tests.
    namespace: Option<Arc<Namespace>>,
}

struct Member {
    name: String,
    /// Where it listens for clients and for other members.
    addresses: [String; 2],
    process: Option<Process>,
}

/// Addresses that were given away.
static ADDRESSES: AtomicU8 = AtomicU8::new(1);

impl Member {
    /// Every member has an address of its own, so that nobody has to look for free ports.
    fn new(name: String) -> Self {
        let [.., high, low] = std::process::id().to_be_bytes();
        let number = ADDRESSES.fetch_add(1, Ordering::Relaxed);
        // Not the last octets 0 and 255, which belong to the network.
        let address = Ipv4Addr::new(127, number, high, low.clamp(1, 254));
        Self { name, addresses: [2379, 2380].map(|port| format!("http://{address}:{port}")), process: None }
    }

    /// A member that wants to see certificates, and has an IPv6 address.
    fn secure(name: String) -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("[::1]:0").unwrap());
        let [client, peer] = listeners.map(|listener| listener.local_addr().unwrap());
        Self { name, addresses: [format!("https://{client}"), format!("http://{peer}")], process: None }
    }
}

impl Cluster {
    /// Starts members, and waits until they have elected a leader.
    pub fn start(members: usize) -> Self {
        Self::stopped(members).started()
    }

    /// The same in a network namespace, whose processes alone can reach them.
    pub fn start_in(members: usize, namespace: &Arc<Namespace>) -> Self {
        Self { namespace: Some(Arc::clone(namespace)), ..Self::stopped(members) }.started()
    }

    fn started(mut self) -> Self {
        (0..self.members.len()).for_each(|member| self.restart(member));
        self.ready();
        self
    }

    /// Members that do not run yet.
    pub fn stopped(members: usize) -> Self {
        let members = (0..members).map(|number| Member::new(format!("m{number}"))).collect();
        Self { directory: tempfile::tempdir().unwrap(), members, more: Vec::new(), namespace: None }
    }

    /// One member that takes no more than so many bytes.
    pub fn small(bytes: u64) -> Self {
        let more = vec![format!("--quota-backend-bytes={bytes}")];
        Self { more, ..Self::stopped(1) }.started()
    }

    /// One member with an IPv6 address that speaks TLS, and to clients with a certificate only; and how to reach it.
    pub fn secure() -> (Self, EtcdOptions) {
        let members = vec![Member::secure("m0".into())];
        let mut cluster = Self { members, ..Self::stopped(0) };
        let [ca, certificate, key] = cluster.certificates();
        cluster.more = vec!["--client-cert-auth".into()];
        for (option, file) in [("trusted-ca", &ca), ("cert", &certificate), ("key", &key)] {
            cluster.more.push(format!("--{option}-file={}", file.display()));
        }
        cluster.restart(0);
        let options =
            EtcdOptions { ca: Some(ca), certificate: Some(certificate), key: Some(key), ..cluster.options() };
        (cluster, options)
    }

    /// Files with an authority's certificate, one for both ends that it vouches for, and the key of that.
    fn certificates(&self) -> [PathBuf; 3] {
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (issuing, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let ca = authority.self_signed(&issuing).unwrap();
        let end = CertificateParams::new(["::1".to_owned()]).unwrap();
        let certificate = end.signed_by(&key, &Issuer::new(authority, issuing)).unwrap();
        let texts = [("ca", ca.pem()), ("certificate", certificate.pem()), ("key", key.serialize_pem())];
        texts.map(|(name, text)| {
            let path = self.directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        })
    }

    /// How to reach it.
    pub fn options(&self) -> EtcdOptions {
        let endpoints = self.members.iter().map(|member| member.addresses[0].clone()).collect();
        EtcdOptions { endpoints, ..EtcdOptions::default() }
    }

    /// Starts a member with what it had when it ended.
    pub fn restart(&mut self, member: usize) {
        let peers = self.members.iter().map(|member| format!("{}={}", member.name, member.addresses[1]));
        let peers = peers.collect::<Vec<_>>().join(",");
        let Member { name, addresses: [client, peer], .. } = &self.members[member];
        let mut command = self.command("etcd");
        command.arg("--data-dir").arg(self.directory.path().join(name)).args(["--name", name]);
        command.args(["--listen-client-urls", client, "--advertise-client-urls", client]);
        command.args(["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]);
        command.args(["--initial-cluster", &peers, "--logger", "zap", "--log-level", "error"]);
        command.args(&self.more);
        self.members[member].process = Some(Process::start(&mut command));
    }

    fn command(&self, program: &str) -> Command {
        self.namespace.as_ref().map_or_else(|| Command::new(program), |space| space.command(program))
    }

    /// Waits until a write works.
    pub fn ready(&self) {
        until("etcd takes a write", || (self.etcdctl(&["put", "/ready", "1"]).code == Some(0)).then_some(()));
    }

    /// Kills a member.
    pub fn kill(&mut self, member: usize) {
        self.members[member].process = None;
    }

    /// Stops a member without ending it: it keeps its connections and answers nothing.
    pub fn pause(&self, member: usize) {
        self.signal(member, Signal::SIGSTOP);
    }

    /// Lets a paused member go on.
    pub fn resume(&self, member: usize) {
        self.signal(member, Signal::SIGCONT);
    }

    fn signal(&self, member: usize, signal: Signal) {
        self.members[member].process.as_ref().unwrap().signal(signal);
    }

    /// The member that leads the others.
    pub fn leader(&self) -> usize {
        until("a leader", || {
            let status = self.etcdctl(&["endpoint", "status", "-w", "json"]);
            let status: Vec<Value> = serde_json::from_str(&status.output).ok()?;
            let leads = |entry: &&Value| {
                let status = &entry["Status"];
                status["leader"] == status["header"]["member_id"]
            };
            let endpoint = status.iter().find(leads)?["Endpoint"].as_str()?;
            self.members.iter().position(|member| member.addresses[0] == endpoint)
        })
    }

    /// Forgets all revisions but the newest.
    pub fn compact(&self) {
        let status = self.etcdctl(&["get", "/ready", "-w", "json"]).output;
        let status: Value = serde_json::from_str(&status).unwrap();
        let compacted = self.etcdctl(&["compact", &status["header"]["revision"].to_string()]);
        assert_eq!(compacted.code, Some(0), "{compacted:?}");
    }

    /// All keys.
    pub fn keys(&self) -> Vec<String> {
        let keys = self.etcdctl(&["get", "", "--prefix", "--keys-only"]).output;
        keys.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Asks the cluster by etcd's own client.
    pub fn etcdctl(&self, arguments: &[&str]) -> Finished {
        let endpoints = self.options().endpoints.join(",");
        let mut command = self.command("timeout");
        command.args(["5", "etcdctl", "--command-timeout=2s", "--dial-timeout=1s"]).args(arguments);
        finish(command.env("ETCDCTL_API", "3").env("ETCDCTL_ENDPOINTS", endpoints))
    }
}

/// How long a write may take while a new leader is elected, on a machine that has much to do.
pub const ELECTION: Duration = Duration::from_secs(20);
