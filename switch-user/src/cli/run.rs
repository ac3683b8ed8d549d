//! `dvs run`: the agent with the API of this host, in one process.

use std::{
    fs::{self, File, TryLockError},
    io::{IsTerminal as _, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sched::{CloneFlags, setns};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use super::connection::{self, Followed};
use crate::{
    agent::{
        dataplane::{bpf::teardown, home::Home},
        image::Hook,
        run::{Agent, Settings},
        supply::{StoreSupply, Supply},
    },
    manager::{self, Socket, serve_unix},
    member::{Member, Senses},
    report::HostReports as _,
    store::{RedbStore, Store},
};

/// Where `ip netns` keeps the namespaces that have names.
const NAMESPACES: &str = "/run/netns";
/// Where an agent keeps its configuration unless told otherwise.
pub(super) const STATE_DIR: &str = "/var/lib/dvs";
/// How long a former agent may take to let go of the state directory.
const LET_GO: Duration = Duration::from_secs(2);
/// The agent waits more than it computes.
const THREADS: usize = 2;

/// Options of `dvs run`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Directory of the configuration and of everything that outlives the agent.
    #[arg(long, value_name = "DIR", env = "DVS_STATE_DIR", default_value = STATE_DIR)]
    pub state_dir: PathBuf,
    /// Network namespace whose devices are switched, by name or file; not for use inside ip netns exec.
    #[arg(long, value_name = "NAME")]
    pub netns: Option<PathBuf>,
    /// Managers to follow, instead of a configuration of this host's own: the first one that answers.
    #[arg(long, value_name = "URL,...", env = "DVS_MANAGER", value_delimiter = ',')]
    pub(super) manager: Vec<Followed>,
    /// Name of this host [default: the system's host name].
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Kernel hook of the ports; by default tcx where the kernel has it (Linux 6.6).
    #[arg(long, value_enum, hide_short_help = true)]
    pub hook: Option<TcHook>,
    /// Remove the datapath and everything that belongs to it from the kernel, and end.
    #[arg(long)]
    pub teardown: bool,
}

/// The hooks at TC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TcHook {
    /// Links of tcx.
    Tcx,
    /// Filters of the clsact qdisc.
    Clsact,
}

impl From<TcHook> for Hook {
    fn from(hook: TcHook) -> Self {
        match hook {
            TcHook::Tcx => Self::Tcx,
            TcHook::Clsact => Self::Clsact,
        }
    }
}

/// Runs the agent until it is told to stop by a signal. The datapath goes on without it.
///
/// # Errors
/// When the agent cannot be started, or cannot go on.
pub(super) fn run(options: &Options, connection: &connection::Options) -> anyhow::Result<()> {
    start_log();
    if let Some(netns) = &options.netns {
        enter(netns)?;
    }
    let _lock = lock(&options.state_dir)?;
    if options.teardown {
        return tear_down(&options.state_dir);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    runtime.block_on(serve(options, connection))
}

async fn serve(options: &Options, connection: &connection::Options) -> anyhow::Result<()> {
    let path = connection.socket.as_path();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let settings = settings(options)?;
    let source = Source::of(options, connection, &settings.host)?;
    // Bound first: a socket that cannot be had must not leave a datapath behind.
    let socket = Socket::bind(path)?;
    let mut agent = Agent::start(settings, source.supply()).await?;
    let (state, _tasks) = source.state(&agent)?;
    agent.ready().await?;
    let router = manager::router(state);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let until = async {
        // Told or dropped: either way it is time.
        stopped.await.ok();
    };
    let server = tokio::spawn(serve_unix(socket, router, until));
    announce(path)?;
    let by_itself = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        ended = agent.stopped() => Some(ended),
    };
    drop(stop);
    server.await??;
    match by_itself {
        Some(ended) => ended?,
        None => agent.stop().await?,
    }
    tracing::info!("stopped; the datapath goes on");
    Ok(())
}

/// Where the configuration of this host is.
enum Source {
    /// Here.
    Own(Arc<dyn Store>),
    /// At managers.
    Managers(Member),
}

impl Source {
    fn of(options: &Options, connection: &connection::Options, host: &str) -> anyhow::Result<Self> {
        let path = options.state_dir.join("store.redb");
        if options.manager.is_empty() {
            return Ok(Self::Own(Arc::new(RedbStore::open(&path)?)));
        }
        refuse_own_objects(&path)?;
        let managers = connection.followed(&options.manager)?;
        let member = Member::open(&options.state_dir, host.to_owned(), managers);
        Ok(Self::Managers(
            member
                .with_context(|| format!("cannot use the state directory {}", options.state_dir.display()))?,
        ))
    }

    fn supply(&self) -> Box<dyn Supply> {
        match self {
            Self::Own(store) => Box::new(StoreSupply::new(Arc::clone(store))),
            Self::Managers(member) => member.supply(),
        }
    }

