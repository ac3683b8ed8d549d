//! Who is to be asked, who has not answered, and what is known for nothing. Pure.

use std::collections::{BTreeMap, BTreeSet};

use switch_common::{
    addr::Mac,
    table::neighbour::{Key, Neighbour},
};

/// A station is asked once it was not heard for so long (RFC 4861, 10: `REACHABLE_TIME`).
const QUIET_NS: u64 = 30_000_000_000;
/// The same for a next hop, whose flows have another way to go.
const HOP_QUIET_NS: u64 = 3_000_000_000;
/// What nobody has asked for in so long is forgotten.
const FORGET_NS: u64 = 60_000_000_000;
/// Rounds between two questions for a next hop that does not answer, after the first few.
const SELDOM: u32 = 5;

/// A learned neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Address of the station, if it is known.
    pub mac: Option<Mac>,
    /// When it was heard last.
    pub heard: u64,
    /// When the datapath asked for it last.
    pub asked: u64,
    /// It is known that nobody answers.
    pub dead: bool,
}

/// What is to be done about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Ask a station, or all of the network.
    Ask(Key, Option<Mac>),
    /// Note that nobody answers for it, unless it was heard after this time.
    Bury(Key, u64),
    /// Forget it.
    Forget(Key),
}

/// Questions without an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    asked: u32,
    /// When the station had been heard last before it was asked.
    heard: u64,
    /// Rounds since the last question.
    rounds: u32,
}

/// What is going on, from one round to the next.
#[derive(Default)]
pub(super) struct Ledger {
    pending: BTreeMap<Key, Pending>,
}

/// What a round starts from.
pub(super) struct Round<'a> {
    /// The datapath's clock.
    pub now: u64,
    /// Learned neighbours.
    pub learned: &'a BTreeMap<Key, Row>,
    /// Next hops of static routes, but for those that are configured neighbours.
    pub hops: &'a BTreeSet<Key>,
    /// Networks that are routed.
    pub networks: &'a BTreeSet<u32>,
    /// Most questions.
    pub limit: usize,
}

impl Ledger {
    /// Decides what to do in this round; rounds are a second apart.
    pub(super) fn decide(&mut self, round: &Round<'_>) -> Vec<Deed> {
        self.pending.retain(|key, _| round.learned.contains_key(key) || round.hops.contains(key));
        let mut deeds = Vec::new();
        // Those first who are not heard for the longest time, so that a limit forgets nobody.
        let mut rows: Vec<(&Key, &Row)> = round.learned.iter().collect();
        rows.sort_unstable_by_key(|(key, row)| (row.heard, **key));
        let mut left = round.limit;
        for (key, row) in rows {
            deeds.extend(self.learned(round, *key, row, &mut left));
        }
        let missing = round.hops.iter().filter(|key| !round.learned.contains_key(key));
        for key in missing {
            deeds.extend(self.hop(*key, false, &mut left));
        }
        deeds
    }

    fn learned(&mut self, round: &Round<'_>, key: Key, row: &Row, left: &mut usize) -> Option<Deed> {
        let is_hop = round.hops.contains(&key);
        if !round.networks.contains(&key.network) {
            return Some(Deed::Forget(key));
        }
        if row.mac.is_none() {
            let unwanted = round.now.saturating_sub(row.asked) >= FORGET_NS;
            return match (is_hop, unwanted) {
                (true, _) => self.hop(key, row.dead, left),
                (false, true) => Some(Deed::Forget(key)),
                (false, false) => None,
            };
        }
        let quiet = if is_hop { HOP_QUIET_NS } else { QUIET_NS };
        if round.now.saturating_sub(row.heard) < quiet {
            self.pending.remove(&key);
            return None;
        }
        self.ask(key, row.mac, row.heard, left)
    }

    /// One question after the other, until it is clear that nobody answers.
    fn ask(&mut self, key: Key, mac: Option<Mac>, heard: u64, left: &mut usize) -> Option<Deed> {
        let pending = self.pending.entry(key).or_default();
        if pending.heard != heard {
            *pending = Pending { heard, ..Pending::default() };
        }
        if u64::from(pending.asked) >= Neighbour::PATIENCE {
            return Some(Deed::Bury(key, heard));
        }
        *left = left.checked_sub(1)?;
        pending.asked += 1;
        Some(Deed::Ask(key, mac))
    }

