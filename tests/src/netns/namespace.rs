//! Network namespaces of the tests' own.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};

use nix::sched::{CloneFlags, setns};

use super::process::{finish, run};

/// Where `ip netns` keeps the namespaces that have names.
const NAMED: &str = "/run/netns";
/// What all names begin with, followed by the number of the process that they belong to.
const PREFIX: &str = "dvst";

/// A network namespace with a name of its own; removed with all its devices when dropped.
pub struct Namespace {
    name: String,
    file: Arc<File>,
}

impl Namespace {
    /// Makes a namespace; the label is for people who look at a test that hangs.
    pub fn new(label: &str) -> Self {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        let name = format!("{}-{label}", unique());
        run(Command::new("ip").args(["netns", "add", &name]));
        let file = Arc::new(File::open(Path::new(NAMED).join(&name)).unwrap());
        let namespace = Self { name, file };
        namespace.ip("link set lo up");
        namespace
    }

    /// The name that `ip netns` knows.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does something in the namespace, in a thread of its own.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(self.file.as_fd(), CloneFlags::CLONE_NEWNET).unwrap();
            work()
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).unwrap()
    }

    /// A command that will run in the namespace; files and mounts are the machine's.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let file = Arc::clone(&self.file);
        // SAFETY: setns is a system call and nothing else.
        unsafe { command.pre_exec(move || Ok(setns(file.as_fd(), CloneFlags::CLONE_NEWNET)?)) };
        command
    }

    /// Runs `ip` with each line of this text.
    #[track_caller]
    pub fn ip(&self, lines: &str) {
        let batch = tempfile::NamedTempFile::new().unwrap();
        fs::write(batch.path(), lines).unwrap();
        run(Command::new("ip").args(["-n", &self.name, "-batch"]).arg(batch.path()));
    }

    /// The part of `ip -json` output that belongs to a device.
    #[track_caller]
    pub fn link(&self, device: &str) -> serde_json::Value {
        let shown =
            run(Command::new("ip")
                .args(["-n", &self.name, "-json", "-details", "link", "show", "dev", device]));
        serde_json::from_str::<serde_json::Value>(&shown).unwrap()[0].clone()
    }

    /// Sets a network setting, such as `ipv6/conf/default/disable_ipv6`.
    pub fn sysctl(&self, setting: &str, value: &str) {
        let path = Path::new("/proc/sys/net").join(setting);
        self.enter(|| fs::write(&path, value)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A test that fails says why by itself.
        finish(Command::new("ip").args(["netns", "delete", &self.name]));
    }
}

/// A name that nobody else has.
pub(super) fn unique() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{PREFIX}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Removes what tests that were killed have left behind.
fn sweep() {
    let Ok(entries) = fs::read_dir(NAMED) else { return };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    for name in names.filter(|name| owner(name).is_some_and(|pid| !Path::new("/proc").join(pid).exists())) {
        finish(Command::new("ip").args(["netns", "delete", &name]));
    }
}

/// Number of the process that a namespace of the tests belongs to.
fn owner(name: &str) -> Option<&str> {
    let (prefix, rest) = name.split_once('-')?;
    let (pid, _) = rest.split_once('-')?;
    (prefix == PREFIX).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_tests_have_an_owner() {
        assert_eq!(owner("dvst-17-3-p1"), Some("17"));
        assert_eq!(owner("dvs-p1"), None);
        assert_eq!(owner("router-17-3"), None);
    }

    #[test]
    fn names_are_unique() {
        assert_ne!(unique(), unique());
    }
}
