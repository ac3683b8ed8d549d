//! What the kernels' verifiers make of the programs.

mod report;

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::build::{self, Object};
use crate::kernels::{Job, Kernel};
use crate::lint::update;
use crate::progress::{Progress, headline};
use crate::setup::{self, Part};
use crate::{shell, workspace};
use report::{Loaded, Report};

const DOCUMENT: &str = "docs/verifier.md";
const VM_LIMIT: Duration = Duration::from_mins(5);

/// Loads the switch's programs and prints what it costs the verifier, against the limit.
///
/// The table has the number of instructions that the verifier processed (the kernel refuses a
/// program at 1,000,000), and the size of the program as the kernel keeps it. A program that a
/// kernel refuses fails the task. Needs root.
///
/// Examples:
///   cargo xtask verifier                   this machine's kernel
///   cargo xtask verifier --kernels         Debian's 6.1 and 6.12 in a VM too
///   cargo xtask verifier --fix             all kernels, and write docs/verifier.md
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Also load the programs on the other supported kernels, in VMs.
    #[arg(long)]
    kernels: bool,
    /// Write the table to docs/verifier.md; takes all kernels.
    #[arg(long)]
    fix: bool,
}

/// Builds, loads and reports.
pub(crate) fn run(options: &Options) -> Result<()> {
    let others = options.kernels || options.fix;
    let mut parts = vec![Part::Build, Part::Test];
    parts.extend(others.then_some(Part::Kernels));
    setup::ensure(&parts)?;
    build::objects(&[Object::Switch])?;
    headline("Verifier");
    shell::shown(&mut workspace::cargo(["build", "--workspace", "--bin", "dvs-verifier"]))?;
    let kernels: &[Kernel] = if others { &Kernel::ALL } else { &[] };
    let mut progress = Progress::new(1 + kernels.len());
    let here = this_machine()?;
    let programs = progress.step(&format!("Linux {here} (this machine)"), on_this_machine)?;
    let count = programs.len();
    let mut report = Report::default();
    for kernel in kernels {
        let programs = progress.step(&format!("Linux {} (VM)", kernel.name()), || in_vm(*kernel))?;
        ensure!(
            programs.len() == count,
            "Linux {} reported {} programs of {count}",
            kernel.name(),
            programs.len()
        );
        report.add(kernel.name(), programs);
    }
    report.add(&here, programs);
    print!("\n{}", report.table()?);
    if options.fix {
        update(DOCUMENT, &report.document()?, true)?;
    }
    Ok(())
}

/// The version of this machine's kernel, as far as it matters.
fn this_machine() -> Result<String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(release.split('.').take(2).collect::<Vec<_>>().join("."))
}

fn loader() -> Command {
    let mut command = Command::new(workspace::target_dir().join("debug/dvs-verifier"));
    command.arg(Object::Switch.path());
    command
}

fn on_this_machine() -> Result<Vec<Loaded>> {
    let output = loader().stderr(Stdio::inherit()).output().context("cannot start dvs-verifier")?;
    if !output.status.success() {
        bail!("this machine's kernel refuses a program");
    }
    report::read(String::from_utf8_lossy(&output.stdout).lines())
}

fn in_vm(kernel: Kernel) -> Result<Vec<Loaded>> {
    let script = shell::describe(&loader());
    let outcome = kernel.run(&Job { script, environment: Vec::new(), limit: VM_LIMIT, shown: false })?;
    if outcome.code != Some(0) {
        bail!("Linux {} refuses a program:\n{}", kernel.name(), outcome.lines.join("\n"));
    }
    report::read(outcome.lines.iter().map(String::as_str))
}
