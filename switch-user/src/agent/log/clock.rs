//! Times of events as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use switch_common::table::config::Config;

use crate::report::rfc3339;

/// Knows by how much the datapath's clock is behind the kernel's.
///
/// It is always the same time, and no event is read before it happened: so the least time that an event
/// ever seemed to be old is an upper bound for it, and a good one as soon as one was read at once.
pub(super) struct Clock {
    behind: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { behind: Config::BEHIND_NS }
    }
}

impl Clock {
    /// The time of an event, in RFC 3339's form.
    pub(super) fn time(&mut self, event: u64, now: u64) -> String {
        let age = self.age(event, now);
        let time = SystemTime::now().checked_sub(Duration::from_nanos(age)).unwrap_or(UNIX_EPOCH);
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        rfc3339(u64::try_from(since.as_millis()).unwrap_or_default())
    }

    /// Nanoseconds since an event.
    fn age(&mut self, event: u64, now: u64) -> u64 {
        let seeming = now.saturating_sub(event);
        self.behind = self.behind.min(seeming);
        seeming - self.behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_learns_by_how_much_the_datapath_is_behind() {
        let mut clock = Clock::default();
        let second = 1_000_000_000;
        assert_eq!(clock.age(100 * second, 107 * second), 2 * second);
        assert_eq!(clock.age(105 * second, 107 * second), 0);
        assert_eq!(clock.age(100 * second, 107 * second), 5 * second);
        assert_eq!(clock.age(108 * second, 107 * second), 0, "another CPU was ahead");
    }
}
