//! Three members of etcd and a manager, in a network namespace that only they and their hosts are in.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};
use tempfile::TempDir;

use super::{
    super::{
        interrupt::Interrupt,
        netns::Namespace,
        process::{Daemon, inside, poll, server_anywhere},
        tool,
    },
    Options,
    measured::Measured,
};
use crate::{shell, workspace};

/// Members of etcd, each with a loopback address of its own.
const MEMBERS: u8 = 3;
/// Where the manager listens.
const MANAGER: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// How long etcd may take to elect a leader.
const ELECTION: Duration = Duration::from_secs(30);

/// What runs; dropping it ends the manager, then etcd, and removes the namespace and all files.
pub(super) struct Lab {
    manager: Daemon,
    _etcd: Vec<Daemon>,
    namespace: Namespace,
    directory: TempDir,
}

impl Lab {
    /// Starts all of it.
    pub(super) fn start(interrupt: &Interrupt) -> Result<Self> {
        let namespace = Namespace::new("cluster")?;
        let directory = tempfile::Builder::new().prefix("dvs-bench-").tempdir()?;
        let members = (0..MEMBERS).map(|number| member(&namespace, directory.path(), number));
        let etcd = members.collect::<Result<Vec<_>>>()?;
        ready(&namespace, interrupt)?;
        cert(directory.path(), &["init"])?;
        cert(directory.path(), &["issue", "m1", "--role", "manager", "--address", &MANAGER.to_string()])?;
        let manager = manager(&namespace, directory.path())?;
        Ok(Self { manager, _etcd: etcd, namespace, directory })
    }

    /// Lets the tool measure.
    pub(super) fn measure(&self, options: &Options, interrupt: &Interrupt) -> Result<Measured> {
        let state = self.directory.path().join("hosts");
        std::fs::create_dir(&state)?;
        let mut command = server_anywhere(&self.namespace);
        command.arg(tool::path()).args(["cluster", "--server", &format!("https://{MANAGER}")]);
        command.arg("--certificates").arg(self.directory.path()).arg("--state").arg(state);
        command.args(["--pid", &self.manager_pid()?.to_string()]);
        command.args(["--hosts", &options.hosts.to_string(), "--ports", &options.ports.to_string()]);
        let output = Daemon::attended(&mut command, &self.file("tool.json"), || interrupt.check())?;
        Measured::parse(&output)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The manager itself, which is below the commands that lead to it.
    fn manager_pid(&self) -> Result<u32> {
        let mut pid = self.manager.id();
        loop {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
            match children.split_whitespace().next() {
                Some(child) => pid = child.parse()?,
                None => return Ok(pid),
            }
        }
    }
}

/// URLs of a member, for clients and for other members.
fn urls(number: u8) -> [String; 2] {
    [2379, 2380].map(|port| format!("http://127.0.1.{}:{port}", number + 1))
}

fn clients() -> String {
    (0..MEMBERS)
        .map(|number| urls(number).into_iter().next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(",")
}

fn member(namespace: &Namespace, directory: &Path, number: u8) -> Result<Daemon> {
    let name = format!("etcd{number}");
    let [client, peer] = urls(number);
    let peers = (0..MEMBERS).map(|number| format!("etcd{number}={}", urls(number)[1]));
    let mut command = server_anywhere(namespace);
    command.args(["etcd", "--name", &name]).arg("--data-dir").arg(directory.join(&name));
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--initial-cluster", &peers.collect::<Vec<_>>().join(","), "--log-level", "error"]);
    Daemon::start(&mut command, &directory.join(format!("{name}.log")))
}

fn ready(namespace: &Namespace, interrupt: &Interrupt) -> Result<()> {
    let ready = poll(ELECTION, || {
        interrupt.check()?;
        let mut command = Command::new("timeout");
        command.arg("5").args(inside(namespace)).arg("etcdctl").args(["put", "/ready", "1"]);
        command.env("ETCDCTL_API", "3").env("ETCDCTL_ENDPOINTS", clients());
        Ok(shell::succeeds(&mut command))
    });
    if !ready? {
        bail!("etcd takes no write within {} s", ELECTION.as_secs());
    }
    Ok(())
}

fn cert(directory: &Path, words: &[&str]) -> Result<()> {
    let mut command = Command::new(workspace::dvs());
    shell::quiet(command.arg("cert").args(words).arg("--dir").arg(directory)).map(drop)
}

fn manager(namespace: &Namespace, directory: &Path) -> Result<Daemon> {
    let mut command = server_anywhere(namespace);
    command.arg(workspace::dvs()).args(["manager", "--listen", &MANAGER.to_string(), "--etcd", &clients()]);
    for (option, file) in [("--tls-ca", "ca.pem"), ("--tls-cert", "m1.pem"), ("--tls-key", "m1.key")] {
        command.arg(option).arg(directory.join(file));
    }
    command.env("DVS_LOG", "warn");
    Daemon::start_and_wait(&mut command, &directory.join("manager.log"))
}
