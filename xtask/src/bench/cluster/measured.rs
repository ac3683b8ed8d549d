//! What the tool says: times and numbers, with the words and aims for them.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Measured {
    /// What is measured many times.
    pub(super) times: Vec<Time>,
    /// What is measured once.
    pub(super) numbers: Vec<Number>,
}

impl Measured {
    /// Reads it.
    pub(super) fn parse(output: &str) -> Result<Self> {
        serde_json::from_str(output).context("the benchmark's tool wrote no results")
    }
}

/// How long something takes.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Time {
    /// For programs.
    pub(super) case: String,
    /// For people.
    pub(super) title: String,
    /// What it is meant to be.
    pub(super) aim: Option<Limit>,
    /// Milliseconds, in the order in which they were measured.
    pub(super) ms: Vec<f64>,
}

/// The most that a time is meant to be.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Limit {
    /// Which of many measurements it is about.
    pub(super) of: Of,
    /// Milliseconds.
    pub(super) most: f64,
}

/// Which of many measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Of {
    /// All but one in a hundred.
    P99,
    /// All.
    Max,
}

/// A number.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Number {
    /// For programs.
    pub(super) fact: String,
    /// For people.
    pub(super) title: String,
    /// The most that it is meant to be.
    pub(super) aim: Option<f64>,
    /// What it is.
    pub(super) value: f64,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What the tool may say.
    pub(in super::super) const OUTPUT: &str = r#"{
        "times": [
            {"case": "port_changed", "title": "Port", "aim": {"of": "p99", "most": 100.0}, "ms": [99.0, 101.0]},
            {"case": "synced", "title": "Fresh", "aim": {"of": "max", "most": 1000.0}, "ms": [7.0]},
            {"case": "died", "title": "Dead", "aim": null, "ms": [3.5, 4.0]}
        ],
        "numbers": [
            {"fact": "idle_cpu", "title": "CPU", "aim": null, "value": 12.5},
            {"fact": "agent_small", "title": "Agent: MB", "aim": 64.0, "value": 64.0}
        ]
    }"#;

    #[test]
    fn what_the_tool_says_is_understood() {
        let measured = Measured::parse(OUTPUT).unwrap();
        assert_eq!(measured.times.iter().map(|time| time.ms.len()).collect::<Vec<_>>(), [2, 1, 2]);
        assert_eq!(measured.times[0].aim.map(|limit| (limit.of, limit.most)), Some((Of::P99, 100.0)));
        assert_eq!(measured.numbers[1].aim, Some(64.0));
        assert!(Measured::parse("").is_err());
    }
}
