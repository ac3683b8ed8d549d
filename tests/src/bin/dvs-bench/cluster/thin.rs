//! A host that speaks the protocol by the real client, and keeps nothing of what it hears.
//!
//! A thousand whole members would be a thousand machines' work for this one.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use switch_user::{
    api::{HostReport, ViewEvent},
    client::{Client, Lines},
    member::Pace,
    report::Applied,
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::board::Board;

/// Before another attempt.
const AGAIN: Duration = Duration::from_millis(200);

/// A host.
pub(super) struct Thin {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) client: Client,
    pub(super) board: Arc<Board>,
    /// Its devices, for as long as their ports are not bound.
    pub(super) devices: Vec<String>,
}

impl Thin {
    /// Follows the manager until it is aborted.
    pub(super) async fn run(mut self) {
        while let Err(error) = self.attend().await {
            eprintln!("host {}: {error:#}", self.name);
            sleep(AGAIN).await;
        }
    }

    async fn attend(&mut self) -> Result<()> {
        let pace = self.report(0, true).await?;
        self.devices.clear();
        let lines = self.client.view(&self.name, None).await?;
        let (told, applied) = watch::channel(0);
        tokio::select! {
            ended = read(lines, &self.board, self.number, told) => ended,
            ended = self.keep_reporting(applied, pace) => ended,
        }
    }

    async fn keep_reporting(&self, mut applied: watch::Receiver<u64>, mut pace: Pace) -> Result<()> {
        loop {
            if let Ok(changed) = timeout(pace.pause(), applied.changed()).await {
                changed?;
                sleep(pace.turn()).await;
            }
            let generation = *applied.borrow_and_update();
            pace = self.report(generation, false).await?;
        }
    }

    async fn report(&self, generation: u64, first: bool) -> Result<Pace> {
        let devices = self.devices.iter().filter(|_| first).map(|device| (device.clone(), false));
        let report = HostReport {
            instance: format!("bench-{}", self.name),
            version: env!("CARGO_PKG_VERSION").into(),
            applied: Applied { generation, errors: Vec::new() },
            devices: devices.collect(),
            ..HostReport::default()
        };
        let answer = self.client.report(&self.name, &report).await?;
        if !answer.refused.is_empty() {
            bail!("the manager refuses {:?}", answer.refused);
        }
        Ok(Pace::of(&answer))
    }
}

async fn read(
    mut lines: Lines<ViewEvent>,
    board: &Board,
    number: usize,
    told: watch::Sender<u64>,
) -> Result<()> {
    while let Some(event) = lines.next().await? {
        if !(event.put.is_empty() && event.remove.is_empty() && event.bindings.is_empty()) {
            board.count();
        }
        if let Some(generation) = event.generation {
            board.note(number, generation);
            told.send_replace(generation);
        }
    }
    bail!("the manager has ended the connection")
}
