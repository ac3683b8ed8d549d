//! This switch, run as its users run it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use super::{
    super::{
        lab::{Lab, PORTS},
        process::{Daemon, anywhere},
        topology::Topology,
    },
    rules,
};
use crate::{shell, workspace};

/// Names of the two networks, and their VLANs.
const NETWORKS: [(&str, &str); 2] = [("blue", "10"), ("green", "20")];

/// Ports that share a policy.
const MANY_PORTS: u32 = 200;

/// Rows of compiled rules that one port takes, and many with the same policy.
#[derive(Serialize)]
pub(crate) struct Sharing {
    /// How many they are.
    pub(crate) ports: u32,
    /// Rows for one port.
    pub(crate) rows_of_one: u64,
    /// Rows for all of them.
    pub(crate) rows_of_all: u64,
}

/// The agent with two ports: in one network where they learn, or in one each with a router between.
pub(super) struct Dvs {
    state: PathBuf,
    netns: String,
    agent: Option<Daemon>,
}

impl Dvs {
    /// Starts the agent in the host's namespace and adds the ports, and rules for the server's.
    pub(super) fn start(lab: &Lab, rules: Option<u32>) -> Result<Self> {
        let state = state(lab.directory());
        let mut new = Self { state, netns: lab.host.name().to_owned(), agent: None };
        new.agent = Some(new.start_agent(lab.directory())?);
        match lab.topology {
            Topology::Bridged => new.bridge()?,
            Topology::Routed | Topology::Filtered => new.route(lab)?,
        }
        if let Some(count) = rules {
            let file = rules::write(lab, count, "dvs")?;
            new.dvs(&["apply", "--file", &file, "--yes", "--wait"])?;
            new.dvs(&["port", "set", PORTS[1], "--label", "role=server", "--wait"])?;
        }
        Ok(new)
    }

    /// Lets a rule be about other ports; how long that takes until the kernel has it.
    pub(super) fn change(&self, number: u32, port: &str) -> Result<Duration> {
        let rule = format!("r{number}");
        let start = Instant::now();
        self.dvs(&["rule", "set", rules::POLICY, &rule, "--port", port, "--wait"])?;
        Ok(start.elapsed())
    }

    /// Adds ports with the policy of the server's.
    pub(super) fn share(&self, lab: &Lab) -> Result<Sharing> {
        let rows_of_one = self.rows()?;
        let mut objects = String::new();
        for number in 1..MANY_PORTS {
            lab.host.ip(&format!("link add s{number} type veth peer name t{number}"))?;
            let fields =
                format!("name: s{number}, network: blue, device: s{number}, label: {{role: server}}");
            writeln!(objects, "- {{apiVersion: dvs/v1, kind: Port, {fields}}}")?;
        }
        let file = lab.directory().join("ports.yaml");
        std::fs::write(&file, objects)?;
        self.dvs(&["apply", "--file", &text(&file)?, "--yes", "--wait"])?;
        Ok(Sharing { ports: MANY_PORTS, rows_of_one, rows_of_all: self.rows()? })
    }

    /// Rows of compiled rules in the kernel.
    fn rows(&self) -> Result<u64> {
        let status: Value = serde_json::from_str(&self.dvs(&["status", "--output", "json"])?)?;
        let tables = status["tables"].as_array().into_iter().flatten();
        let table = tables.into_iter().find(|table| table["name"] == "rules");
        table.and_then(|table| table["entries"].as_u64()).context("dvs status tells no rows of rules")
    }

    fn bridge(&self) -> Result<()> {
        let [(network, vlan), _] = NETWORKS;
        self.dvs(&["network", "add", network, "--vlan", vlan, "--wait"])?;
        for port in PORTS {
            self.dvs(&["port", "add", port, "--network", network, "--device", port, "--wait"])?;
        }
        Ok(())
    }

    /// Stations are known from the configuration, as where machines are planned.
    fn route(&self, lab: &Lab) -> Result<()> {
        self.dvs(&["router", "add", "bench", "--wait"])?;
        for ((network, vlan), (port, station)) in NETWORKS.into_iter().zip(lab.ports()) {
            let (mac, addresses) = (station.mac(), station.addresses());
            let (prefixes, gateways) = (station.subnet.prefixes(), station.subnet.gateways());
            let words = ["network", "add", network, "--vlan", vlan, "--router", "bench", "--wait"];
            self.dvs(&with(&words, &[("--subnet", &prefixes), ("--gateway", &gateways)]))?;
            let words =
                ["port", "add", port, "--network", network, "--device", port, "--mac", &mac, "--wait"];
            self.dvs(&with(&words, &[("--ip", &addresses)]))?;
        }
        Ok(())
    }

    fn start_agent(&self, directory: &Path) -> Result<Daemon> {
        let dvs = text(&workspace::dvs())?;
        let (state, socket) = (text(&self.state)?, text(&self.socket())?);
        let words = [&dvs, "run", "--state-dir", &state, "--socket", &socket, "--netns", &self.netns];
        Daemon::start_and_wait(&mut anywhere(&words), &directory.join("dvs.log"))
    }

    fn dvs(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("timeout");
        shell::quiet(command.arg("60").arg(workspace::dvs()).args(words).env("DVS_SOCKET", self.socket()))
    }

    fn socket(&self) -> PathBuf {
        self.state.join("dvs.sock")
    }

    /// Removes what a stopped agent leaves running.
    fn tear_down(&self) -> Result<String> {
        let mut command = Command::new("timeout");
        command.arg("10").arg(workspace::dvs()).args(["run", "--teardown", "--netns", &self.netns]);
        shell::quiet(command.arg("--state-dir").arg(&self.state).arg("--socket").arg(self.socket()))
    }
}

impl Drop for Dvs {
    fn drop(&mut self) {
        drop(self.agent.take());
        if let Err(error) = self.tear_down() {
            eprintln!("warning: the switch in {} may be left behind: {error:#}", self.netns);
        }
    }
}

/// Unmounts the file system in which an agent that was killed keeps its switch alive.
pub(super) fn sweep(directory: &Path) -> Result<()> {
    let pins = state(directory).join("bpf");
    if !shell::succeeds(Command::new("mountpoint").arg("--quiet").arg(&pins)) {
        return Ok(());
    }
    shell::quiet(Command::new("umount").arg(&pins)).map(drop)
}

/// The words, then each flag once for IPv4 and once for IPv6.
fn with<'a>(words: &[&'a str], flags: &[(&'a str, &'a [String; 2])]) -> Vec<&'a str> {
    let pairs = flags.iter().flat_map(|(flag, values)| values.iter().flat_map(|value| [*flag, value]));
    words.iter().copied().chain(pairs).collect()
}

fn state(directory: &Path) -> PathBuf {
    directory.join("state")
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("the target directory is no UTF-8")?.to_owned())
}
