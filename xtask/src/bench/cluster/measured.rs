//! What the tool says.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Times and numbers.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Measured {
    /// Milliseconds, in the order in which they were measured.
    pub(super) times: BTreeMap<Case, Vec<f64>>,
    /// What is measured once.
    pub(super) facts: BTreeMap<Fact, f64>,
}

impl Measured {
    /// Reads it.
    pub(super) fn parse(output: &str) -> Result<Self> {
        serde_json::from_str(output).context("the benchmark's tool wrote no results")
    }
}

/// A time that is measured many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Case {
    PortChanged,
    RuleChanged,
    RuleAdded,
    RuleRemoved,
    PeerAdded,
    ClaimedWithin,
    ClaimedAcross,
    ClaimedHundred,
    Died,
    Synced,
    SyncedLarge,
}

impl Case {
    /// For people.
    pub(super) const fn title(self) -> &'static str {
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
}

/// A number that is measured once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fact {
    FillSeconds,
    IdleCpu,
    IdleMemory,
    Writes,
    WritesCpu,
    Events,
    EventsCpu,
    PeakMemory,
    AgentSmall,
    AgentUsual,
    AgentLarge,
}

impl Fact {
    /// For people.
    pub(super) const fn title(self) -> &'static str {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tool_says_is_understood() {
        let output = r#"{"times": {"rule_added": [3.5, 4.0]}, "facts": {"idle_cpu": 12.5}}"#;
        let measured = Measured::parse(output).unwrap();
        assert_eq!(measured.times[&Case::RuleAdded], [3.5, 4.0]);
        assert_eq!(measured.facts.keys().collect::<Vec<_>>(), [&Fact::IdleCpu]);
        assert!(Measured::parse("").is_err());
    }
}
