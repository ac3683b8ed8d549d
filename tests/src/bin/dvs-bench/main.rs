//! The tools of `cargo xtask bench` that xtask itself has no means for: the bare redirects, a UDP
//! source and sink that no switch is faster than, timed test runs of the BPF programs, rule sets, and hosts of a manager.
//!
//! Results are JSON on stdout, rule sets as those read them who are asked to.

mod attach;
mod cluster;
mod programs;
mod rules;
mod udp;

use clap::Parser;

#[derive(Parser)]
#[command(about = "Tools of the benchmark", version)]
enum Tool {
    /// Join two devices by a bare redirect until stdin ends
    Attach(attach::Options),
    /// Send small datagrams as fast as the system takes them
    Send(udp::SendOptions),
    /// Count the datagrams that arrive
    Receive(udp::ReceiveOptions),
    /// Time the programs by test run
    Programs(programs::Options),
    /// Measure a manager with many simulated hosts
    Cluster(cluster::Options),
    /// Be one host of a manager until it knows its view
    Agent(cluster::agent::Options),
    /// Print a rule set
    Rules(rules::Options),
}

fn main() -> anyhow::Result<()> {
    match Tool::parse() {
        Tool::Attach(options) => attach::run(&options),
        Tool::Send(options) => udp::send(&options),
        Tool::Receive(options) => udp::receive(&options),
        Tool::Programs(options) => programs::run(&options),
        Tool::Cluster(options) => cluster::run(&options),
        Tool::Agent(options) => cluster::agent::run(&options),
        Tool::Rules(options) => {
            rules::print(&options);
            Ok(())
        }
    }
}
