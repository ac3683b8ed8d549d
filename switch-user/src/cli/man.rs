//! `dvs man`.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, Command};

/// Write manual pages into a directory.
#[derive(Args, Debug)]
#[command(after_help = "Example: dvs man /usr/local/share/man/man1")]
pub(super) struct Options {
    /// The directory; it is created if it does not exist.
    directory: PathBuf,
}

/// Writes a page for every command.
pub(super) fn run(options: &Options, command: Command) -> anyhow::Result<ExitCode> {
    let directory = &options.directory;
    let failed = || format!("cannot write manual pages into {}", directory.display());
    fs::create_dir_all(directory).with_context(failed)?;
    clap_mangen::generate_to(command, directory).with_context(failed)?;
    Ok(ExitCode::SUCCESS)
}
