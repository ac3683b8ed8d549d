//! Times of events as people write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use switch_common::table::config::Config;

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

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
        text(u64::try_from(since.as_millis()).unwrap_or_default())
    }

    /// Nanoseconds since an event.
    fn age(&mut self, event: u64, now: u64) -> u64 {
        let seeming = now.saturating_sub(event);
        self.behind = self.behind.min(seeming);
        seeming - self.behind
    }
}

/// A time in milliseconds since 1970 in the form of RFC 3339.
fn text(time: u64) -> String {
    let (year, month, day) = date(time / DAY);
    let (seconds, millis) = (time % DAY / 1000, time % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day that begin so many days after 1970.
///
/// Years are counted from March, so that the day that not all have is their last one, and in eras of 400,
/// which all have the same days (<https://howardhinnant.github.io/date_algorithms.html>).
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_standard_wants() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_001, "2000-03-01T00:00:00.001Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_599_250, "2024-12-31T23:59:59.250Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (time, expected) in cases {
            assert_eq!(text(time), expected);
        }
    }

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
