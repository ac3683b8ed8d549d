mod cluster;
mod dry;
mod files;
mod firewall;
mod history;
mod hits;
mod log;
mod many;
mod nouns;
mod refusals;
mod routing;

use std::{
    fs,
    io::{self, Cursor},
    path::PathBuf,
    sync::Arc,
    thread,
};

use axum::Router;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::{
    fake::FakeHost,
    manager::{Socket, State, cluster::Cluster, router, serve_unix},
    store::{MemoryLeases, RedbStore, Store},
};

/// An agent with an empty store, whose host applies every generation at once.
struct Agent {
    directory: TempDir,
    interactive: bool,
    store: Arc<RedbStore>,
    host: Arc<FakeHost>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<thread::JoinHandle<()>>,
}

/// What a command said.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: String,
    output: String,
    errors: String,
}

impl Agent {
    fn new() -> Self {
        Self::start(false)
    }

    /// One host's agent, or a manager of many that has just started.
    fn start(many: bool) -> Self {
        Self::start_behind(many, |router| router)
    }

    /// The same behind something that sees requests first.
    fn start_behind(many: bool, wrap: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        let directory = TempDir::new().unwrap();
        let socket = Socket::bind(&directory.path().join("dvs.sock")).unwrap();
        let (store, host) = (Arc::new(RedbStore::in_memory().unwrap()), FakeHost::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let mut state = State { store: store.clone(), host: host.clone(), cluster: None, follow: None };
        let (following, source) = (host.clone(), store.clone());
        let server = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                following.follow(&source);
                if many {
                    let bindings = Arc::new(RedbStore::in_memory().unwrap());
                    let timeout = std::time::Duration::from_mins(10);
                    state.cluster = Some(Cluster::new(bindings, MemoryLeases::start(), timeout));
                }
                let shutdown = async { drop(stopped.await) };
                serve_unix(socket, wrap(router(state)), shutdown).await.unwrap();
            });
        });
        Self { directory, interactive: false, store, host, stop: Some(stop), server: Some(server) }
    }

    /// With networks blue (VLAN 10) and green (20) and ports p1 (blue, guarded) and p2 (trunk).
    fn with_objects() -> Self {
        let agent = Self::new();
        for line in [
            "network add blue --vlan 10",
            "network add green --vlan 20 --mtu 1500",
            "port add p1 --network blue --device v1 --mac 02:00:00:00:00:01 --ip 10.0.10.1",
            "port add p2 --trunk 10,20 --native 20 --device v2",
            "uplink add eth1 --vlans 10,20",
        ] {
            agent.ok(line);
        }
        agent
    }

    /// Runs a command line with this standard input.
    fn feed(&self, line: &str, input: &str) -> Said {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let code = self.run(line, &mut Cursor::new(input), &mut output, &mut errors);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code, output: text(output), errors: text(errors) }
    }

    fn run(
        &self,
        line: &str,
        input: &mut dyn io::Read,
        output: &mut dyn io::Write,
        errors: &mut dyn io::Write,
    ) -> String {
        let socket = self.directory.path().join("dvs.sock");
        let arguments =
            ["dvs", "--socket", socket.to_str().unwrap()].into_iter().chain(line.split_whitespace());
        let mut streams = Streams { input, output, errors, interactive: self.interactive, colour: false };
        let code = execute(arguments.map(OsString::from), &mut streams);
        // An exit code tells its number only this way.
        format!("{code:?}").chars().filter(char::is_ascii_digit).collect()
    }

    fn say(&self, line: &str) -> Said {
        self.feed(line, "")
    }

    /// What a command prints that must succeed without a word on the standard error.
    #[track_caller]
    fn ok(&self, line: &str) -> String {
        let said = self.say(line);
        assert_eq!((said.code.as_str(), said.errors.as_str()), ("0", ""), "{line}");
        said.output
    }

    /// What a command says that must be refused with exit code 1, change nothing and print nothing else.
    #[track_caller]
    fn refused(&self, line: &str) -> String {
        let before = self.store.get().unwrap();
        let said = self.say(line);
        assert_eq!((said.code.as_str(), said.output.as_str()), ("1", ""), "{line}: {said:?}");
        assert_eq!(self.store.get().unwrap(), before, "{line}");
        said.errors.trim_end().to_owned()
    }

    /// A file with this text.
    fn file(&self, text: &str) -> PathBuf {
        let path = self.directory.path().join("f.yaml");
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // A server that died has said why.
        self.stop.take().and_then(|stop| stop.send(()).ok());
        self.server.take().and_then(|server| server.join().ok());
    }
}

/// A reader that went away.
struct Closed;

impl io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let agent = Agent::with_objects();
    for line in
        ["port list", "network list -o json", "export", "status", "completion bash", "openapi", "--help"]
    {
        let mut errors = Vec::new();
        let code = agent.run(line, &mut io::empty(), &mut Closed, &mut errors);
        assert_eq!((code.as_str(), errors.as_slice()), ("0", &[][..]), "{line}");
    }
}

#[test]
fn an_absent_agent_is_told_with_the_remedy() {
    let agent = Agent::new();
    let error = agent.refused("status --socket /nowhere/dvs.sock");
    assert_eq!(error, "error: no agent at /nowhere/dvs.sock: start one with dvs run, or set DVS_SOCKET");
}

#[test]
fn completions_and_manual_pages_name_all_commands() {
    let agent = Agent::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = agent.ok(&format!("completion {shell}"));
        assert!(script.contains("attach") && script.contains("learn-limit"), "{shell}");
    }
    let directory = agent.directory.path().join("man");
    agent.ok(&format!("man {}", directory.display()));
    for page in ["dvs.1", "dvs-port-add.1", "dvs-apply.1", "dvs-fdb-list.1", "dvs-route-add.1"] {
        let text = fs::read_to_string(directory.join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}
