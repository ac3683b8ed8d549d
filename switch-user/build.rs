//! Puts the BPF object that `cargo xtask build` made where the agent includes it from.
//!
//! Without that object an empty file is embedded, so that `cargo check`, `clippy` and `test` need no BPF
//! toolchain; `dvs run` refuses an empty object with the command to type.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dir = bpf_dir()?;
    fs::create_dir_all(&dir)?;
    let built = dir.join("dvs.bpf.o");
    // A missing file cannot be watched (cargo would build again every time), the directory it comes to can.
    let watched = if built.exists() { &built } else { &dir };
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_DIR");
    println!("cargo::rerun-if-changed={}", watched.display());
    let object = if built.exists() { fs::read(&built)? } else { Vec::new() };
    fs::write(variable("OUT_DIR")?.join("dvs.bpf.o"), object)
}

/// `bpf` in the target directory, by the same rule as in xtask.
fn bpf_dir() -> io::Result<PathBuf> {
    let package = variable("CARGO_MANIFEST_DIR")?;
    let root = package.parent().unwrap_or(Path::new("."));
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(root.join(target).join("bpf"))
}

fn variable(name: &str) -> io::Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("{name} is not set")))
}
