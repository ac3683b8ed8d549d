//! Tools that no Debian package carries: built once by cargo and kept in the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{shell, toolchain, workspace};

/// A tool from crates.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Links BPF objects.
    BpfLinker,
    /// Checks licences and sources of dependencies.
    CargoDeny,
}

impl Tool {
    /// The crate's name, which is the program's too.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BpfLinker => "bpf-linker",
            Self::CargoDeny => "cargo-deny",
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::BpfLinker => "0.13.0",
            Self::CargoDeny => "0.20.2",
        }
    }

    /// Why it is needed.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::BpfLinker => "links the BPF object; built once, about a minute",
            Self::CargoDeny => "checks licences of dependencies; built once, some minutes",
        }
    }

    /// Where the tool is, if it is there.
    pub(crate) fn path(self) -> Option<PathBuf> {
        match self {
            Self::BpfLinker => toolchain::linker(),
            Self::CargoDeny => {
                let cached = workspace::cache_dir().ok()?.join("bin").join(self.name());
                shell::find(self.name()).or_else(|| cached.is_file().then_some(cached))
            }
        }
    }

    /// Builds the tool into the cache.
    pub(crate) fn install(self) -> Result<()> {
        let mut command = workspace::cargo(["install", self.name(), "--version", self.version(), "--locked"]);
        command.arg("--root").arg(workspace::cache_dir()?).env_remove("CARGO_TARGET_DIR");
        if self == Self::BpfLinker {
            let prefix = shell::quiet(Command::new("llvm-config-22").arg("--prefix"))?;
            command
                .args(["--no-default-features", "--features", "llvm-22"])
                .env("LLVM_PREFIX", prefix.trim());
        }
        shell::quiet(&mut command).map(drop)
    }
}
