//! The build tool: every chore of the project is `cargo xtask <task>`.
//!
//! This file only dispatches; a task is a module with its `Options` and its `run`.

mod bench;
mod build;
mod kernels;
mod lint;
mod progress;
mod run;
mod setup;
mod shell;
mod test;
mod toolchain;
mod verifier;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sets up, builds, runs, tests and checks the virtual switch.
///
/// Every task first sets up what it needs and says what it will install before it does. On a fresh
/// Debian 12 with cargo, as root, `cargo xtask run --example two-vlans` is all it takes to see frames
/// being switched.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Setup(setup::Options),
    Build(build::Options),
    Run(run::Options),
    Test(test::Options),
    Bench(bench::Options),
    Lint(lint::Options),
    Verifier(verifier::Options),
}

fn main() -> ExitCode {
    match dispatch(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Setup(options) => setup::run(&options),
        Task::Build(options) => build::run(&options),
        Task::Run(options) => run::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Lint(options) => lint::run(&options),
        Task::Verifier(options) => verifier::run(&options),
    }
}