    /// What the API of this host works with, and what runs beside it.
    fn state(self, agent: &Agent) -> anyhow::Result<(manager::State, JoinSet<()>)> {
        let host = Arc::clone(&agent.reports);
        Ok(match self {
            Self::Own(store) => (manager::State { store, host, cluster: None, follow: None }, JoinSet::new()),
            Self::Managers(member) => {
                let store = member.store();
                let senses = Senses {
                    applied: host.applied()?,
                    bound: host.bound(),
                    devices: host.links(),
                    active: agent.active.clone(),
                };
                let (follow, tasks) = member.start(senses);
                (manager::State { store, host, cluster: None, follow: Some(follow) }, tasks)
            }
        })
    }
}

/// A host has its configuration from one place; what it had before is not to be lost unnoticed.
fn refuse_own_objects(store: &Path) -> anyhow::Result<()> {
    if !store.exists() {
        return Ok(());
    }
    let objects = RedbStore::open(store)?.get()?.documents.len();
    if objects > 0 {
        bail!(
            "{} has {objects} objects of this host's own, and --manager means those of managers: run without \
             --manager, dvs export > FILE, stop it, move the file away, and dvs --server URL apply -f FILE; or choose \
             another --state-dir",
            store.display()
        );
    }
    Ok(())
}

/// Tells whoever started the agent that it is ready.
fn announce(path: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "dvs is ready: socket {}", path.display())?;
    out.flush()
}

fn settings(options: &Options) -> anyhow::Result<Settings> {
    let host = match &options.host {
        Some(host) => host.clone(),
        None => fs::read_to_string("/proc/sys/kernel/hostname").context("cannot read the host's name")?,
    };
    let tc = options.hook.map(Hook::from);
    Ok(Settings { state: options.state_dir.clone(), host: host.trim().to_owned(), tc })
}

/// Logs to the standard error, as much as `DVS_LOG` says.
pub(super) fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DVS_LOG").unwrap_or_else(|_| "info".into());
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    // Somebody else's log, such as a test's, is good too.
    log.try_init().ok();
}

/// Enters a network namespace. Mounts stay as they are: `ip netns exec` has mounts of its own, and
/// what the agent mounted and pinned there would be gone with it.
fn enter(netns: &Path) -> anyhow::Result<()> {
    // A name has no directory; a file has one that replaces the usual one.
    let path = Path::new(NAMESPACES).join(netns);
    let file = File::open(&path);
    let file = file.with_context(|| format!("cannot open the network namespace {}", path.display()))?;
    setns(file.as_fd(), CloneFlags::CLONE_NEWNET)
        .with_context(|| format!("cannot enter the network namespace {}; run as root", path.display()))
}

/// Makes sure that this is the only process of the state directory, for as long as the file is open.
pub(super) fn lock(state: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(state).with_context(|| format!("cannot create {}", state.display()))?;
    let path = state.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    // An agent that was killed a moment ago may not have let go of it yet.
    let deadline = Instant::now() + LET_GO;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(LET_GO / 40),
            locked => break locked_or_why(locked, file, state, &path),
        }
    }
}

fn locked_or_why(
    locked: Result<(), TryLockError>,
    file: File,
    state: &Path,
    path: &Path,
) -> anyhow::Result<File> {
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another dvs runs with {}; stop it, or choose another --state-dir", state.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn tear_down(state: &Path) -> anyhow::Result<()> {
    if teardown(state, &Home::new(state))? {
        tracing::info!("the datapath is removed; the configuration is still in {}", state.display());
    } else {
        tracing::info!("there is no datapath of {}", state.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Key;

    #[test]
    fn a_second_agent_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let first = lock(state.path()).unwrap();
        let error = lock(state.path()).unwrap_err().to_string();
        assert!(error.contains("choose another --state-dir"), "{error}");
        drop(first);
        lock(state.path()).unwrap();
    }

    #[test]
    fn a_host_with_objects_of_its_own_follows_nobody() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("store.redb");
        refuse_own_objects(&path).unwrap();
        let store = RedbStore::open(&path).unwrap();
        drop(store);
        refuse_own_objects(&path).unwrap();
        let key = Key { kind: "Network".into(), name: "blue".into() };
        let document =
            serde_json::json!({"apiVersion": "dvs/v1", "kind": "Network", "name": "blue", "vlan": 10});
        RedbStore::open(&path).unwrap().put(0, &[(key, Some(document))].into(), "-").unwrap();
        let error = refuse_own_objects(&path).unwrap_err().to_string();
        assert!(error.contains("has 1 objects of this host's own"), "{error}");
        assert!(error.contains("dvs --server URL apply -f FILE; or choose another --state-dir"), "{error}");
    }

    #[test]
    fn a_namespace_that_is_not_there_is_named() {
        let error = enter(Path::new("no-such-namespace")).unwrap_err().to_string();
        assert!(error.contains("/run/netns/no-such-namespace"), "{error}");
    }
}
