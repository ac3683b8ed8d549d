//! A host: a namespace with the agent under test in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use switch_user::api::ChangeSet;
use switch_user::client::{Answer, ApplyOptions, Client, FdbFilter};
use switch_user::model::Document;
use switch_user::report::{Counters, FdbEntry, HostStatus, PortStatus};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::clock::Clock;
use super::namespace::{Namespace, unique};
use super::process::{Process, finish, run};
use super::wait::{LIMIT, until};

/// A host with its switch. When dropped, the agent is killed and the datapath removed.
pub struct Host {
    /// Where the devices of the switch are.
    pub namespace: Namespace,
    /// Talks to the agent.
    pub client: Client,
    agent: Option<Process>,
    /// Name of the host, and more words for `dvs run`.
    name: String,
    options: Vec<String>,
    clock: Option<Clock>,
    state: TempDir,
    runtime: Runtime,
}

/// The binary under test: `DVS_BIN`, or the release build beside the tests.
pub fn dvs() -> PathBuf {
    std::env::var_os("DVS_BIN").map_or_else(
        || std::env::current_exe().unwrap().parent().unwrap().join("../../release/dvs"),
        PathBuf::from,
    )
}

impl Host {
    /// A host whose agent is ready.
    pub fn start() -> Self {
        let mut host = Self::without_agent();
        host.start_agent();
        host
    }

    /// A host whose agent is still to be started.
    pub fn without_agent() -> Self {
        Self::with_options("test-host", Vec::new())
    }

