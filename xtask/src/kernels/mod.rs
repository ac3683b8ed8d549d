//! Stock Debian kernels, booted in emulated machines that see this machine's files.
//!
//! The emulation (QEMU's TCG) needs no hardware support, so it works inside VMs and containers too; it is
//! several times slower than the machine, which is fine for correctness and for the verifier.

mod image;
mod initrd;
mod vm;

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace;
pub(crate) use vm::{Job, Outcome};

/// A kernel other than the machine's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kernel {
    /// The oldest that is supported; it has no tcx.
    #[value(name = "6.1")]
    V6_1,
    /// The long-term kernel after it.
    #[value(name = "6.12")]
    V6_12,
}

impl Kernel {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::V6_1, Self::V6_12];

    /// The version as people say it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
        }
    }

    /// The Debian package that always depends on the newest build of this version.
    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::V6_1 => "linux-image-cloud-amd64",
            Self::V6_12 => "linux-image-6.12-cloud-amd64",
        }
    }

    /// The kernels that are still to be fetched.
    pub(crate) fn missing() -> Vec<Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.dir().is_ok_and(|dir| !dir.exists())).collect()
    }

    /// Downloads and unpacks the kernel into the cache.
    pub(crate) fn fetch(self) -> Result<()> {
        image::fetch(self.package(), &self.dir()?)
    }

    /// Boots the kernel, does the job in it and waits for its end.
    pub(crate) fn run(self, job: &Job) -> Result<Outcome> {
        vm::run(&image::Image::open(self.dir()?)?, self.name(), job)
    }

    fn dir(self) -> Result<PathBuf> {
        Ok(workspace::cache_dir()?.join("kernels").join(self.name()))
    }
}
