//! The managers of a cluster: over a file, or several over etcd.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use nix::sys::signal::Signal;
use switch_user::client::{Answer, Client};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::etcd;
use crate::netns::clock::Clock;
use crate::netns::host::dvs;
use crate::netns::namespace::{Namespace, unique};
use crate::netns::process::{Process, run};
use crate::netns::wait::{LIMIT, until};

/// The first manager is at .101, the next one at .102; the authority has its certificates for these.
const NETWORK: &str = "192.168.77.";
/// Seconds after which a host is dead.
const TIMEOUT: &str = "1";

/// Managers in a namespace, with an authority of their own.
pub struct Managers {
    /// Where they are, behind a bridge to the hosts.
    pub namespace: Arc<Namespace>,
    /// What they share, if it is no file.
    pub etcd: Option<etcd::Cluster>,
    /// By number; `None` for one that does not run.
    running: Vec<Option<Process>>,
    clock: Option<Clock>,
    runtime: Runtime,
    directory: TempDir,
}

impl Managers {
    /// One over a file, which is still to be started.
    pub(super) fn over_a_file() -> Self {
        Self::new(1, |_| None)
    }

    /// Two over three members of etcd, which are still to be started.
    pub(super) fn over_etcd() -> Self {
        Self::new(2, |namespace| Some(etcd::Cluster::start_in(3, namespace)))
    }

    fn new(number: usize, etcd: impl FnOnce(&Arc<Namespace>) -> Option<etcd::Cluster>) -> Self {
        let namespace = Arc::new(super::bridge("management"));
        let etcd = etcd(&namespace);
        let directory = tempfile::Builder::new().prefix(&unique()).tempdir().unwrap();
        let running = (0..number).map(|_| None).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let managers = Self { namespace, etcd, running, clock: None, runtime, directory };
        managers.cert("init");
        managers.cert("issue alice --role admin");
        for number in 1..=managers.running.len() {
            let address = address(number);
            managers.namespace.ip(&format!("addr add {address}/24 dev br0"));
            managers.cert(&format!("issue m{number} --role manager --address {address}"));
        }
        managers
    }

    /// Lets those that are started from then on have another clock than the machine.
    pub fn set_clock(&mut self, clock: &Clock) {
        self.clock = Some(clock.clone());
    }

    /// Runs `dvs cert` in the directory of the authority.
    pub fn cert(&self, line: &str) {
        run(Command::new(dvs()).arg("cert").args(line.split(' ')).arg("--dir").arg(self.directory.path()));
    }

    /// Makes a host's certificate, unless there is one.
    pub(super) fn certify_host(&self, name: &str) {
        if !self.file(&format!("{name}.pem")).exists() {
            self.cert(&format!("issue {name} --role host"));
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Directory of the state of managers over a file.
    pub fn state(&self) -> PathBuf {
        self.file("state")
    }

    /// Their places, as `--manager` takes them.
    pub fn urls(&self) -> String {
        let urls = (1..=self.running.len()).map(|number| format!("https://{}", address(number)));
        urls.collect::<Vec<_>>().join(",")
    }

    /// Options that prove who somebody is.
    pub(super) fn tls(&self, name: &str) -> Vec<String> {
        let option = |(option, file): (&str, PathBuf)| [format!("--tls-{option}"), text(&file)];
        self.proof(name).into_iter().flat_map(option).collect()
    }

    fn proof(&self, name: &str) -> [(&'static str, PathBuf); 3] {
        [
            ("ca", self.file("ca.pem")),
            ("cert", self.file(&format!("{name}.pem"))),
            ("key", self.file(&format!("{name}.key"))),
        ]
    }

    /// A command of the CLI by an admin, who knows all managers.
    pub fn cli(&self, line: &str) -> Command {
        let mut command = self.namespace.command(&text(&dvs()));
        command.args(line.split_whitespace()).env("DVS_SERVER", self.urls());
        for (word, file) in self.proof("alice") {
            command.env(format!("DVS_TLS_{}", word.to_uppercase()), file);
        }
        command
    }

    /// Starts a manager, with what the one before has left, and does not wait.
    pub fn launch(&mut self, number: usize) {
        let mut command = self.namespace.command(&text(&dvs()));
        command.args(["manager", "--listen", &address(number), "--host-timeout", TIMEOUT]);
        match &self.etcd {
            Some(etcd) => command.args(["--etcd", &etcd.options().endpoints.join(",")]),
            None => command.arg("--state-dir").arg(self.state()),
        };
        command.arg("--socket").arg(self.socket(number));
        command.args(self.tls(&format!("m{number}"))).env("NO_COLOR", "1");
        if let Some(clock) = &self.clock {
            clock.govern(&mut command);
        }
        self.running[number - 1] = Some(Process::start(&mut command));
    }

    /// Starts a manager and waits until it serves.
    #[track_caller]
    pub fn start(&mut self, number: usize) {
        self.launch(number);
        until("the manager is ready", || {
            let manager = self.running[number - 1].as_mut().unwrap();
            assert!(manager.is_running(), "the manager has ended: {}", manager.errors());
            manager.output().contains("dvs manager is ready").then_some(())
        });
    }

    /// Starts all of them.
    #[track_caller]
    pub fn start_all(&mut self) {
        (1..=self.running.len()).for_each(|number| self.start(number));
    }

    /// Kills a manager with -9.
    pub fn kill(&mut self, number: usize) {
        self.running[number - 1] = None;
    }

    /// Ends a manager in the regular way.
    #[track_caller]
    pub fn stop(&mut self, number: usize) {
        let manager = self.running[number - 1].take().expect("it does not run");
        manager.signal(Signal::SIGTERM);
        manager.succeed(LIMIT);
    }

    /// What a manager has logged.
    pub fn log(&self, number: usize) -> String {
        self.running[number - 1].as_ref().map(Process::errors).unwrap_or_default()
    }

    /// True if a manager has said that it is ready.
    pub fn is_ready(&self, number: usize) -> bool {
        self.running[number - 1].as_ref().is_some_and(|manager| manager.output().contains("is ready"))
    }

    /// The socket of a manager, for whoever is on its machine.
    pub fn socket(&self, number: usize) -> PathBuf {
        self.file(&format!("m{number}.sock"))
    }

    /// Asks the first one that runs.
    pub fn ask<T>(&self, question: impl AsyncFnOnce(&Client) -> Answer<T>) -> Answer<T> {
        let number = self.running.iter().position(Option::is_some).expect("no manager runs") + 1;
        self.ask_one(number, question)
    }

    /// Asks one.
    pub fn ask_one<T>(&self, number: usize, question: impl AsyncFnOnce(&Client) -> Answer<T>) -> Answer<T> {
        let client = Client::new(self.socket(number));
        let limited = async { tokio::time::timeout(LIMIT, question(&client)).await };
        self.runtime.block_on(limited).expect("the manager does not answer")
    }
}

/// The address of a manager.
fn address(number: usize) -> String {
    format!("{NETWORK}{}", 100 + number)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

impl Drop for Managers {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for (number, manager) in (1..).zip(&self.running) {
                let log = manager.as_ref().map(Process::errors);
                eprintln!("log of manager {number}:\n{}", log.as_deref().unwrap_or("it does not run"));
            }
        }
    }
}
