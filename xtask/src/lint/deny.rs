//! Dependencies: licences, sources, bans, and known vulnerabilities where their database can be had.

use std::process::Command;

use anyhow::{Context, Result};

use crate::setup::Tool;
use crate::{shell, workspace};

/// Checks `Cargo.lock` against `deny.toml`.
pub(crate) fn check() -> Result<()> {
    shell::shown(cargo_deny()?.args(["check", "bans", "licenses", "sources"]))?;
    if shell::succeeds(cargo_deny()?.args(["fetch", "db"])) {
        return shell::shown(cargo_deny()?.args(["check", "--disable-fetch", "advisories"]));
    }
    println!("advisories: not checked, the advisory database cannot be fetched from here");
    Ok(())
}

fn cargo_deny() -> Result<Command> {
    let mut command = Command::new(Tool::CargoDeny.path().context("cargo-deny is not installed")?);
    command.current_dir(workspace::root()).args(["--all-features", "--log-level", "error"]);
    Ok(command)
}
