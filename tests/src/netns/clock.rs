//! Wall clocks of processes' own: what they read as the time of day is set by the test, and may jump. How fast time
//! goes by (the kernel's monotonic clock) is as on the machine, as it is when somebody sets the clock of a host.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use tempfile::NamedTempFile;

/// A wall clock.
#[derive(Clone)]
pub struct Clock {
    /// By how much it is wrong, as libfaketime reads it.
    file: Arc<NamedTempFile>,
    library: PathBuf,
}

impl Clock {
    /// A clock that is ahead by so many seconds, or behind.
    pub fn ahead(seconds: i64) -> Self {
        let clock = Self { file: Arc::new(NamedTempFile::new().unwrap()), library: library() };
        clock.set(seconds);
        clock
    }

    /// Lets it jump.
    pub fn set(&self, seconds: i64) {
        // Replaced, so that nobody reads half of it.
        let aside = self.file.path().with_added_extension("new");
        fs::write(&aside, format!("{seconds:+}s\n")).unwrap();
        fs::rename(aside, self.file.path()).unwrap();
    }

    /// Makes it the clock of a process that is to be started.
    pub fn govern(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", self.file.path());
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

/// Debian has it at a place that names the machine's architecture.
fn library() -> PathBuf {
    let places = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut files = places.map(|place| place.path().join("faketime/libfaketimeMT.so.1"));
    files.find(|file| file.is_file()).expect("there is no libfaketime; run cargo xtask setup --part test")
}
