//! When a host reports.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use crate::api::HostLease;

/// Reports are about so much more often than the host's time is over.
const REPORTS: u32 = 3;

/// How often a host has to report, and how many others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    timeout: Duration,
    spread: Duration,
}

impl Pace {
    /// As a manager says it.
    #[must_use]
    pub const fn of(lease: &HostLease) -> Self {
        let (timeout, spread) =
            (Duration::from_millis(lease.timeout_ms), Duration::from_millis(lease.spread_ms));
        Self { timeout, spread }
    }

    /// How long a host with nothing to say waits before it reports again: about a third of its time, and each time and
    /// host another, because after a change for all of them they would report at the same moments from then on.
    #[must_use]
    pub fn pause(self) -> Duration {
        jittered(self.timeout / REPORTS * 5 / 4)
    }

    /// How long a host waits before it says what it has applied, so that others hear of the change first.
    #[must_use]
    pub fn turn(self) -> Duration {
        random(self.spread)
    }
}

/// Between a half and the whole of it, so that hosts do not all come back at the same moment.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause / 2 + random(pause / 2)
}

/// Between nothing and the whole of it.
fn random(most: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    most * u32::try_from(random).unwrap_or_default() / 1000
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, ops::RangeInclusive};

    use super::*;

    #[test]
    fn pauses_differ_and_keep_their_bounds() {
        let pace = Pace { timeout: Duration::from_secs(3), spread: Duration::from_millis(100) };
        let millis = Duration::from_millis;
        let kinds: [(&dyn Fn() -> Duration, RangeInclusive<Duration>); 3] = [
            (&|| pace.pause(), millis(625)..=millis(1250)),
            (&|| pace.turn(), millis(0)..=millis(100)),
            (&|| jittered(millis(100)), millis(50)..=millis(100)),
        ];
        for (number, (pause, bounds)) in kinds.into_iter().enumerate() {
            let pauses: BTreeSet<Duration> = (0..64).map(|_| pause()).collect();
            assert!(pauses.len() > 1, "{number}");
            assert!(pauses.iter().all(|pause| bounds.contains(pause)), "{number}: {pauses:?}");
        }
        let alone = Pace { spread: Duration::ZERO, ..pace };
        assert_eq!(alone.turn(), Duration::ZERO);
    }
}
