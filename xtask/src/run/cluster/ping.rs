//! Pings that go on for a while, and when each was answered.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::super::namespace::Namespace;
use super::process::background;

/// Seconds from one ping to the next.
const INTERVAL: &str = "0.005";

/// A reply: when it came, and to which request.
type Reply = (Instant, u64);

/// Pings an address until it is dropped.
pub(super) struct Ping {
    child: Child,
    replies: Arc<Mutex<Vec<Reply>>>,
}

/// What pings say of a time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How many there were.
    pub(super) sent: u64,
    /// How many of them had no reply.
    pub(super) lost: u64,
}

impl Ping {
    /// Begins to ping.
    pub(super) fn start(from: &Namespace, to: &str) -> Result<Self> {
        let mut command = background(Some(from), "ping");
        command
            .args(["-n", "-i", INTERVAL, to])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot ping {to}"))?;
        let lines = BufReader::new(child.stdout.take().context("ping has no output")?).lines();
        let replies = Arc::<Mutex<Vec<Reply>>>::default();
        let found = Arc::clone(&replies);
        thread::spawn(move || {
            for number in lines.map_while(Result::ok).filter_map(|line| number(&line)) {
                found.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), number));
            }
        });
        Ok(Self { child, replies })
    }

    /// When the first reply came after a moment.
    pub(super) fn first_after(&self, moment: Instant) -> Option<Instant> {
        self.replies().iter().map(|(at, _)| *at).find(|at| *at > moment)
    }

    /// How many replies came so far.
    pub(super) fn count(&self) -> usize {
        self.replies().len()
    }

    /// What has become of all pings between the first reply and the last.
    pub(super) fn outcome(&self) -> Outcome {
        outcome(&self.replies())
    }

    fn replies(&self) -> Vec<Reply> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Ping {
    fn drop(&mut self) {
        // It may have ended by itself, and is killed with this program otherwise.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The number in `64 bytes from 10.0.10.11: icmp_seq=7 ttl=64 time=0.1 ms`.
fn number(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once(" bytes from ")?.1.split_once("icmp_seq=")?;
    rest.split(' ').next()?.parse().ok()
}

fn outcome(replies: &[Reply]) -> Outcome {
    let numbers: BTreeSet<_> = replies.iter().map(|(_, number)| *number).collect();
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Outcome::default() };
    let sent = last - first + 1;
    Outcome { sent, lost: sent - numbers.len() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_and_nothing_else() {
        assert_eq!(number("64 bytes from 10.0.10.11: icmp_seq=7 ttl=64 time=0.1 ms"), Some(7));
        assert_eq!(number("64 bytes from fd00:10::11: icmp_seq=12 ttl=64 time=1 ms (DUP!)"), Some(12));
        assert_eq!(number("From 10.0.10.12 icmp_seq=7 Destination Host Unreachable"), None);
    }

    #[test]
    fn what_is_missing_between_replies_is_lost() {
        let replies = [3, 4, 13, 13, 14].map(|number| (Instant::now(), number));
        assert_eq!(outcome(&replies), Outcome { sent: 12, lost: 8 });
        assert_eq!(outcome(&[]), Outcome::default());
    }
}
