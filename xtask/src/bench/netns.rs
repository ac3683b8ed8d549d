//! Network namespaces that live as long as their owner.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::shell;

/// First part of the name of every namespace of ours; the process id follows.
const PREFIX: &str = "dvsb-";
/// Where `ip netns` keeps them.
const DIRECTORY: &str = "/run/netns";

/// A namespace; dropping it removes it with all devices in it.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// A new one, whose name no other run of this tool uses.
    pub(crate) fn new(suffix: &str) -> Result<Self> {
        let name = format!("{PREFIX}{}-{suffix}", std::process::id());
        shell::quiet(Command::new("ip").args(["netns", "add", &name]))?;
        let new = Self { name };
        new.ip("link set lo up")?;
        Ok(new)
    }

    /// As `ip` calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` in the namespace.
    pub(crate) fn ip(&self, arguments: &str) -> Result<String> {
        shell::quiet(Command::new("ip").args(["-n", &self.name]).args(arguments.split_whitespace()))
    }

    /// Runs a command in the namespace that ends soon.
    pub(crate) fn quick(&self, words: &[&str]) -> Result<String> {
        shell::quiet(Command::new("timeout").args(["5", "ip", "netns", "exec", &self.name]).args(words))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = shell::quiet(Command::new("ip").args(["netns", "del", &self.name])) {
            eprintln!("warning: namespace {} is left behind: {error:#}", self.name);
        }
    }
}

/// Removes the namespaces of runs that were killed.
pub(crate) fn sweep() -> Result<()> {
    let Ok(entries) = fs::read_dir(DIRECTORY) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_orphan(&name) {
            shell::quiet(Command::new("ip").args(["netns", "del", &name]))
                .with_context(|| format!("removing {name}, which an earlier run left behind"))?;
        }
    }
    Ok(())
}

/// True for a namespace of this tool whose process is gone.
fn is_orphan(name: &str) -> bool {
    let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
    process
        .and_then(|id| id.parse::<u32>().ok())
        .is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_of_dead_runs_are_orphans() {
        assert!(is_orphan("dvsb-4294967295-veth-a"));
        assert!(!is_orphan(&format!("dvsb-{}-veth-a", std::process::id())));
        assert!(!is_orphan("dvsb-x-a"));
        assert!(!is_orphan("4294967295"));
    }
}
