//! One host in a process of its own, from its first word to the view that it applies.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use switch_user::{memory, tls::Role};
use tokio::time::sleep;

use super::{
    access::{Access, devices},
    board::until,
    whole::Whole,
};

/// As many as the real agent has.
const THREADS: usize = 2;
/// Within this time everything is on disk, and what memory was needed once has been given back.
const REST: Duration = Duration::from_secs(2);

/// Which host to be.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// Name of the host
    #[arg(long)]
    host: String,
    /// Directory of its state
    #[arg(long)]
    state: PathBuf,
    /// Devices that it has
    #[arg(long, value_delimiter = ',')]
    devices: Vec<String>,
    /// Ports that are at least in its view
    #[arg(long)]
    ports: usize,
}

/// What came out.
#[derive(Serialize, Deserialize)]
pub(super) struct Synced {
    /// Milliseconds from the first word to the configuration.
    pub(super) ms: f64,
    /// Bytes of memory.
    pub(super) resident: u64,
}

/// Follows a manager until all is known, and says how that was.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let synced = runtime.block_on(sync(options))?;
    println!("{}", serde_json::to_string(&synced)?);
    Ok(())
}

async fn sync(options: &Options) -> Result<Synced> {
    let client = options.access.client(&options.host, Role::Host)?;
    let devices = devices(options.devices.iter().cloned());
    let begun = Instant::now();
    let manager = (options.access.name(), client);
    let host = Whole::start(&options.host, manager, &options.state, devices, Box::new(|_| {}))
        .context("the host does not start")?;
    let wanted = options.devices.len();
    until("all devices have their ports", || host.ports().filter(|ports| *ports >= wanted)).await?;
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    sleep(REST).await;
    let resident = memory::resident()?;
    let ports = host.view()?;
    ensure!(ports >= options.ports, "the view has {ports} ports, and should have {}", options.ports);
    Ok(Synced { ms, resident })
}
