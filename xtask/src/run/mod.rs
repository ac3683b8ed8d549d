//! Runs the switch, on its own or with an example around it.

mod example;
mod namespace;
mod server;
mod signals;
mod topology;

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Result, anyhow};

use crate::progress::headline;
use crate::setup::{self, Part};
use crate::{build, shell, workspace};

/// Sets up, builds, and runs the switch in the foreground.
///
/// Alone it is `dvs run` with the arguments after --; it keeps its objects in /var/lib/dvs and
/// listens on /run/dvs.sock. With --example NAME a playground is made first: for every port of
/// examples/NAME.yaml a network namespace dvs-PORT with a device eth0, whose other end is the
/// port's device on this machine (addresses are in examples/NAME.topology.yaml). The objects are
/// applied and commands to try are printed. The example's switch keeps everything in
/// /run/dvs-NAME. Ctrl-C ends it and removes the namespaces, the programs and the directory.
/// Needs root.
///
/// Examples:
///   cargo xtask run --example two-vlans
///   cargo xtask run --example two-networks
///   cargo xtask run -- --state-dir /tmp/s --socket /tmp/s/dvs.sock
///   cargo xtask run -- --help              what dvs run takes
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Make the namespaces of examples/NAME.yaml and apply it.
    #[arg(long, value_name = "NAME")]
    example: Option<String>,
    /// For `dvs run`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs until it is interrupted.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ensure(&[Part::Build, Part::Run])?;
    build::all()?;
    if let Some(name) = &options.example {
        return example::run(name, &options.arguments);
    }
    headline("dvs run");
    let mut dvs = Command::new(workspace::dvs());
    let error = dvs.arg("run").args(&options.arguments).exec();
    Err(anyhow!(error).context(format!("cannot start {}", shell::describe(&dvs))))
}
