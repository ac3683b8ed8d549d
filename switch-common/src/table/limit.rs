//! How many errors a port may be sent, so that a VM cannot make the switch a source of load.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::shared::Shared;

/// Name of the map: an array of [`Limit`] by slot.
pub const NAME: &str = "limits";

/// Time that one error takes: 100 a second.
pub const INTERVAL_NS: u64 = 10_000_000;
/// Errors that may come at once.
pub const BURST: u64 = 50;

/// A token bucket in one number: the time up to which what was sent is paid for (the generic cell
/// rate algorithm, ITU-T I.371).
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Limit {
    /// That time, in nanoseconds.
    pub paid: Shared,
}

impl Limit {
    /// True if one more may be sent at time `now`. CPUs that ask at the same moment may both be allowed.
    #[inline(always)]
    pub fn allows(&self, now: u64) -> bool {
        let paid = self.paid.get();
        let from = if paid > now { paid } else { now };
        if from - now >= BURST * INTERVAL_NS {
            return false;
        }
        self.paid.set(from + INTERVAL_NS);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_a_steady_rate() {
        let (limit, start) = (Limit::default(), 1_000_000_000_000_u64);
        let sent = |from: u64, to| (from..to).filter(|ms| limit.allows(start + ms * 1_000_000)).count();
        assert_eq!((0..1000).filter(|_| limit.allows(start)).count(), 50);
        assert_eq!(sent(1, 1001), 100);
    }
}
