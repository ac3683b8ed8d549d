//! The log of those who are refused.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lines that are written at most in a while, so that nobody fills the log by being refused.
const LINES: u32 = 10;
/// The while.
const WHILE: Duration = Duration::from_secs(10);

/// Writes refusals into the log, within limits.
#[derive(Debug)]
pub(super) struct Refusals(Mutex<Count>);

#[derive(Debug)]
struct Count {
    since: Instant,
    written: u32,
    left_out: u64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self(Mutex::new(Count { since: Instant::now(), written: 0, left_out: 0 }))
    }
}

impl Refusals {
    /// Says who is refused, and why.
    pub(super) fn say(&self, peer: SocketAddr, why: &dyn fmt::Display) {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left_out) = count.take(Instant::now()) {
            drop(count);
            if left_out > 0 {
                tracing::warn!("{left_out} more were refused");
            }
            tracing::warn!("refused {peer}: {why}");
        }
    }
}

impl Count {
    /// Takes a line, and says how many were left out before it; none if there are enough for the moment.
    fn take(&mut self, now: Instant) -> Option<u64> {
        if now.duration_since(self.since) >= WHILE {
            (self.since, self.written) = (now, 0);
        }
        if self.written == LINES {
            self.left_out += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_not_flooded() {
        let begin = Instant::now();
        let mut count = Count { since: begin, written: 0, left_out: 0 };
        let written = (0..100).filter(|_| count.take(begin).is_some()).count();
        assert_eq!(written, 10);
        assert_eq!(count.take(begin + WHILE), Some(90));
        assert_eq!(count.take(begin + WHILE), Some(0));
    }
}
