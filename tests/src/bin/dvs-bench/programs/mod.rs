//! Nanoseconds a frame, by test run: one call with many repetitions, so that the call costs nothing.
//!
//! All cases are timed once a round, in the same order, so that what changes on the machine changes
//! all of them. What the benchmark's own programs add to a case is timed in the same round and taken
//! off.

mod case;
mod firewall;
mod frame;
mod loads;
mod routed;
mod scene;
mod scenes;
mod timer;

use std::path::PathBuf;

use serde::Serialize;

use case::{CASES, Case, Overheads};
use scenes::Scenes;
use timer::Timer;

/// What to time.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The object with the switch
    #[arg(long)]
    switch: PathBuf,
    /// The object with the benchmark's own programs
    #[arg(long)]
    bench: PathBuf,
    /// How often to time each case
    #[arg(long, default_value_t = 9)]
    rounds: u32,
    /// Frames in one timing
    #[arg(long, default_value_t = 300_000)]
    repeat: u32,
}

/// What came out for a case.
#[derive(Serialize)]
struct Timing {
    #[serde(flatten)]
    case: &'static Case,
    /// Nanoseconds a frame, one number a round.
    samples: Vec<f64>,
}

/// Times all cases and prints them.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut timer = Timer::new(&options.bench, options.repeat)?;
    let mut scenes = Scenes::all(&options.switch)?;
    let mut timings: Vec<_> = CASES.iter().map(|case| Timing { case, samples: Vec::new() }).collect();
    for _ in 0..options.rounds {
        let overheads = Overheads::take(&mut timer)?;
        for timing in &mut timings {
            let time = timing.case.time(&mut timer, &mut scenes)?;
            timing.samples.push(time - overheads.of(timing.case));
        }
    }
    let loads = [loads::routes()?, scenes.connections()?];
    println!("{}", serde_json::json!({ "timings": timings, "loads": loads }));
    Ok(())
}
