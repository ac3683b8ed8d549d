//! The loop: reconcile, wait for a reason to do it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::{Instant, sleep_until},
};

use super::{
    advertise, alarms, announce,
    apply::{Outcome, Reconciler},
    dataplane::{DataplaneError, Sizes, bpf::Bpf, expire, home::Home, sweep},
    facts::Facts,
    hits,
    host_mac::host_mac,
    image::Hook,
    introduce, keeper, log,
    scene::Scene,
    standby,
    status::Reports,
    supply::{Bound, Supplied, Supply},
    worker::Worker,
};
use crate::netlink::{NetlinkError, links, packet::Sender};

/// Everything is read again after this time, in case that somebody else changed it.
const RESYNC: Duration = Duration::from_mins(1);
/// Waits after an error: the first, and the longest.
const RETRY: Duration = Duration::from_millis(200);
const RETRY_LONGEST: Duration = Duration::from_secs(10);

/// How an agent is set up.
pub struct Settings {
    /// Directory of all that outlives the agent.
    pub state: PathBuf,
    /// Name of this host.
    pub host: String,
    /// The TC hook; the best one of this kernel unless said.
    pub tc: Option<Hook>,
}

/// Why there is no agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The devices of the host cannot be listed.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The kernel does not take the datapath.
    #[error(transparent)]
    Dataplane(#[from] DataplaneError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A thread has panicked.
    #[error("the agent has stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// A running agent. The datapath goes on without it.
pub struct Agent {
    /// The answers of this host.
    pub reports: Arc<Reports>,
    /// Ports that are to come here and whose device has sent a frame.
    pub active: watch::Receiver<BTreeSet<String>>,
    task: JoinHandle<Result<(), AgentError>>,
    ready: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
}

impl Agent {
    /// Loads the datapath, adopts what is pinned, and begins to follow the configuration and the devices.
    ///
    /// # Errors
    /// When the devices cannot be listed or the datapath cannot be loaded.
    pub async fn start(settings: Settings, supply: Box<dyn Supply>) -> Result<Self, AgentError> {
        let devices = links::watch().await?;
        let home = Arc::new(Home::new(&settings.state));
        let reports = Arc::new(Reports::new(settings.host.clone(), Arc::clone(&home), devices.clone()));
        let news = supply.watch();
        let (scene, set) = watch::channel(None);
        let (told_active, active) = watch::channel(BTreeSet::new());
        let tasks = [
            announce::start(set.clone(), Sender::open()?),
            introduce::start(set.clone(), Sender::open()?),
            standby::start(Arc::clone(&home), set.clone(), told_active),
        ];
        let told = Arc::clone(&reports);
        let begin = move || Work::begin(&settings, home, supply, &set, told);
        let (work, workers) = spawn_blocking(begin).await??;
        let (stop, stopping) = watch::channel(false);
        let (announce, ready) = watch::channel(false);
        let run = Loop {
            news,
            devices,
            reports: Arc::clone(&reports),
            stopping,
            ready: announce,
            scene,
            opened: BTreeMap::new(),
            _workers: workers,
            _tasks: tasks,
        };
        Ok(Self { reports, active, task: tokio::spawn(run.run(work)), ready, stop })
    }

    /// Waits until the configuration has been applied for the first time, as far as it can be.
    ///
    /// # Errors
    /// When the agent has stopped before.
    pub async fn ready(&mut self) -> Result<(), AgentError> {
        if self.ready.wait_for(|ready| *ready).await.is_ok() {
            return Ok(());
        }
        (&mut self.task).await?
    }

    /// Waits until the agent has stopped by itself, which it does only when it cannot go on.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn stopped(&mut self) -> Result<(), AgentError> {
        (&mut self.task).await?
    }

    /// Lets the agent finish what it is doing and ends it.
    ///
    /// # Errors
    /// When it had stopped by itself.
    pub async fn stop(self) -> Result<(), AgentError> {
        self.stop.send_replace(true);
        self.task.await?
    }
}

/// What a reconciliation works on; it blocks, so it is handed to a thread that may.
struct Work {
    core: Reconciler<Bpf>,
    supply: Box<dyn Supply>,
    reports: Arc<Reports>,
    facts: Facts,
    /// What was said last, which is not said again.
    said: Option<(u64, Vec<String>)>,
}

/// What came of it.
enum Done {
    Applied(Supplied, Box<Outcome>),
    Unreadable(String),
}

