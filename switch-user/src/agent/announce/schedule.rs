//! When a port is announced. Pure.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Times after the opening at which a port is announced: frames get lost, and a switch may be slow to let them through.
const TIMES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(300),
    Duration::from_millis(700),
];

/// A port that was opened.
struct Turn {
    epoch: u64,
    opened: Instant,
    said: usize,
}

impl Turn {
    fn due(&self) -> Option<Instant> {
        TIMES.get(self.said).map(|time| self.opened + *time)
    }
}

/// All ports that were opened by claims.
#[derive(Default)]
pub(super) struct Schedule(BTreeMap<String, Turn>);

impl Schedule {
    /// Takes over which ports are open, with the epochs of their claims.
    pub(super) fn follow(&mut self, opened: &BTreeMap<String, u64>, now: Instant) {
        self.0.retain(|port, _| opened.contains_key(port));
        for (port, epoch) in opened {
            if self.0.get(port).is_none_or(|turn| turn.epoch < *epoch) {
                self.0.insert(port.clone(), Turn { epoch: *epoch, opened: now, said: 0 });
            }
        }
    }

    /// Ports that are to be announced now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<String> {
        let mut due = Vec::new();
        for (port, turn) in &mut self.0 {
            if turn.due().is_some_and(|due| due <= now) {
                turn.said += 1;
                due.push(port.clone());
            }
        }
        due
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(Turn::due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(ports: &[(&str, u64)]) -> BTreeMap<String, u64> {
        ports.iter().map(|(port, epoch)| ((*port).to_owned(), *epoch)).collect()
    }

    /// Milliseconds from the start at which something is said.
    fn times(schedule: &mut Schedule, start: Instant) -> Vec<u128> {
        let mut times = Vec::new();
        while let Some(due) = schedule.next() {
            assert_eq!(schedule.due(due), ["p1"]);
            times.push((due - start).as_millis());
        }
        times
    }

    #[test]
    fn a_port_is_announced_five_times_after_each_claim_and_no_more() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        schedule.follow(&opened(&[("p1", 2)]), start);
        assert_eq!(times(&mut schedule, start), [0, 50, 150, 300, 700]);
        schedule.follow(&opened(&[("p1", 2)]), start + Duration::from_secs(1));
        assert_eq!(schedule.next(), None);
        schedule.follow(&opened(&[("p1", 3)]), start + Duration::from_secs(1));
        assert_eq!(times(&mut schedule, start), [1000, 1050, 1150, 1300, 1700]);
    }

    #[test]
    fn a_port_that_closes_is_silent() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        schedule.follow(&opened(&[("p1", 2)]), start);
        schedule.follow(&opened(&[]), start);
        assert_eq!(schedule.due(start), [""; 0]);
    }
}
