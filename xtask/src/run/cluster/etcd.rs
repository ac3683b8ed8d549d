//! Three members of etcd, as the store that the managers share.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::namespace::Namespace;
use super::process::{Process, background};
use crate::shell;

const MEMBERS: [Member; 3] = [
    Member { name: "e1", address: "127.0.0.11" },
    Member { name: "e2", address: "127.0.0.12" },
    Member { name: "e3", address: "127.0.0.13" },
];

/// A member, at an address that only those who are beside it reach.
struct Member {
    name: &'static str,
    address: &'static str,
}

impl Member {
    /// Where clients reach it.
    fn client(&self) -> String {
        format!("http://{}:2379", self.address)
    }

    /// Where other members reach it.
    fn peer(&self) -> String {
        format!("http://{}:2380", self.address)
    }

    fn start(&self, place: &Namespace, directory: &Path) -> Result<Process> {
        let (client, peer) = (self.client(), self.peer());
        let peers = MEMBERS.iter().map(|member| format!("{}={}", member.name, member.peer()));
        let peers = peers.collect::<Vec<_>>().join(",");
        let mut command = background(Some(place), "etcd");
        command.args(["--name", self.name]).arg("--data-dir").arg(directory.join(self.name));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &peers, "--logger", "zap", "--log-level", "error"]);
        Process::start(&mut command, &directory.join(format!("{}.log", self.name)))
    }

    /// True if it says that the others follow it.
    fn leads(&self, place: &Namespace) -> bool {
        let url = format!("{}/v3/maintenance/status", self.client());
        let mut command = Command::new("ip");
        command.args(["netns", "exec", place.name(), "curl", "-s", "--noproxy", "*", "-m", "2", "-d", "{}"]);
        let answer = shell::quiet(command.arg(&url)).unwrap_or_default();
        let status: Value = serde_json::from_str(&answer).unwrap_or_default();
        status["leader"].is_string() && status["leader"] == status["header"]["member_id"]
    }
}

/// The running members; dropping it ends them.
pub(super) struct Etcd {
    members: Vec<Process>,
}

impl Etcd {
    /// Starts all members.
    pub(super) fn start(place: &Namespace, directory: &Path) -> Result<Self> {
        let members = MEMBERS.iter().map(|member| member.start(place, directory)).collect::<Result<_>>()?;
        Ok(Self { members })
    }

    /// How managers reach them.
    pub(super) fn endpoints() -> String {
        MEMBERS.iter().map(Member::client).collect::<Vec<_>>().join(",")
    }

    /// Kills the member that the others follow, which costs most; returns its name.
    pub(super) fn kill_leader(&mut self, place: &Namespace) -> Result<&'static str> {
        let mut members = MEMBERS.iter().zip(&mut self.members);
        let (member, process) =
            members.find(|(member, _)| member.leads(place)).context("no member of etcd leads the others")?;
        process.kill()?;
        Ok(member.name)
    }
}
