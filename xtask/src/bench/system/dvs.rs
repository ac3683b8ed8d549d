//! This switch, run as its users run it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::super::{
    lab::{Lab, PORTS},
    process::{Daemon, anywhere},
    topology::Topology,
};
use crate::{shell, workspace};

/// Names of the two networks, and their VLANs.
const NETWORKS: [(&str, &str); 2] = [("blue", "10"), ("green", "20")];

/// The agent with two ports: in one network where they learn, or in one each with a router between.
pub(super) struct Dvs {
    state: PathBuf,
    netns: String,
    agent: Option<Daemon>,
}

impl Dvs {
    /// Starts the agent in the host's namespace and adds the ports.
    pub(super) fn start(lab: &Lab) -> Result<Self> {
        let state = state(lab.directory());
        let mut new = Self { state, netns: lab.host.name().to_owned(), agent: None };
        new.agent = Some(new.start_agent(lab.directory())?);
        match lab.topology {
            Topology::Bridged => new.bridge()?,
            Topology::Routed => new.route(lab)?,
        }
        Ok(new)
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
        shell::quiet(command.arg("10").arg(workspace::dvs()).args(words).env("DVS_SOCKET", self.socket()))
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
