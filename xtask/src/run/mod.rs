//! Runs the switch, on its own or with an example around it.

mod cluster;
mod example;
mod namespace;
mod server;
mod signals;
mod topology;
mod vm;

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Result, anyhow, ensure};

use crate::progress::headline;
use crate::setup::{self, Part};
use crate::{build, shell, workspace};
use topology::Topology;

/// Sets up, builds, and runs the switch in the foreground.
///
/// Alone it is `dvs run` with the arguments after --; it keeps its objects in /var/lib/dvs and
/// listens on /run/dvs.sock. With --example NAME a playground is made first: for every port of
/// examples/NAME.yaml a network namespace dvs-PORT with a device eth0, whose other end is the
/// port's device on this machine (addresses are in examples/NAME.topology.yaml). The objects are
/// applied and commands to try are printed. The example's switch keeps everything in
/// /run/dvs-NAME. Ctrl-C ends it and removes the namespaces, the programs and the directory.
/// An example with several hosts (three-hosts) has namespaces dvs-HOST for these and
/// dvs-PORT-HOST for VMs, managers and etcd in dvs-management, and a directory in /var/lib; it
/// plays what happens when some of that dies, and says how long everything took. Needs root.
///
/// Examples:
///   cargo xtask run --example two-vlans
///   cargo xtask run --example two-networks
///   cargo xtask run --example three-hosts --once
///   cargo xtask run -- --state-dir /tmp/s --socket /tmp/s/dvs.sock
///   cargo xtask run -- --help              what dvs run takes
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Make the namespaces of examples/NAME.yaml and apply it.
    #[arg(long, value_name = "NAME")]
    example: Option<String>,
    /// End the example when its commands to try have been printed.
    #[arg(long, requires = "example")]
    once: bool,
    /// For `dvs run`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs until it is interrupted.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Some(name) = &options.example else { return alone(&options.arguments) };
    let topology = Topology::read(name)?;
    if !topology.is_cluster() {
        prepare(&[Part::Build, Part::Run])?;
        return example::run(name, &topology, options.once, &options.arguments);
    }
    ensure!(options.arguments.is_empty(), "{name} has several dvs run, and takes no arguments for them");
    prepare(&[Part::Build, Part::Run, Part::Cluster])?;
    cluster::run(name, &topology, options.once)
}

fn prepare(parts: &[Part]) -> Result<()> {
    setup::ensure(parts)?;
    build::all()
}

/// Becomes `dvs run`.
fn alone(arguments: &[String]) -> Result<()> {
    prepare(&[Part::Build, Part::Run])?;
    headline("dvs run");
    let mut dvs = Command::new(workspace::dvs());
    let error = dvs.arg("run").args(arguments).exec();
    Err(anyhow!(error).context(format!("cannot start {}", shell::describe(&dvs))))
}
