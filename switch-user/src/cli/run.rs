//! `dvs run`: the agent of this host.

use std::path::{Path, PathBuf};

use clap::Args;

/// Options of `dvs run`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Directory of the configuration and of everything that outlives the agent.
    #[arg(long, env = "DVS_STATE_DIR", default_value = "/var/lib/dvs", value_name = "DIR")]
    pub state_dir: PathBuf,
}

/// Runs the agent until it is told to stop.
pub fn run(options: &Options, _socket: &Path) -> anyhow::Result<()> {
    anyhow::bail!("this build has no agent to run in {}", options.state_dir.display())
}
