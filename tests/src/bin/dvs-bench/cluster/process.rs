//! What the manager takes of the machine.

use std::{fs, time::Instant};

use anyhow::{Context as _, Result};

/// A process that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched(pub(super) u32);

/// Time of the CPU that it has had, at a moment.
pub(super) struct Spent {
    ticks: f64,
    at: Instant,
}

impl Watched {
    /// What it has had.
    pub(super) fn spent(self) -> Result<Spent> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        Ok(Spent { ticks: ticks(&stat).context("/proc/PID/stat has another form")?, at: Instant::now() })
    }

    /// Percent of one CPU that it has had since.
    pub(super) fn percent(self, since: &Spent) -> Result<f64> {
        let now = self.spent()?;
        // Ticks of /proc are hundredths of a second.
        Ok((now.ticks - since.ticks) / now.at.duration_since(since.at).as_secs_f64())
    }

    /// Megabytes that it has.
    pub(super) fn resident(self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// Most megabytes that it has had.
    pub(super) fn peak(self) -> Result<f64> {
        self.status("VmHWM:")
    }

    fn status(self, field: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        Ok(kilobytes.with_context(|| format!("no {field} in /proc/PID/status"))? * 1024.0 / 1e6)
    }
}

/// Ticks in user and kernel mode. The name of the program, which comes before, may have blanks.
fn ticks(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20 0";
        assert_eq!(ticks(stat), Some(42.0));
        assert_eq!(ticks("7 (a"), None);
    }
}
