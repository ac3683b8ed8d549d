//! Every check of the code that needs no kernel.

mod deny;
mod rooms;
mod size;
mod source;
mod sync;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::progress::headline;
use crate::setup::{self, Part};
use crate::{shell, workspace};
pub(crate) use sync::update;

/// Checks the code: format, clippy, licences, the architecture's rules, generated documents.
///
/// All checks run, also after one has failed; the last lines name those that did. The checks are:
/// format (cargo fmt), clippy (warnings are errors), deny (licences, sources and bans of
/// dependencies; advisories where their database can be reached), rustdoc (warnings are errors),
/// rooms (who may name which crate and module, see docs/ARCHITECTURE.md), documents
/// (docs/openapi.json and docs/drop-reasons.md are what the code generates), size (a list of long
/// files and functions, which fails nothing).
///
/// Examples:
///   cargo xtask lint
///   cargo xtask lint --fix                 format, and write the generated documents anew
///   cargo xtask lint --only clippy --only rooms
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Repair what can be repaired: format the code and write the generated documents.
    #[arg(long)]
    fix: bool,
    /// Run only this check; can be given several times.
    #[arg(long, value_enum, default_values_t = Check::ALL)]
    only: Vec<Check>,
}

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Check {
    Format,
    Clippy,
    Deny,
    Rustdoc,
    Rooms,
    Documents,
    Size,
}

impl Check {
    const ALL: [Self; 7] =
        [Self::Format, Self::Clippy, Self::Deny, Self::Rustdoc, Self::Rooms, Self::Documents, Self::Size];

    const fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Clippy => "clippy",
            Self::Deny => "deny",
            Self::Rustdoc => "rustdoc",
            Self::Rooms => "rooms",
            Self::Documents => "documents",
            Self::Size => "size",
        }
    }

    fn run(self, fix: bool) -> Result<()> {
        match self {
            Self::Format => format(fix),
            Self::Clippy => clippy(),
            Self::Deny => deny::check(),
            Self::Rustdoc => rustdoc(),
            Self::Rooms => rooms::check(),
            Self::Documents => sync::check(fix),
            Self::Size => size::report(),
        }
    }
}

/// Runs the checks and fails if one has failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let has = |checks: &[Check]| options.only.iter().any(|check| checks.contains(check));
    let compiles = has(&[Check::Clippy, Check::Rustdoc, Check::Documents]).then_some(Part::Compile);
    let denies = has(&[Check::Deny]).then_some(Part::Lint);
    setup::ensure(&compiles.into_iter().chain(denies).collect::<Vec<_>>())?;
    let failed: Vec<_> = options.only.iter().filter(|check| !passes(**check, options.fix)).collect();
    if failed.is_empty() {
        println!("\nAll checks passed.");
        return Ok(());
    }
    bail!("failed: {}", failed.iter().map(|check| check.name()).collect::<Vec<_>>().join(", "))
}

fn passes(check: Check, fix: bool) -> bool {
    headline(check.name());
    let started = Instant::now();
    let result = check.run(fix);
    let seconds = started.elapsed().as_secs_f32();
    match &result {
        Ok(()) => println!("{}: passed in {seconds:.1} s", check.name()),
        Err(error) => println!("{error:#}\n{}: FAILED in {seconds:.1} s", check.name()),
    }
    result.is_ok()
}

fn format(fix: bool) -> Result<()> {
    let mode: &[&str] = if fix { &[] } else { &["--check"] };
    shell::shown(workspace::cargo(["fmt", "--all"]).args(["--"]).args(mode))
}

fn clippy() -> Result<()> {
    let deny = ["--", "-D", "warnings"];
    shell::shown(workspace::cargo(["clippy", "--workspace", "--all-targets"]).args(deny))?;
    // The programs for the kernel are checked as if this machine ran them: clippy needs no BPF target for
    // that, but aya-ebpf's unstable features, which a stable compiler has to be talked into.
    let programs = ["clippy", "--package", "switch-ebpf", "--features", "bpf", "--bins", "--profile", "bpf"];
    let mut command = workspace::cargo(programs);
    command.arg("--target-dir").arg(workspace::target_dir().join("bpf-lint"));
    shell::shown(command.args(deny).env("RUSTC_BOOTSTRAP", "1"))
}

fn rustdoc() -> Result<()> {
    let mut command = workspace::cargo(["doc", "--workspace", "--no-deps"]);
    shell::shown(command.env("RUSTDOCFLAGS", "-D warnings"))
}
