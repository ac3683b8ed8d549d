//! Joins two devices of this network namespace by one of the bare redirect programs.

use std::{
    io::{Read as _, Write as _},
    path::PathBuf,
};

use anyhow::{Context as _, anyhow};
use aya::{
    Ebpf,
    maps::Array,
    programs::{SchedClassifier, TcAttachType},
};

/// What to join, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The object with the program
    #[arg(long)]
    object: PathBuf,
    /// Name of the program
    #[arg(long, default_value = "bench_redirect_tc")]
    program: String,
    /// The two devices
    #[arg(num_args = 2, required = true)]
    devices: Vec<String>,
}

/// Attaches, says so on stdout, and detaches when stdin ends.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let [one, other] = options.devices.as_slice() else { return Err(anyhow!("give two devices")) };
    let mut object =
        Ebpf::load_file(&options.object).with_context(|| format!("loading {}", options.object.display()))?;
    aim(&mut object, index(one)?, index(other)?)?;
    let program: &mut SchedClassifier = object
        .program_mut(&options.program)
        .with_context(|| format!("the object has no program {}", options.program))?
        .try_into()?;
    program.load()?;
    for device in [one, other] {
        program.attach(device, TcAttachType::Ingress).with_context(|| format!("attaching to {device}"))?;
    }
    wait_for_end()
}

/// Each device's frames go out of the other.
fn aim(object: &mut Ebpf, one: u32, other: u32) -> anyhow::Result<()> {
    let map = object.map_mut("bench_targets").context("the object has no map bench_targets")?;
    let mut targets = Array::<_, u32>::try_from(map)?;
    targets.set(one, other, 0)?;
    targets.set(other, one, 0)?;
    Ok(())
}

fn index(device: &str) -> anyhow::Result<u32> {
    nix::net::if_::if_nametoindex(device).with_context(|| format!("no device {device}"))
}

fn wait_for_end() -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "attached")?;
    stdout.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
