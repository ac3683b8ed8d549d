//! Many simulated hosts of one manager, by the real protocol.
//!
//! Nothing of it is a timed test: it says how long things take. Times are from before a request is sent, or a device
//! appears, to the moment when the last host that it concerns has it. Most hosts are thin: they speak the protocol
//! and keep nothing. Those that apply what they hear are whole members with devices and a datapath that do nothing.

mod access;
pub(crate) mod agent;
mod board;
mod changes;
mod claims;
mod deaths;
mod fleet;
mod fresh;
mod load;
mod process;
mod results;
mod thin;
mod whole;
mod world;

use std::{path::PathBuf, time::Instant};

use anyhow::Result;

use access::Access;
use fleet::Fleet;
use process::Watched;
use results::{Fact, Results};
use world::World;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// Process of the manager
    #[arg(long)]
    pid: u32,
    /// Directory for the state of hosts
    #[arg(long)]
    state: PathBuf,
    /// Hosts
    #[arg(long, default_value_t = 1000)]
    hosts: usize,
    /// Ports of each
    #[arg(long, default_value_t = 100)]
    ports: usize,
}

/// Measures, and prints what came out.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let results = runtime.block_on(measure(options))?;
    println!("{}", serde_json::to_string(&results.told())?);
    runtime.shutdown_background();
    Ok(())
}

async fn measure(options: &Options) -> Result<Results> {
    let (mut results, manager) = (Results::default(), Watched(options.pid));
    let world = World { hosts: options.hosts, ports: options.ports };
    let begun = Instant::now();
    let fleet = Fleet::start(options.access.clone(), world, &options.state).await?;
    results.set(Fact::FillSeconds, begun.elapsed().as_secs_f64());
    load::idle(manager, &mut results).await?;
    changes::measure(&fleet, &mut results).await?;
    claims::measure(&fleet, &mut results).await?;
    fresh::measure(&fleet, &options.state, &mut results).await?;
    Box::pin(load::busy(&fleet, manager, &mut results)).await?;
    deaths::measure(&fleet, &mut results).await?;
    Ok(results)
}