    /// The same with this name, and more words for `dvs run`.
    pub fn with_options(name: &str, options: Vec<String>) -> Self {
        let binary = dvs();
        assert!(binary.is_file(), "there is no {}; run cargo xtask test, or set DVS_BIN", binary.display());
        let namespace = Namespace::new("host");
        // Its own stack says nothing on the devices of the switch.
        namespace.sysctl("ipv6/conf/default/disable_ipv6", "1");
        let state = tempfile::Builder::new().prefix(&unique()).tempdir().unwrap();
        let client = Client::new(state.path().join("s"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { namespace, client, agent: None, name: name.into(), options, clock: None, state, runtime }
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// The socket of its agent.
    pub fn socket(&self) -> PathBuf {
        self.state().join("s")
    }

    /// `dvs run` for this host.
    pub fn run_command(&self) -> Command {
        let mut command = Command::new(dvs());
        command.args(["run", "--netns", self.namespace.name(), "--host", &self.name, "--state-dir"]);
        command.arg(self.state()).arg("--socket").arg(self.socket()).args(&self.options);
        // The log is searched for words.
        command.env("NO_COLOR", "1");
        if let Some(clock) = &self.clock {
            clock.govern(&mut command);
        }
        command
    }

    /// Lets agents that are started from then on follow other managers.
    pub fn follow(&mut self, managers: &str) {
        let place = self.options.iter().position(|word| word == "--manager").expect("it follows nobody");
        self.options[place + 1] = managers.into();
    }

    /// Lets agents that are started from then on have another clock than the machine.
    pub fn set_clock(&mut self, clock: &Clock) {
        self.clock = Some(clock.clone());
    }

    /// A command of the CLI, with the words of a line.
    pub fn cli(&self, line: &str) -> Command {
        let mut command = Command::new(dvs());
        command.args(line.split_whitespace()).env("DVS_SOCKET", self.socket());
        command
    }

    /// Starts the agent and waits until it is ready.
    #[track_caller]
    pub fn start_agent(&mut self) {
        self.launch_agent();
        self.await_agent();
    }

    /// Waits until the agent is ready.
    #[track_caller]
    pub fn await_agent(&mut self) {
        until("the agent is ready", || {
            let agent = self.agent.as_mut().unwrap();
            assert!(agent.is_running(), "the agent has ended: {}", agent.errors());
            self.is_ready().then_some(())
        });
    }

    /// Starts the agent and does not wait. One that runs is killed first, because it has the state directory.
    pub fn launch_agent(&mut self) {
        self.kill_agent();
        self.agent = Some(Process::start(&mut self.run_command()));
    }

    /// True if an agent runs, or was not ended by the test.
    pub fn has_agent(&self) -> bool {
        self.agent.is_some()
    }

    /// True if the agent has said that it is ready.
    pub fn is_ready(&self) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.output().contains("dvs is ready: socket "))
    }

    /// What the agent has logged.
    pub fn log(&self) -> String {
        self.agent.as_ref().map(Process::errors).unwrap_or_default()
    }

    /// Kills the agent with -9.
    pub fn kill_agent(&mut self) {
        self.agent = None;
    }

    /// Ends the agent in the regular way and waits for its end.
    #[track_caller]
    pub fn stop_agent(&mut self) {
        let agent = self.agent.take().expect("no agent runs");
        agent.signal(Signal::SIGTERM);
        agent.succeed(LIMIT);
    }

    /// Removes the datapath, as `dvs run --teardown` does it.
    #[track_caller]
    pub fn teardown(&self) {
        run(self.run_command().arg("--teardown"));
    }

    /// Asks the agent.
    pub fn ask<T>(&self, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
        let limited = async { tokio::time::timeout(LIMIT, answer).await };
        self.runtime.block_on(limited).expect("the agent does not answer")
    }

    /// Creates or changes the objects of a YAML list, in which `apiVersion` goes without saying, and waits until
    /// the kernel has them.
    #[track_caller]
    pub fn apply(&self, objects: &str) -> ChangeSet {
        self.apply_documents(&documents(&values(objects)))
    }

    /// The same with documents.
    #[track_caller]
    pub(super) fn apply_documents(&self, documents: &[Document]) -> ChangeSet {
        let set = self.ask(self.client.apply(documents.to_vec(), ApplyOptions::default())).unwrap();
        self.settle(set.generation);
        set
    }

    /// Waits until a generation is applied, without errors.
    #[track_caller]
    pub fn settle(&self, generation: u64) {
        let applied = self.ask(self.client.wait(generation, LIMIT.as_secs() - 1)).unwrap();
        assert!(applied.errors.is_empty(), "{applied:?}\n{}", self.log());
    }

    /// State of the switch.
    #[track_caller]
    pub fn status(&self) -> HostStatus {
        self.ask(self.client.status()).unwrap().host
    }

    /// State of a port or uplink.
    #[track_caller]
    pub fn port(&self, name: &str) -> PortStatus {
        let ports = self.status().ports;
        ports
            .into_iter()
            .find(|port| port.name == name)
            .unwrap_or_else(|| panic!("{name} is not in the status"))
    }

    /// Waits until the state of a port or uplink is as wanted; returns how long it took.
    #[track_caller]
    pub fn port_becomes(&self, name: &str, wanted: impl Fn(&PortStatus) -> bool) -> Duration {
        let start = std::time::Instant::now();
        let mut last = None;
        let found = super::wait::within(LIMIT, || {
            let port = self.port(name);
            let found = wanted(&port);
            last = Some(port);
            found.then_some(())
        });
        assert!(found.is_some(), "{last:?}\n{}", self.log());
        start.elapsed()
    }

    /// Counters of a port or uplink.
    #[track_caller]
    pub fn counters(&self, port: &str) -> Counters {
        let stats = self.ask(self.client.stats(&Some(port.to_owned()))).unwrap();
        stats[0].total
    }

    /// How many frames of a port were dropped for this reason.
    #[track_caller]
    pub fn drops(&self, port: &str, reason: &str) -> u64 {
        let drops = self.ask(self.client.drops(&Some(port.to_owned()))).unwrap();
        drops.iter().filter(|row| row.reason == reason).map(|row| row.packets).sum()
    }

    /// Stations that the switch knows.
    #[track_caller]
    pub fn fdb(&self) -> Vec<FdbEntry> {
        self.ask(self.client.fdb(&FdbFilter::default())).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if failed {
            eprintln!("log of the agent:\n{}", self.log());
        }
        self.kill_agent();
        let teardown = finish(self.run_command().arg("--teardown"));
        assert!(failed || teardown.code == Some(0), "the datapath is left behind: {teardown:?}");
    }
}

/// The objects of a YAML list, with their `apiVersion`.
pub(super) fn values(objects: &str) -> Vec<serde_json::Value> {
    let mut values: Vec<serde_json::Value> = serde_yaml_ng::from_str(objects).unwrap();
    for value in &mut values {
        value["apiVersion"] = "dvs/v1".into();
    }
    values
}

/// The documents of these objects.
pub(super) fn documents(values: &[serde_json::Value]) -> Vec<Document> {
    values.iter().map(|value| serde_json::from_value(value.clone()).unwrap()).collect()
}
