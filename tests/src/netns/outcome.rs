//! What became of a frame.

use std::collections::BTreeMap;

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;
use switch_common::verdict::DropReason;

use super::frames::Frame;
use super::host::Host;

/// Number of drops by port and reason.
type Drops = BTreeMap<(String, String), u64>;

/// Everything that the switch did with one frame.
#[derive(Debug)]
#[must_use]
pub struct Outcome {
    /// The frame.
    pub sent: Frame,
    /// What arrived, by port or uplink.
    pub delivered: BTreeMap<String, Vec<Frame>>,
    /// What was dropped, by port or uplink and reason.
    pub drops: Drops,
}

impl Outcome {
    /// Asserts that exactly these got exactly this, once each, and that nothing was dropped.
    #[track_caller]
    pub fn reaches(&self, wanted: &[(&str, &Frame)]) {
        self.is(wanted, &[]);
    }

    /// Asserts that nobody got anything, and that the port counted one drop for this reason.
    #[track_caller]
    pub fn dropped(&self, port: &str, reason: DropReason) {
        self.is(&[], &[(port, reason)]);
    }

    /// Asserts that exactly these got exactly this, once each, and that exactly these dropped.
    #[track_caller]
    pub fn is(&self, wanted: &[(&str, &Frame)], drops: &[(&str, DropReason)]) {
        let wanted: BTreeMap<String, Vec<Frame>> =
            wanted.iter().map(|(port, frame)| ((*port).to_owned(), vec![(*frame).clone()])).collect();
        let drops: Drops =
            drops.iter().map(|(port, reason)| (((*port).to_owned(), reason.label().to_owned()), 1)).collect();
        assert_eq!(
            (&self.delivered, &self.drops),
            (&wanted, &drops),
            "left is what happened to {:?}",
            self.sent
        );
    }
}

/// The switch's counters at one moment.
pub(super) struct Counted {
    accepted: u64,
    drops: Drops,
}

impl Counted {
    pub(super) fn read(host: &Host) -> Self {
        let stats = host.ask(host.client.stats(&None)).unwrap();
        let drops = host.ask(host.client.drops(&None)).unwrap();
        Self {
            accepted: stats.iter().map(|port| port.total.out_packets).sum(),
            drops: drops.into_iter().map(|row| ((row.port, row.reason), row.packets)).collect(),
        }
    }

    /// Grows with every frame about which the switch has decided.
    pub(super) fn frames(&self) -> u64 {
        self.accepted + self.drops.values().sum::<u64>()
    }

    pub(super) fn drops_since(&self, before: &Self) -> Drops {
        let since = |(key, count): (&(String, String), &u64)| {
            let new = count - before.drops.get(key).copied().unwrap_or_default();
            (new > 0).then(|| (key.clone(), new))
        };
        self.drops.iter().filter_map(since).collect()
    }
}

/// Keeps this thread on the CPU it is on.
pub struct PinnedThread {
    before: CpuSet,
}

impl PinnedThread {
    /// Until it is dropped.
    pub fn new() -> Self {
        let this = Pid::from_raw(0);
        let before = sched_getaffinity(this).unwrap();
        let mut one = CpuSet::new();
        one.set(sched_getcpu().unwrap()).unwrap();
        sched_setaffinity(this, &one).unwrap();
        Self { before }
    }
}

impl Default for PinnedThread {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PinnedThread {
    fn drop(&mut self) {
        sched_setaffinity(Pid::from_raw(0), &self.before).unwrap();
    }
}
