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

impl Case {
    /// Name for people.
    const fn title(self) -> &'static str {
        match self {
            Self::PortChanged => "A port changed, until its host has applied it",
            Self::RuleChanged => "A rule of all ports changed, until all hosts have it",
            Self::RuleAdded => "A rule of all ports added, until all hosts have it",
            Self::RuleRemoved => "A rule of all ports removed, until all hosts have it",
            Self::PeerAdded => "A port added that rules of all ports are about, until all hosts have it",
            Self::ClaimedWithin => "A device appears, its port was in the same HA group, until it is open",
            Self::ClaimedAcross => "A device appears, its port was in another HA group, until it is open",
            Self::ClaimedHundred => "100 devices appear, until all their ports are open",
            Self::Died => "A host falls silent, until it is marked dead",
            Self::Synced => "A fresh agent, until it has its view of the usual size",
            Self::SyncedLarge => "A fresh agent, until it has its view of 10 k ports",
        }
    }

    /// Most milliseconds that it is meant to take, and which of many measurements that is about.
    const fn aim(self) -> Option<Aim> {
        match self {
            Self::PortChanged
            | Self::RuleChanged
            | Self::RuleAdded
            | Self::RuleRemoved
            | Self::PeerAdded
            | Self::ClaimedWithin
            | Self::ClaimedAcross => Some(Aim { of: Of::P99, most: 100.0 }),
            Self::SyncedLarge => Some(Aim { of: Of::Max, most: 1000.0 }),
            Self::ClaimedHundred | Self::Died | Self::Synced => None,
        }
    }
}

impl Fact {
    /// Name for people.
    const fn title(self) -> &'static str {
        match self {
            Self::FillSeconds => "Configuration written, all hosts there with all ports: seconds",
            Self::IdleCpu => "Manager, all hosts report: % of a CPU",
            Self::IdleMemory => "Manager, all hosts report: MB",
            Self::Writes => "Writes about one host each: a second",
            Self::WritesCpu => "Manager meanwhile: % of a CPU",
            Self::Events => "Differences told by writes about all hosts: a second",
            Self::EventsCpu => "Manager meanwhile, % of a CPU",
            Self::PeakMemory => "Manager, most that it ever had: MB",
            Self::AgentSmall => "Agent with a view of one host's ports: MB",
            Self::AgentUsual => "Agent with a view of the usual size: MB",
            Self::AgentLarge => "Agent with a view of 10 k ports: MB",
        }
    }

    /// The most that it is meant to be.
    const fn aim(self) -> Option<f64> {
        match self {
            Self::PeakMemory => Some(1000.0),
            Self::AgentSmall | Self::AgentUsual | Self::AgentLarge => Some(64.0),
            Self::FillSeconds
            | Self::IdleCpu
            | Self::IdleMemory
            | Self::Writes
            | Self::WritesCpu
            | Self::Events
            | Self::EventsCpu => None,
        }
    }
}

/// What a time is meant to be.
#[derive(Clone, Copy, Debug, Serialize)]
struct Aim {
    of: Of,
    most: f64,
}

/// Which of many measurements.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    /// All but one in a hundred.
    P99,
    /// All.
    Max,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Results {
    times: BTreeMap<Case, Vec<f64>>,
    facts: BTreeMap<Fact, f64>,
}

/// The same with the words for it: whoever reads it need not know what there is.
#[derive(Debug, Serialize)]
pub(super) struct Told<'r> {
    times: Vec<Time<'r>>,
    numbers: Vec<Number>,
}

#[derive(Debug, Serialize)]
struct Time<'r> {
    case: Case,
    title: &'static str,
    aim: Option<Aim>,
    /// In the order in which they were measured.
    ms: &'r [f64],
}

#[derive(Debug, Serialize)]
struct Number {
    fact: Fact,
    title: &'static str,
    aim: Option<f64>,
    value: f64,
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

    /// All of it, with the words for it.
    pub(super) fn told(&self) -> Told<'_> {
        let time = |(case, ms)| {
            let case: &Case = case;
            let ms: &Vec<f64> = ms;
            Time { case: *case, title: case.title(), aim: case.aim(), ms }
        };
        let number = |(fact, value): (&Fact, &f64)| Number {
            fact: *fact,
            title: fact.title(),
            aim: fact.aim(),
            value: *value,
        };
        Told {
            times: self.times.iter().map(time).collect(),
            numbers: self.facts.iter().map(number).collect(),
        }
    }
}
