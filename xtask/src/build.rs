//! Builds the BPF objects, and the `dvs` command that carries them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::progress::headline;
use crate::setup::{self, Part};
use crate::toolchain::Toolchain;
use crate::{shell, workspace};

/// A BPF object.
#[derive(Clone, Copy)]
pub(crate) enum Object {
    /// The switch's programs.
    Switch,
    /// Programs that the benchmarks compare with.
    Bench,
}

impl Object {
    /// Where the built object is left for `switch-user/build.rs`, the tests and the benchmarks.
    pub(crate) fn path(self) -> PathBuf {
        let name = match self {
            Self::Switch => "dvs.bpf.o",
            Self::Bench => "dvs-bench.bpf.o",
        };
        workspace::target_dir().join("bpf").join(name)
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Switch => "dvs-ebpf",
            Self::Bench => "dvs-bench-ebpf",
        }
    }
}

/// Builds the BPF object and the dvs command with the object inside.
///
/// The last line of the output is the path of the command, target/release/dvs unless cargo is told
/// another target directory. It is one self-contained file; copy it where you like. The BPF object is
/// left in target/bpf. The compiler for BPF is a rustup nightly with rust-src, if there is one (and
/// bpf-linker), else Debian's rustc-web, which is installed if missing; the first line says which.
///
/// Examples:
///   cargo xtask build
///   cargo xtask build --tests              also compile every test
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// Also compile all tests, without running them.
    #[arg(long)]
    tests: bool,
}

/// Builds what was asked for.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ensure(&[Part::Build])?;
    all()?;
    if options.tests {
        headline("Tests");
        shell::shown(&mut workspace::cargo(["test", "--workspace", "--no-run"]))?;
    }
    println!("{}", workspace::dvs().display());
    Ok(())
}

/// Builds the object and the command; the set-up has been done.
pub(crate) fn all() -> Result<()> {
    objects(&[Object::Switch])?;
    headline("dvs");
    shell::shown(&mut workspace::cargo(["build", "--release", "--package", "switch-user"]))
}

/// Builds BPF objects; the set-up has been done.
pub(crate) fn objects(objects: &[Object]) -> Result<()> {
    let toolchain =
        Toolchain::detect().context("no compiler for BPF; run: cargo xtask setup --part build")?;
    headline(&format!("BPF object, by {}", toolchain.name()));
    let build_dir = workspace::target_dir().join("bpf-build");
    let mut command = toolchain.cargo()?;
    command.args(["--package", "switch-ebpf", "--features", "bpf", "--profile", "bpf"]);
    command.args(["--target", "bpfel-unknown-none", "--target-dir"]).arg(&build_dir);
    for object in objects {
        command.args(["--bin", object.program()]);
    }
    shell::shown(&mut command)?;
    let built = build_dir.join("bpfel-unknown-none/bpf");
    objects.iter().try_for_each(|object| publish(&built.join(object.program()), &object.path()))
}

/// Puts an object where others look for it; an equal one is left alone, so that nothing is built again.
fn publish(built: &Path, published: &Path) -> Result<()> {
    let object = fs::read(built).with_context(|| format!("cannot read {}", built.display()))?;
    if fs::read(published).is_ok_and(|old| old == object) {
        return Ok(());
    }
    published.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(published, object).with_context(|| format!("cannot write {}", published.display()))
}
