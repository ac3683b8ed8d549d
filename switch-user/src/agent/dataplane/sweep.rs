//! Ageing of learned stations, and the count of those that are left.

use std::{io, sync::Arc, time::Duration};

use super::{
    DataplaneError,
    home::{Home, Tables},
};
use crate::agent::worker::Worker;

/// Bounds of the time between two sweeps, which is a quarter of the ageing time.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Removes learned stations that are too old or belong to no port; says how many.
pub(super) fn sweep(home: &Home, tables: &mut Tables) -> Result<u64, DataplaneError> {
    let _one_at_a_time = home.sweeping();
    let before = tables.learn.count()?;
    let ports = tables.ports.read()?;
    let ageing_ns = tables.config.read()?.ageing_ns;
    let tally = tables.fdb.sweep(&ports, ageing_ns)?;
    tables.learn.settle(&before, &tally)?;
    Ok(tally.removed.values().sum())
}

/// Starts a thread that sweeps from time to time, for the first time at once.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(home: Arc<Home>) -> io::Result<Worker> {
    Worker::start("sweeper", move || {
        once(&home).unwrap_or_else(|error| {
            tracing::warn!("cannot sweep the forwarding database: {error}");
            LONGEST
        })
    })
}

/// Sweeps once; says how long to wait for the next time.
fn once(home: &Home) -> Result<Duration, DataplaneError> {
    // Opened each time, because the forwarding database may have been replaced by one of another capacity.
    let mut tables = home.tables()?;
    let removed = sweep(home, &mut tables)?;
    if removed > 0 {
        tracing::debug!(removed, "aged");
    }
    Ok(pause(tables.config.read()?.ageing_ns))
}

fn pause(ageing_ns: u64) -> Duration {
    Duration::from_nanos(ageing_ns / 4).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_a_quarter_of_the_age_within_bounds() {
        let seconds = |seconds: u64| pause(seconds * 1_000_000_000).as_secs();
        assert_eq!((seconds(1), seconds(40), seconds(300)), (1, 10, 30));
        assert_eq!(pause(u64::MAX), LONGEST);
    }
}
