//! Installs what the tasks need, after saying what that is.

mod apt;
mod host;
mod package;
mod tool;

use std::fmt::Write as _;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::kernels::Kernel;
use crate::progress::{Progress, headline};
use crate::toolchain::{self, Toolchain};
use package::Package;
pub(crate) use tool::Tool;

/// Installs what the other tasks need: Debian packages, bpf-linker, cargo-deny, kernels for VMs.
///
/// The other tasks call this for themselves, so it is rarely typed. What is going to be installed
/// is printed first, with the reason for each item; when all is there nothing is printed and it
/// takes no time. Packages are installed by apt-get and need root; built tools and kernels are
/// kept in ~/.cache/dvs. Services that come with packages (nginx, Open vSwitch) are not started.
///
/// Examples:
///   cargo xtask setup                      everything
///   cargo xtask setup --part build         only the compiler for BPF
///   cargo xtask setup --part run --part test
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Options {
    /// What to set up; can be given several times.
    #[arg(long, value_enum, default_values_t = Part::ALL)]
    part: Vec<Part>,
}

/// A task's share of the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Compiling what is no BPF object.
    Compile,
    /// Building the BPF object, and what it is in.
    Build,
    /// Running the switch and the examples.
    Run,
    /// An example of several hosts.
    Cluster,
    /// Tests with real traffic.
    Test,
    /// Other kernels in VMs.
    Kernels,
    /// Benchmarks and the peers to compare with.
    Bench,
    /// Checks of the code.
    Lint,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Compile,
        Self::Build,
        Self::Run,
        Self::Cluster,
        Self::Test,
        Self::Kernels,
        Self::Bench,
        Self::Lint,
    ];

    /// Whether the part has business with this machine's kernel.
    const fn loads_programs(self) -> bool {
        matches!(self, Self::Run | Self::Test | Self::Bench)
    }
}

/// Sets up what was asked for and says how the machine is equipped.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure(&options.part)?;
    if let Some(toolchain) = Toolchain::detect() {
        println!("The BPF object is built by {}.", toolchain.name());
    }
    println!("Everything is set up.");
    Ok(())
}

/// Makes sure that these parts have what they need; silent and fast when they do.
pub(crate) fn ensure(parts: &[Part]) -> Result<()> {
    host::check(parts)?;
    let plan = Plan::new(parts);
    if plan.is_empty() {
        return Ok(());
    }
    headline("Set-up");
    print!("{}", plan.text()?);
    plan.check_installable()?;
    plan.execute()
}

/// What is missing.
struct Plan {
    packages: Vec<&'static Package>,
    tools: Vec<Tool>,
    kernels: Vec<Kernel>,
}

impl Plan {
    fn new(parts: &[Part]) -> Self {
        let mut packages: Vec<_> =
            package::TOOLS.iter().filter(|package| package.is_missing_for(parts)).collect();
        let mut tools = Vec::new();
        if parts.contains(&Part::Build) && Toolchain::detect().is_none() {
            packages.extend(compiler_packages());
            tools.extend(toolchain::linker().is_none().then_some(Tool::BpfLinker));
        }
        if parts.contains(&Part::Lint) && Tool::CargoDeny.path().is_none() {
            tools.push(Tool::CargoDeny);
        }
        let kernels = if parts.contains(&Part::Kernels) { Kernel::missing() } else { Vec::new() };
        Self { packages, tools, kernels }
    }

    const fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.tools.is_empty() && self.kernels.is_empty()
    }

    fn text(&self) -> Result<String> {
        let mut text = String::new();
        if !self.packages.is_empty() {
            writeln!(text, "To be installed from Debian:")?;
        }
        for package in &self.packages {
            writeln!(text, "  {:<29} {}", package.name, package.why)?;
        }
        if !self.tools.is_empty() {
            writeln!(text, "To be built by cargo install and kept in the cache:")?;
        }
        for tool in &self.tools {
            writeln!(text, "  {:<29} {}", tool.name(), tool.why())?;
        }
        if !self.kernels.is_empty() {
            writeln!(text, "To be downloaded and kept in the cache, not installed:")?;
        }
        for kernel in &self.kernels {
            writeln!(text, "  {:<29} Linux {} for tests in a VM", kernel.package(), kernel.name())?;
        }
        Ok(text)
    }

    /// Refuses what cannot work, with the commands that would help.
    fn check_installable(&self) -> Result<()> {
        let names = self.names().join(" ");
        if !self.packages.is_empty() && !apt::is_available() {
            let wanted: Vec<_> = self.packages.iter().map(|package| package.provides()).collect();
            bail!(
                "apt-get is missing, so nothing can be installed here; provide these yourself: {}\n(for the \
                 BPF object: rustup toolchain install nightly --component rust-src; cargo install bpf-linker)",
                wanted.join(", ")
            );
        }
        if !self.packages.is_empty() && !host::is_root() {
            bail!("packages are missing and only root can install them; run: sudo apt-get install {names}");
        }
        if !self.kernels.is_empty() && !apt::is_available() {
            bail!("apt-get is missing, and kernels for VMs come from Debian; use --ring to leave ring 5 out");
        }
        Ok(())
    }

    fn names(&self) -> Vec<&'static str> {
        self.packages.iter().map(|package| package.name).collect()
    }

    fn execute(&self) -> Result<()> {
        let apt_steps = if self.packages.is_empty() { 0 } else { 2 };
        let mut progress = Progress::new(apt_steps + self.tools.len() + self.kernels.len());
        if apt_steps > 0 {
            progress.step("Read the package lists", apt::update)?;
            let what = format!("Install {} Debian packages", self.packages.len());
            progress.step(&what, || apt::install(&self.names()))?;
        }
        for tool in &self.tools {
            progress.step(&format!("Build {}", tool.name()), || tool.install())?;
        }
        for kernel in &self.kernels {
            progress.step(&format!("Fetch Linux {}", kernel.name()), || kernel.fetch())?;
        }
        Ok(())
    }
}

/// Debian's way to BPF: the compiler's packages only together, because Debian has an older compiler with the
/// same file names, and LLVM's headers only if bpf-linker is still to be built.
fn compiler_packages() -> Vec<&'static Package> {
    let compiler = package::BPF_COMPILER.iter().filter(|_| !toolchain::debian_compiler_is_installed());
    let llvm = std::iter::once(&package::LLVM).filter(|_| toolchain::linker().is_none());
    compiler.chain(llvm.filter(|package| package.is_missing_for(&[Part::Build]))).collect()
}
