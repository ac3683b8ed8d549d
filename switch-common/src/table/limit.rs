//! What a port's packets may cause: few enough errors, questions and events, so that a VM can neither
//! make the switch a source of load nor fill its table of neighbours.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::shared::Shared;

/// Name of the map: an array of [`Limit`] by slot.
pub const NAME: &str = "limits";

/// Time that one error or question takes: 100 a second.
pub const INTERVAL_NS: u64 = 10_000_000;
/// Errors, and questions, that may come at once.
pub const BURST: u64 = 50;

/// What a port's packets make the switch send.
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Limit {
    /// Errors, to the port itself.
    pub errors: Bucket,
    /// Questions for stations that were not asked for before, to all of a network (RFC 6583).
    pub questions: Bucket,
    /// Events of rules that decided about the port's packets.
    pub events: Bucket,
    /// Until this coarse monotonic time the port's firewall takes packets of TCP connections whose
    /// beginning it has not seen, if its policies would have let them begin.
    pub grace: Shared,
}

const _: () = assert!(size_of::<Limit>() == 32);

/// A token bucket in one number: the time up to which what was sent is paid for (the generic cell
/// rate algorithm, ITU-T I.371).
#[derive(Clone, Debug, Default, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Bucket {
    /// That time, in nanoseconds.
    pub paid: Shared,
}

impl Bucket {
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
        let (limit, start) = (Bucket::default(), 1_000_000_000_000_u64);
        let sent = |from: u64, to| (from..to).filter(|ms| limit.allows(start + ms * 1_000_000)).count();
        assert_eq!((0..1000).filter(|_| limit.allows(start)).count(), 50);
        assert_eq!(sent(1, 1001), 100);
    }
}
