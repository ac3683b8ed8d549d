//! The rule sets of firewalls, which the benchmark's own tool makes: the same for all of them.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};

use super::super::{lab::Lab, tool};
use crate::shell;

/// Name of the policy, and of the table of nftables.
pub(super) const POLICY: &str = "bench";

/// Writes so many rules for `dvs apply` or for `nft -f`; the name of the file.
pub(super) fn write(lab: &Lab, count: u32, form: &str) -> Result<String> {
    let count = count.to_string();
    let text = shell::quiet(Command::new(tool::path()).args(["rules", &count, "--form", form]))?;
    let file = lab.directory().join(format!("rules.{form}"));
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file.to_str().context("the target directory is no UTF-8")?.to_owned())
}

/// The rule that is changed, counted from 1: one about ports, in the middle.
pub(super) const fn changed(count: u32) -> u32 {
    count / 20 * 10 + 2
}

/// Its ports after a change, never those of the last change.
pub(super) fn port(change: u32) -> String {
    (61_000 + change % 1000).to_string()
}
