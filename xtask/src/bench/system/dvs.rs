//! This switch, run as its users run it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::super::{
    lab::{Lab, PORTS},
    process::{Daemon, anywhere},
};
use crate::{shell, workspace};

/// The agent with two ports that learn, in one network.
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
        new.dvs(&["network", "add", "bench", "--vlan", "10", "--wait"])?;
        for port in PORTS {
            new.dvs(&["port", "add", port, "--network", "bench", "--device", port, "--wait"])?;
        }
        Ok(new)
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

fn state(directory: &Path) -> PathBuf {
    directory.join("state")
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("the target directory is no UTF-8")?.to_owned())
}
