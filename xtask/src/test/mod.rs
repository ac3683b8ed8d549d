//! Runs every test, ring by ring.

mod binary;
mod ring;
mod tally;

use anyhow::{Result, bail};

use crate::build::{self, Object};
use crate::progress::headline;
use crate::setup::{self, Part};
use crate::workspace;
use ring::Ring;
use tally::Tally;

/// Sets up, builds and runs all tests, in rings from the pure to the real.
///
/// Ring 1, host: unit and property tests of all packages; no root, no kernel.
/// Ring 2, programs: packet fixtures through the real programs in this machine's kernel.
/// Ring 3, namespaces: real traffic between network namespaces through `dvs run`.
/// Ring 4, clusters: several hosts behind managers, with real traffic, and what managers share, over real etcd.
/// Ring 5, kernels: the programs and a smoke test of the switch on stock Debian 6.1 and 6.12 in a VM.
///
/// Each ring has a headline and a summary; the last line is "N passed, N failed", and a failure
/// makes the exit code 1. All but ring 1 need root. Words after -- are handed to the test
/// binaries, which take a part of a test's name.
///
/// Examples:
///   cargo xtask test
///   cargo xtask test --ring 1 --ring 2
///   cargo xtask test --ring 3 -- trunk --nocapture
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Run only this ring; can be given several times.
    #[arg(long, value_enum, default_values_t = Ring::ALL)]
    ring: Vec<Ring>,
    /// For the test binaries, as with `cargo test --`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the rings and fails if a test has failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    prepare(&options.ring)?;
    headline("Compile the tests");
    let binaries = binary::compile()?;
    let mut total = Tally::default();
    let mut summary = Vec::new();
    for ring in &options.ring {
        headline(ring.title());
        let tally = ring.run(&binaries, &options.arguments).unwrap_or_else(|error| {
            println!("{error:#}");
            Tally::failure()
        });
        summary.push(format!("{:<44} {tally}", ring.title()));
        total += tally;
    }
    headline("Summary");
    println!("{}\n{} passed, {} failed", summary.join("\n"), total.passed, total.failed);
    if total.failed > 0 {
        bail!("tests have failed");
    }
    Ok(())
}

fn prepare(rings: &[Ring]) -> Result<()> {
    let needs_kernel = rings.iter().any(|ring| *ring != Ring::Host);
    if !needs_kernel {
        return setup::ensure(&[Part::Compile]);
    }
    let mut parts = vec![Part::Build, Part::Test];
    parts.extend(rings.contains(&Ring::Kernels).then_some(Part::Kernels));
    setup::ensure(&parts)?;
    build::all()
}

/// What the tests find in their environment.
fn environment() -> [(&'static str, std::path::PathBuf); 2] {
    [("DVS_BIN", workspace::dvs()), ("DVS_BPF_OBJECT", Object::Switch.path())]
}
