//! Network namespaces; gone when they are dropped.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::shell;

/// Where `ip netns` keeps them.
const DIRECTORY: &str = "/run/netns";

/// A namespace of ours.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes the namespace `dvs-LABEL`, in place of one that an earlier run left behind.
    pub(crate) fn new(label: &str) -> Result<Self> {
        if Self::exists(label) {
            remove(&name(label));
        }
        let namespace = Self { name: name(label) };
        ip(&["netns", "add", &namespace.name])?;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Whether there is a namespace `dvs-LABEL`.
    pub(crate) fn exists(label: &str) -> bool {
        Path::new(DIRECTORY).join(name(label)).exists()
    }

    /// As `ip` calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` with the words of a line in the namespace.
    pub(crate) fn ip(&self, line: &str) -> Result<()> {
        let words: Vec<_> = ["-n", &self.name].into_iter().chain(line.split_whitespace()).collect();
        ip(&words)
    }

    /// A bridge, at which others are plugged in.
    pub(crate) fn add_bridge(&self, bridge: &str) -> Result<()> {
        self.ip(&format!("link add {bridge} type bridge"))?;
        self.ip(&format!("link set {bridge} addrgenmode none up"))
    }

    /// Connects a device of another namespace to a bridge, at which its other end has that one's name.
    pub(crate) fn connect(&self, bridge: &str, other: &Self, device: &str) -> Result<()> {
        let (end, far) = (&other.name, &other.name);
        self.ip(&format!("link add {end} type veth peer name {device} netns {far}"))?;
        self.ip(&format!("link set {end} master {bridge} addrgenmode none up"))?;
        other.ip(&format!("link set {device} addrgenmode none up"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

fn name(label: &str) -> String {
    format!("dvs-{label}")
}

fn remove(name: &str) {
    shell::succeeds(Command::new("ip").args(["netns", "del", name]));
}

/// Runs `ip` on this machine itself.
pub(crate) fn ip(arguments: &[&str]) -> Result<()> {
    shell::quiet(Command::new("ip").args(arguments)).map(drop)
}