impl Work {
    fn begin(
        settings: &Settings,
        home: Arc<Home>,
        mut supply: Box<dyn Supply>,
        scene: &watch::Receiver<Option<Arc<Scene>>>,
        reports: Arc<Reports>,
    ) -> Result<(Self, Vec<Worker>), AgentError> {
        // A configuration that cannot be read is reported by the loop.
        let sizes = supply.read(None).map_or(Sizes::DEFAULT, |supplied| Sizes::of(&supplied.desired));
        let bpf = Bpf::open(&settings.state, Arc::clone(&home), settings.tc, sizes)?;
        let work = Self {
            core: Reconciler::new(bpf, host_mac(&settings.host)),
            supply,
            reports: Arc::clone(&reports),
            facts: Facts::default(),
            said: None,
        };
        let workers = vec![
            sweep::start(Arc::clone(&home))?,
            expire::start(Arc::clone(&home))?,
            hits::start(Arc::clone(&home), scene.clone())?,
            log::start(Arc::clone(&home), scene.clone(), reports.journal())?,
            alarms::start(reports)?,
            keeper::start(home, scene.clone(), Sender::open()?)?,
            advertise::start(scene.clone(), Sender::open()?)?,
        ];
        Ok((work, workers))
    }

    fn reconcile(&mut self) -> Done {
        // Taken in any case: what comes too late is not to be kept in memory.
        match self.supply.read(self.reports.take_proven()) {
            Ok(supplied) => {
                let outcome = self.core.reconcile(&supplied.desired, &self.facts);
                self.say(supplied.generation, outcome.operations, &outcome.errors);
                Done::Applied(supplied, Box::new(outcome))
            }
            Err(error) => {
                let error = error.to_string();
                self.say(0, 0, std::slice::from_ref(&error));
                Done::Unreadable(error)
            }
        }
    }

    fn say(&mut self, generation: u64, operations: usize, errors: &[String]) {
        let news = self.said.as_ref().is_none_or(|(last, said)| *last != generation || said != errors);
        if !news && operations == 0 {
            return;
        }
        tracing::info!(generation, operations, "reconciled");
        for error in errors.iter().filter(|_| news) {
            tracing::error!("{error}");
        }
        self.said = Some((generation, errors.to_vec()));
    }
}

/// Waits for reasons to work.
struct Loop {
    news: watch::Receiver<u64>,
    devices: watch::Receiver<links::Devices>,
    reports: Arc<Reports>,
    stopping: watch::Receiver<bool>,
    ready: watch::Sender<bool>,
    /// What was planned last.
    scene: watch::Sender<Option<Arc<Scene>>>,
    /// Ports that were opened after a claim, with its epoch.
    opened: BTreeMap<String, u64>,
    _workers: Vec<Worker>,
    _tasks: [JoinSet<()>; 3],
}

enum Reason {
    Changed,
    Time,
    Stop,
}

impl Loop {
    async fn run(mut self, mut work: Work) -> Result<(), AgentError> {
        let mut resync = Instant::now() + RESYNC;
        let mut pause = RETRY;
        loop {
            let failed;
            (work, failed) = self.reconcile(work).await?;
            self.ready.send_replace(true);
            let wake = if failed { resync.min(Instant::now() + pause) } else { resync };
            match self.reason(wake).await {
                Reason::Stop => return Ok(()),
                Reason::Changed => pause = RETRY,
                Reason::Time => pause = if failed { RETRY_LONGEST.min(pause * 2) } else { RETRY },
            }
            if Instant::now() >= resync {
                work.core.distrust();
                resync = Instant::now() + RESYNC;
            }
        }
    }

    /// Reconciles; true if something is left to be tried again.
    async fn reconcile(&mut self, mut work: Work) -> Result<(Work, bool), AgentError> {
        work.facts = Facts::new(self.devices.borrow_and_update().clone());
        let (work, done) = spawn_blocking(move || {
            let done = work.reconcile();
            (work, done)
        })
        .await?;
        let failed = match done {
            Done::Applied(supplied, outcome) => {
                let failed = !outcome.errors.is_empty();
                self.publish(supplied, *outcome);
                failed
            }
            Done::Unreadable(error) => {
                self.reports.publish_error(error);
                true
            }
        };
        Ok((work, failed))
    }

    /// Tells everybody what is applied.
    fn publish(&mut self, supplied: Supplied, mut outcome: Outcome) {
        let Supplied { generation, desired, bound } = supplied;
        let desired = outcome.desired.take().unwrap_or(desired);
        let (fresh, prepared) = (outcome.open_of(bound.fresh), outcome.prepared_of(bound.prepared));
        self.opened.retain(|port, _| desired.ports.contains_key(port));
        self.opened.extend(fresh.clone());
        let image = std::mem::take(&mut outcome.plan.image);
        let scene = Scene::new(Arc::clone(&desired), image).with_opened(self.opened.clone());
        self.scene.send_replace(Some(Arc::new(scene)));
        self.reports.publish_bound(Bound { claims: bound.claims, fresh, prepared });
        self.reports.publish(&desired, outcome, generation);
    }

    async fn reason(&mut self, wake: Instant) -> Reason {
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stop| *stop) => Reason::Stop,
            Ok(()) = self.news.changed() => Reason::Changed,
            Ok(()) = self.devices.changed() => Reason::Changed,
            () = sleep_until(wake) => Reason::Time,
        }
    }
}
