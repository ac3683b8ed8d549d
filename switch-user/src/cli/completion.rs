//! `dvs completion`.

use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use super::output::Streams;

/// Print a completion script for a shell.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dvs completion bash > /etc/bash_completion.d/dvs
  dvs completion zsh > /usr/share/zsh/site-functions/_dvs
  dvs completion fish > /etc/fish/completions/dvs.fish")]
pub(super) struct Options {
    /// The shell.
    shell: Supported,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Supported {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script.
pub(super) fn run(
    options: &Options,
    mut command: Command,
    streams: &mut Streams<'_>,
) -> anyhow::Result<ExitCode> {
    let shell = match options.shell {
        Supported::Bash => Shell::Bash,
        Supported::Zsh => Shell::Zsh,
        Supported::Fish => Shell::Fish,
    };
    // Into memory first, because the generator panics when a reader goes away.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "dvs", &mut script);
    streams.output.write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
