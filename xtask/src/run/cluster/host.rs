//! Hosts, played by namespaces, each with an agent that follows the managers.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::super::namespace::Namespace;
use super::super::signals::Signals;
use super::pki::Pki;
use super::process::{Process, background};
use crate::{shell, workspace};

/// To the managers.
const MANAGEMENT: &str = "eth0";
/// To the other hosts.
const UPLINK: &str = "eth1";

/// What a host is connected to.
pub(super) struct Surroundings<'a> {
    pub(super) management: &'a Namespace,
    pub(super) underlay: &'a Namespace,
    pub(super) pki: &'a Pki,
    /// URLs of the managers.
    pub(super) managers: &'a str,
}

/// A host. What its agent leaves in the kernel is removed when this is dropped.
pub(super) struct Host {
    agent: Option<Process>,
    namespace: Namespace,
    /// Words for `dvs run` that say who it is.
    options: Vec<String>,
    state: PathBuf,
}

impl Host {
    /// The host of this number, connected, without an agent.
    pub(super) fn new(number: usize, around: &Surroundings<'_>) -> Result<Self> {
        let Surroundings { management, underlay, pki, managers } = around;
        let name = format!("h{number}");
        let namespace = Namespace::new(&name)?;
        management.connect("br0", &namespace, MANAGEMENT)?;
        underlay.connect("br0", &namespace, UPLINK)?;
        namespace.ip(&format!("addr add 10.99.0.{}/24 dev {MANAGEMENT}", 10 + number))?;
        let mut options = pki.issue(&name, &["--role", "host"])?;
        options.extend(["--manager", managers, "--host", &name, "--netns", namespace.name()].map(Into::into));
        let state = pki.directory().with_file_name(&name);
        Ok(Self { agent: None, namespace, options, state })
    }

    fn run(&self) -> Command {
        let mut command = background(None, workspace::dvs());
        command
            .args(["run", "--state-dir"])
            .arg(&self.state)
            .arg("--socket")
            .arg(self.state.join("dvs.sock"));
        command.args(&self.options);
        command
    }

    /// Starts its agent.
    pub(super) fn start(&mut self) -> Result<()> {
        self.agent = Some(Process::start(&mut self.run(), &self.state.with_extension("log"))?);
        Ok(())
    }

    /// Waits until its agent has taken up its work.
    pub(super) fn is_ready(&mut self, signals: &mut Signals) -> Result<()> {
        self.agent.as_mut().map_or(Ok(()), |agent| agent.has_said("dvs is ready", signals))
    }

    /// Kills its agent, and cuts it off from everybody.
    pub(super) fn die(&mut self) -> Result<()> {
        if let Some(mut agent) = self.agent.take() {
            agent.kill()?;
        }
        self.switch("down")
    }

    /// Connects it, and starts its agent with what is on its disk.
    pub(super) fn come_back(&mut self) -> Result<()> {
        self.switch("up")?;
        self.start()
    }

    fn switch(&self, state: &str) -> Result<()> {
        [MANAGEMENT, UPLINK]
            .iter()
            .try_for_each(|device| self.namespace.ip(&format!("link set {device} {state}")))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.agent = None;
        shell::succeeds(self.run().arg("--teardown"));
        // Nothing is mounted there if the agent did not get that far.
        nix::mount::umount(&self.state.join("bpf")).ok();
    }
}
