//! Managers that are killed a thousand times while people write. What was acknowledged is there, each time.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use dvs_tests::etcd;
use dvs_tests::netns::{Process, dvs};
use serde_json::json;
use switch_user::client::Client;
use switch_user::model::Kind;
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, yield_now};

/// Kills of the managers of one store, and stores of each kind, which are written to at the same time.
const KILLS: u32 = 250;
const STORES: usize = 2;
/// Who write to a manager at the same time.
const WRITERS: u32 = 2;
/// A manager is killed at one of so many acknowledgements, and so many turns of the writers later.
const LATEST: u32 = 5;
const TURNS: u32 = 97;

/// Names of what was written and acknowledged, and of what may have been written.
#[derive(Default)]
struct Written {
    acknowledged: BTreeSet<String>,
    unheard: usize,
}

/// One store, and managers that are killed one after the other.
struct Row {
    command: Box<dyn Fn() -> Command + Send>,
    client: Client,
    written: Written,
    starts: Duration,
}

impl Row {
    /// Managers at a socket in a directory, with more words.
    fn new(directory: &Path, number: usize, words: Vec<String>) -> Self {
        let socket = directory.join(format!("m{number}.sock"));
        let client = Client::new(&socket);
        let command = Box::new(move || {
            let mut command = Command::new(dvs());
            command.arg("manager").arg("--socket").arg(&socket).args(&words);
            command
        });
        Self { command, client, written: Written::default(), starts: Duration::ZERO }
    }

    fn run(mut self) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        (0..KILLS).for_each(|round| self.round(&runtime, round));
        let mut last = self.start();
        runtime.block_on(self.check(&mut last));
        self
    }

    fn start(&self) -> Process {
        Process::start(&mut (self.command)())
    }

    /// A manager starts, has all that was acknowledged, takes writes, and is killed meanwhile.
    fn round(&mut self, runtime: &Runtime, round: u32) {
        let begin = Instant::now();
        let mut manager = self.start();
        runtime.block_on(async {
            self.check(&mut manager).await;
            self.starts += begin.elapsed();
            let (news, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
            let mut writers = JoinSet::new();
            for writer in 0..WRITERS {
                writers.spawn(write(self.client.clone(), format!("r{round}-w{writer}"), news.clone()));
            }
            for _ in 0..=round % LATEST {
                self.written.acknowledged.insert(acknowledged.recv().await.unwrap());
            }
            for _ in 0..round * 31 % TURNS {
                yield_now().await;
            }
            manager.kill();
            writers.join_all().await;
            drop(news);
            while let Some(name) = acknowledged.recv().await {
                self.written.acknowledged.insert(name);
            }
        });
    }

    /// All that was acknowledged is there, and at most one more of each writer that was interrupted.
    async fn check(&mut self, manager: &mut Process) {
        let end = Instant::now() + dvs_tests::netns::LIMIT;
        let list = loop {
            match self.client.list(Kind::Group).await {
                Ok(list) => break list,
                Err(error) => {
                    assert!(manager.is_running() && Instant::now() < end, "{error}: {}", manager.errors());
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        };
        let there: BTreeSet<String> = list.objects.iter().map(|document| document.object.id().name).collect();
        let missing: Vec<&String> = self.written.acknowledged.difference(&there).collect();
        assert!(missing.is_empty(), "{missing:?}");
        self.written.unheard = there.len() - self.written.acknowledged.len();
        assert_eq!(list.generation, there.len() as u64, "each write was made once");
    }
}

/// Writes until nobody answers, and tells what was acknowledged.
async fn write(client: Client, name: String, news: tokio::sync::mpsc::UnboundedSender<String>) {
    for number in 0_u32.. {
        let name = format!("{name}-{number}");
        let fields = json!({"name": name, "prefixes": ["192.0.2.1/32"]});
        if client.create(Kind::Group, &fields, false).await.is_err() {
            return;
        }
        news.send(name).unwrap();
    }
}

fn kill_managers(rows: Vec<Row>) {
    let begin = Instant::now();
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let running: Vec<_> = rows.into_iter().map(|row| scope.spawn(|| row.run())).collect();
        running.into_iter().map(|row| row.join().unwrap()).collect()
    });
    let kills = KILLS * u32::try_from(rows.len()).unwrap();
    let starts: Duration = rows.iter().map(|row| row.starts).sum();
    let acknowledged: usize = rows.iter().map(|row| row.written.acknowledged.len()).sum();
    let unheard: usize = rows.iter().map(|row| row.written.unheard).sum();
    println!(
        "{kills} kills in {:?}, a start took {:?}; {acknowledged} writes acknowledged and kept, {unheard} more made",
        begin.elapsed(),
        starts / kills
    );
    assert!(unheard <= (kills * WRITERS) as usize);
}

#[test]
fn five_hundred_managers_over_files_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let row = |number: usize| {
        let state = directory.path().join(format!("state{number}"));
        Row::new(directory.path(), number, vec!["--state-dir".into(), state.to_str().unwrap().into()])
    };
    kill_managers((0..STORES).map(row).collect());
}

#[test]
fn five_hundred_managers_over_etcd_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let clusters: Vec<etcd::Cluster> = (0..STORES).map(|_| etcd::Cluster::start(1)).collect();
    let row = |(number, cluster): (usize, &etcd::Cluster)| {
        Row::new(directory.path(), number, vec!["--etcd".into(), cluster.options().endpoints.join(",")])
    };
    kill_managers(clusters.iter().enumerate().map(row).collect());
}
