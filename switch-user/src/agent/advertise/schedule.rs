//! When advertisements are due (RFC 4861, 6.2.4). Pure.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::agent::scene::Exit;

/// Least time between two advertisements (`MinRtrAdvInterval`), and what comes on top at random: at
/// most ten minutes together (`MaxRtrAdvInterval`).
const SHORTEST: Duration = Duration::from_secs(200);
const SPREAD_MS: u64 = 400_000;
/// So many come soon after each other (`MAX_INITIAL_RTR_ADVERTISEMENTS`), this far apart
/// (`MIN_DELAY_BETWEEN_RAS`).
const INITIAL: u32 = 3;
const SOON: Duration = Duration::from_secs(3);
/// Least time between two answers at a port.
const PATIENCE: Duration = Duration::from_millis(100);

/// A network at a port.
pub(super) type Place = (u16, Exit);

/// What is said at a place, and when.
struct Turn {
    message: Vec<u8>,
    sent: u32,
    due: Instant,
    answered: Option<Instant>,
}

/// All places where the router is to be advertised.
#[derive(Default)]
pub(super) struct Schedule(BTreeMap<Place, Turn>);

impl Schedule {
    /// Takes over what is to be said where. What is new is said at once, a few times.
    pub(super) fn follow(&mut self, wanted: BTreeMap<Place, Vec<u8>>, now: Instant) {
        self.0.retain(|place, _| wanted.contains_key(place));
        for (place, message) in wanted {
            if self.0.get(&place).is_none_or(|turn| turn.message != message) {
                self.0.insert(place, Turn { message, sent: 0, due: now, answered: None });
            }
        }
    }

    /// Devices at which the router is advertised.
    pub(super) fn devices(&self) -> impl Iterator<Item = u32> {
        self.0.keys().map(|(_, exit)| exit.ifindex)
    }

    /// Where something is to be said now, and what. `random` spreads the next times.
    pub(super) fn due(&mut self, now: Instant, mut random: impl FnMut() -> u64) -> Vec<(Exit, Vec<u8>)> {
        let mut due = Vec::new();
        for ((_, exit), turn) in self.0.iter_mut().filter(|(_, turn)| turn.due <= now) {
            due.push((*exit, turn.message.clone()));
            turn.sent = turn.sent.saturating_add(1);
            let later = SHORTEST + Duration::from_millis(random() % SPREAD_MS);
            turn.due = now + if turn.sent < INITIAL { SOON } else { later };
        }
        due
    }

    /// What is said to a station that asks in a network at a device, unless another one was answered
    /// a moment ago.
    pub(super) fn answer(&mut self, ifindex: u32, network: u16, now: Instant) -> Option<(Exit, Vec<u8>)> {
        let is_it = |place: &Place| place.0 == network && place.1.ifindex == ifindex;
        let (place, turn) = self.0.iter_mut().find(|(place, _)| is_it(place))?;
        if turn.answered.is_some_and(|answered| now.duration_since(answered) < PATIENCE) {
            return None;
        }
        turn.answered = Some(now);
        Some((place.1, turn.message.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::frame::tests::PORT;

    fn wanted(networks: &[u16], message: u8) -> BTreeMap<Place, Vec<u8>> {
        networks.iter().map(|network| ((*network, PORT), vec![message])).collect()
    }

    /// Seconds from the start at which something is said, looked at every second.
    fn times(schedule: &mut Schedule, start: Instant, seconds: std::ops::Range<u64>) -> Vec<u64> {
        let said = |second: &u64| !schedule.due(start + Duration::from_secs(*second), || 100_000).is_empty();
        seconds.filter(said).collect()
    }

    #[test]
    fn the_first_three_come_soon_and_the_others_seldom() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        schedule.follow(wanted(&[10], 1), start);
        assert_eq!(times(&mut schedule, start, 0..700), [0, 3, 6, 306, 606]);
        schedule.follow(wanted(&[10], 1), start + Duration::from_secs(700));
        assert_eq!(times(&mut schedule, start, 700..800), [0; 0], "nothing is new");
        schedule.follow(wanted(&[10], 2), start + Duration::from_secs(800));
        assert_eq!(times(&mut schedule, start, 800..900), [800, 803, 806], "something else is to be said");
    }

    #[test]
    fn the_time_between_two_is_within_its_bounds() {
        for random in [0, 399_999, u64::MAX] {
            let (mut schedule, start) = (Schedule::default(), Instant::now());
            schedule.follow(wanted(&[10], 1), start);
            let mut at = start;
            for _ in 0..INITIAL {
                assert_eq!(schedule.due(at, || random).len(), 1);
                at += SOON;
            }
            // The last one was said before the last step.
            let after = |seconds| at + Duration::from_secs(seconds - SOON.as_secs());
            assert_eq!(schedule.due(after(199), || random).len(), 0);
            assert_eq!(schedule.due(after(600), || random).len(), 1);
        }
    }

    #[test]
    fn whoever_asks_is_answered_but_not_too_often() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        schedule.follow(wanted(&[10, 20], 1), start);
        let answers = |schedule: &mut Schedule, network, after| {
            schedule.answer(PORT.ifindex, network, start + Duration::from_millis(after)).is_some()
        };
        assert!(answers(&mut schedule, 10, 0));
        assert!(!answers(&mut schedule, 10, 99));
        assert!(answers(&mut schedule, 20, 99));
        assert!(answers(&mut schedule, 10, 100));
        assert!(!answers(&mut schedule, 30, 100), "the router is not advertised there");
        assert_eq!(schedule.answer(PORT.ifindex + 1, 10, start), None);
    }
}
