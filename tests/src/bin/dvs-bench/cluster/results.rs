//! What came out, in the form that `cargo xtask bench cluster` reads.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::Serialize;

/// A time that is measured many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Case {
    /// A port's field, at its host.
    PortChanged,
    /// A rule of a policy that all hosts have, at all of them.
    RuleChanged,
    /// A rule more of such a policy.
    RuleAdded,
    /// A rule less.
    RuleRemoved,
    /// A port more in a group that rules of all hosts are about.
    PeerAdded,
    /// A device appears: of a port of a host of the same HA group.
    ClaimedWithin,
    /// Of a port of a host of another HA group.
    ClaimedAcross,
    /// A hundred devices at once, the last of them.
    ClaimedHundred,
    /// A host stops to report.
    Died,
    /// A host without any state has a view with the usual number of ports.
    Synced,
    /// One with ten thousand.
    SyncedLarge,
}

/// A number that is measured once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fact {
    /// Seconds until everything is written, and all hosts are there with their ports.
    FillSeconds,
    /// Percent of a CPU that the manager takes while all hosts report.
    IdleCpu,
    /// Megabytes of the manager then.
    IdleMemory,
    /// Writes a second that change one host each.
    Writes,
    /// Percent of a CPU that the manager takes meanwhile.
    WritesCpu,
    /// Differences a second that hosts are told by writes that change all.
    Events,
    /// Percent of a CPU that the manager takes meanwhile.
    EventsCpu,
    /// Most megabytes that the manager had.
    PeakMemory,
    /// Megabytes of an agent with a hundred ports in its view.
    AgentSmall,
    /// With the usual number.
    AgentUsual,
    /// With ten thousand.
    AgentLarge,
}

/// Everything.
#[derive(Debug, Default, Serialize)]
pub(super) struct Results {
    times: BTreeMap<Case, Vec<f64>>,
    facts: BTreeMap<Fact, f64>,
}

impl Results {
    /// Another value of a case.
    pub(super) fn add(&mut self, case: Case, took: Duration) {
        self.add_ms(case, took.as_secs_f64() * 1e3);
    }

    /// Another value of a case in milliseconds.
    pub(super) fn add_ms(&mut self, case: Case, ms: f64) {
        self.times.entry(case).or_default().push(ms);
    }

    /// The time between two moments is another value.
    pub(super) fn between(&mut self, case: Case, begin: Instant, end: Instant) {
        self.add(case, end.saturating_duration_since(begin));
    }

    /// A number.
    pub(super) fn set(&mut self, fact: Fact, value: f64) {
        self.facts.insert(fact, value);
    }
}
