//! The machine that the numbers are from.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{shell, workspace};

/// What a reader has to know to compare.
#[derive(Serialize)]
pub(crate) struct Machine {
    /// Name of the processor.
    pub(crate) cpu: String,
    /// CPUs of it.
    pub(crate) cpus: usize,
    /// Version of the kernel.
    pub(crate) kernel: String,
    /// Day of the run.
    pub(crate) date: String,
    /// Commit of the sources, if that is known.
    pub(crate) commit: Option<String>,
}

impl Machine {
    /// This one, today.
    pub(crate) fn describe() -> Result<Self> {
        let git = shell::quiet(
            Command::new("git").current_dir(workspace::root()).args(["describe", "--always", "--dirty"]),
        );
        Ok(Self {
            cpu: cpu()?,
            cpus: std::thread::available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            date: shell::quiet(Command::new("date").args(["--utc", "+%Y-%m-%d"]))?.trim().to_owned(),
            commit: git.ok().map(|commit| commit.trim().to_owned()),
        })
    }
}

fn cpu() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    Ok(line.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned())
}

/// How busy all CPUs are for a moment.
pub(crate) fn busy_percent() -> Result<f64> {
    let before = Ticks::read()?;
    std::thread::sleep(Duration::from_millis(300));
    let after = Ticks::read()?;
    let (total, idle) = (after.total - before.total, after.idle - before.idle);
    Ok(if total > 0.0 { 100.0 * (total - idle) / total } else { 0.0 })
}

struct Ticks {
    total: f64,
    idle: f64,
}

impl Ticks {
    fn read() -> Result<Self> {
        Self::parse(&fs::read_to_string("/proc/stat")?).context("/proc/stat has no line for all CPUs")
    }

    /// Of the line `cpu  user nice system idle iowait ...`.
    fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<f64> = text
            .lines()
            .find_map(|line| line.strip_prefix("cpu "))?
            .split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect();
        Some(Self { total: numbers.iter().sum(), idle: numbers.get(3)? + numbers.get(4)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_includes_waiting_for_disks() {
        let ticks = Ticks::parse("cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1 2 3 4 5 0 0 0 0 0\n").unwrap();
        assert!((ticks.total - 100.0).abs() < 1e-9 && (ticks.idle - 70.0).abs() < 1e-9);
    }
}
