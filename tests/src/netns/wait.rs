//! Waiting for a condition, within bounds.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a condition may take to come true that takes milliseconds on an idle machine, and seconds in
/// an emulated one whose verifier has much to do.
pub const LIMIT: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(2);

/// Asks until there is an answer.
///
/// # Panics
/// When there is none after [`LIMIT`].
#[track_caller]
pub fn until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    within(LIMIT, &mut answer).unwrap_or_else(|| panic!("{what}: not within {} s", LIMIT.as_secs()))
}

/// Asks until there is an answer or the time is up.
pub fn within<T>(limit: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        let found = answer();
        if found.is_some() || Instant::now() >= end {
            return found;
        }
        sleep(PAUSE);
    }
}
