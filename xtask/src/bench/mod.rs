//! Compares the switch with its peers.

use anyhow::bail;

/// Compares the switch with a bare veth pair, the Linux bridge, bare redirects and Open vSwitch.
#[derive(clap::Args)]
pub(crate) struct Options {}

/// Runs the benchmarks and writes table, JSON and plot to `<target dir>/bench`.
pub(crate) fn run(_options: &Options) -> anyhow::Result<()> {
    bail!("this build of the tool has no benchmarks")
}
