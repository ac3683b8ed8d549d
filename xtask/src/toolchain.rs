//! Which compiler builds the BPF object.
//!
//! A BPF target has no prebuilt `core` in rustup's toolchains, so it takes a nightly with rust-src that builds
//! it. Debian 12 carries a second toolchain (`rustc-web`) with that `core` ready, which needs no nightly and
//! no network but Debian's mirrors.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{shell, workspace};

/// Variables that cargo and rustup leave behind and that would lead another toolchain astray.
const POLLUTION: [&str; 7] =
    ["CARGO", "RUSTC", "RUSTDOC", "RUSTC_WRAPPER", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"];

/// Why each flag is there:
/// `--btf` and debuginfo give the kernel types and the verifier's log source lines; expanded copies are
/// calls of a byte loop unless told otherwise (20-35 % of a known frame's cost); every machine that BPF
/// runs on by JIT allows misaligned access, and without the feature packed fields are read byte by byte.
const RUSTFLAGS: &str = concat!(
    "--cfg bpf_target_arch=\"x86_64\" -C debuginfo=2 -C link-arg=--btf",
    " -C link-arg=--disable-expand-memcpy-in-order",
    " -C link-arg=--cpu-features=+allows-misaligned-mem-access",
);

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// Prebuilt `core` for BPF, as the package libstd-rust-web-dev-bpf installs it.
const DEBIAN_BPF_CORE: &str = "/usr/lib/rustlib/bpfel-unknown-none/lib";

/// A compiler that is complete on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// `rustup toolchain nightly` with rust-src; builds `core` itself.
    Nightly,
    /// Debian's rustc-web, cargo-web and libstd-rust-web-dev-bpf.
    Debian,
}

impl Toolchain {
    /// The toolchain that this machine has; a nightly is preferred, being aya's usual way.
    pub(crate) fn detect() -> Option<Self> {
        linker()?;
        if nightly_has_sources() {
            return Some(Self::Nightly);
        }
        debian_compiler_is_installed().then_some(Self::Debian)
    }

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nightly => "rustup nightly with rust-src",
            Self::Debian => "Debian's rustc-web",
        }
    }

    /// A cargo that builds for BPF with this toolchain, free of the calling cargo's settings.
    pub(crate) fn cargo(self) -> Result<Command> {
        let mut command = match self {
            Self::Nightly => Command::new("rustup"),
            Self::Debian => Command::new(DEBIAN_CARGO),
        };
        for name in POLLUTION {
            command.env_remove(name);
        }
        command.current_dir(workspace::root()).env("PATH", path_with_linker()?).env("RUSTFLAGS", RUSTFLAGS);
        match self {
            Self::Nightly => command.args(["run", "nightly", "cargo", "build", "-Z", "build-std=core"]),
            // aya-ebpf uses `asm_experimental_arch`, which a stable compiler has to be talked into.
            Self::Debian => command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").arg("build"),
        };
        Ok(command)
    }
}

/// Whether Debian's compiler can build for BPF (the linker aside).
pub(crate) fn debian_compiler_is_installed() -> bool {
    [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_BPF_CORE].iter().all(|file| Path::new(file).exists())
}

/// Whether rustup has a nightly that can build `core`.
pub(crate) fn nightly_has_sources() -> bool {
    let home = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".rustup")));
    let Some(toolchains) = home.and_then(|home| home.join("toolchains").read_dir().ok()) else {
        return false;
    };
    toolchains.flatten().any(|entry| {
        entry.file_name().to_string_lossy().starts_with("nightly-x86_64")
            && entry.path().join("lib/rustlib/src/rust/library/core").is_dir()
    })
}

/// bpf-linker, from PATH or from the cache.
pub(crate) fn linker() -> Option<PathBuf> {
    let cached = workspace::cache_dir().ok()?.join("bin/bpf-linker");
    shell::find("bpf-linker").or_else(|| cached.is_file().then_some(cached))
}

fn path_with_linker() -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let cache = workspace::cache_dir()?.join("bin");
    Ok(env::join_paths(std::iter::once(cache).chain(env::split_paths(&path)))?)
}