    /// A next hop without a MAC address is asked for again and again: nobody else would, because
    /// packets take other ways.
    fn hop(&mut self, key: Key, dead: bool, left: &mut usize) -> Option<Deed> {
        let pending = self.pending.entry(key).or_default();
        let few = u64::from(pending.asked) < Neighbour::PATIENCE;
        if !few && !dead {
            return Some(Deed::Bury(key, pending.heard));
        }
        pending.rounds += 1;
        if !few && pending.rounds < SELDOM {
            return None;
        }
        *left = left.checked_sub(1)?;
        *pending = Pending { asked: pending.asked.saturating_add(1), rounds: 0, ..*pending };
        Some(Deed::Ask(key, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Rounds of one second each, with a world in which deeds have their effect and nobody answers.
    struct World {
        now: u64,
        learned: BTreeMap<Key, Row>,
        hops: BTreeSet<Key>,
        limit: usize,
        ledger: Ledger,
    }

    impl World {
        fn new(learned: &[(Key, Row)], hops: &[Key]) -> Self {
            let (learned, hops) = (learned.iter().copied().collect(), hops.iter().copied().collect());
            Self { now: 1000 * SECOND, learned, hops, limit: 100, ledger: Ledger::default() }
        }

        fn round(&mut self) -> Vec<Deed> {
            let networks = BTreeSet::from([10]);
            let (learned, hops) = (&self.learned, &self.hops);
            let round = Round { now: self.now, learned, hops, networks: &networks, limit: self.limit };
            let deeds = self.ledger.decide(&round);
            self.now += SECOND;
            for deed in &deeds {
                if let Deed::Bury(key, heard) = deed {
                    let row = Row { mac: None, heard: *heard, asked: self.now, dead: true };
                    self.learned.insert(*key, row);
                } else if let Deed::Forget(key) = deed {
                    self.learned.remove(key);
                }
            }
            deeds
        }

        fn rounds(&mut self, count: usize) -> Vec<Deed> {
            (0..count).flat_map(|_| self.round()).collect()
        }
    }

    fn key(network: u32, last: u64) -> Key {
        Key { network, family: 4, address: [last, 0] }
    }

    fn mac() -> Mac {
        Mac::new([2, 0, 0, 0, 0, 9])
    }

    fn heard(seconds_ago: u64) -> Row {
        Row { mac: Some(mac()), heard: (1000 - seconds_ago) * SECOND, asked: 0, dead: false }
    }

    #[test]
    fn a_station_that_is_not_heard_is_asked_three_times_and_then_dead() {
        let key = key(10, 1);
        let mut world = World::new(&[(key, heard(28))], &[]);
        assert_eq!(world.rounds(2), []);
        assert_eq!(world.rounds(3), [Deed::Ask(key, Some(mac())); 3]);
        assert_eq!(world.rounds(1), [Deed::Bury(key, 972 * SECOND)]);
        assert_eq!(world.rounds(60), []);
        assert_eq!(world.rounds(1), [Deed::Forget(key)], "nobody has asked for it in a minute");
    }

    #[test]
    fn a_station_that_answers_is_left_alone() {
        let key = key(10, 1);
        let mut world = World::new(&[(key, heard(30))], &[]);
        assert_eq!(world.rounds(2).len(), 2);
        world.learned.insert(key, Row { heard: world.now, ..heard(0) });
        assert_eq!(world.rounds(30), []);
        assert_eq!(world.rounds(3), [Deed::Ask(key, Some(mac())); 3], "what was asked before is forgotten");
    }

    #[test]
    fn a_next_hop_is_asked_until_it_answers() {
        let key = key(10, 1);
        let mut world = World::new(&[], &[key]);
        assert_eq!(world.rounds(3), [Deed::Ask(key, None); 3]);
        assert_eq!(world.rounds(1), [Deed::Bury(key, 0)]);
        assert_eq!(world.rounds(100), [Deed::Ask(key, None); 20], "every five seconds, and not forgotten");
        world.learned.insert(key, Row { heard: world.now, ..heard(0) });
        assert_eq!(world.rounds(3), []);
        assert_eq!(world.rounds(1), [Deed::Ask(key, Some(mac()))], "others have another way to go");
    }

    #[test]
    fn a_next_hop_that_the_datapath_has_asked_for_is_dead_when_it_does_not_answer() {
        let key = key(10, 1);
        let row = Row { mac: None, heard: 0, asked: 1000 * SECOND, dead: false };
        let mut world = World::new(&[(key, row)], &[key]);
        assert_eq!(world.rounds(4), [[Deed::Ask(key, None); 3].as_slice(), &[Deed::Bury(key, 0)]].concat());
    }

    #[test]
    fn what_is_known_of_a_network_that_is_gone_is_forgotten() {
        let gone = key(20, 1);
        assert_eq!(World::new(&[(gone, heard(0))], &[]).rounds(1), [Deed::Forget(gone)]);
    }

    #[test]
    fn a_limit_delays_but_forgets_nobody() {
        let rows: Vec<(Key, Row)> = (0..10).map(|last| (key(10, last), heard(100))).collect();
        let mut world = World::new(&rows, &[]);
        world.limit = 3;
        let deeds = world.rounds(14);
        let buried = deeds.iter().filter(|deed| matches!(deed, Deed::Bury(..))).count();
        assert_eq!((buried, deeds.len() - buried), (10, 30));
    }
}
