//! What the stations do to a switch, and what is measured.

mod change;
mod connections;
mod latency;
mod tcp;
mod udp;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use super::{
    lab::Lab,
    system::{Kind, System},
};

/// A kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Test {
    /// One TCP stream.
    Tcp,
    /// Datagrams of 64 bytes.
    Udp,
    /// Request and response.
    #[value(alias = "latency")]
    Rr,
    /// Short connections.
    #[value(alias = "connections")]
    Conn,
    /// A rule of a firewall that changes.
    Change,
    /// BPF programs alone, by test run.
    Prog,
}

/// A number that a measurement gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// Gbit/s of one TCP stream.
    Tcp,
    /// Thousands of datagrams a second that arrive.
    Udp,
    /// Microseconds from request to response: the median.
    LatencyMedian,
    /// The same: the 99th percentile.
    LatencyTail,
    /// Thousands of connections a second.
    Connections,
    /// Milliseconds from the command that changes a rule to its end.
    Change,
}

impl Metric {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Self; 6] =
        [Self::Tcp, Self::Udp, Self::LatencyMedian, Self::LatencyTail, Self::Connections, Self::Change];

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Tcp => "TCP, one stream",
            Self::Udp => "UDP, 64 bytes, received",
            Self::LatencyMedian => "Request/response, p50",
            Self::LatencyTail => "Request/response, p99",
            Self::Connections => "Short connections",
            Self::Change => "One rule changed",
        }
    }

    /// What is counted.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Tcp => "Gbit/s",
            Self::Udp => "kpps",
            Self::LatencyMedian | Self::LatencyTail => "µs",
            Self::Connections => "k/s",
            Self::Change => "ms",
        }
    }

    /// Whether less is better.
    pub(crate) const fn is_latency(self) -> bool {
        matches!(self, Self::LatencyMedian | Self::LatencyTail | Self::Change)
    }

    /// How many times as good `ours` is as `theirs`: above 1 is better, whatever is measured.
    pub(crate) fn ratio(self, ours: f64, theirs: f64) -> f64 {
        if self.is_latency() { theirs / ours } else { ours / theirs }
    }
}

impl Test {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [Self::Tcp, Self::Udp, Self::Rr, Self::Conn, Self::Change, Self::Prog];

    /// Starts the servers that stay for all rounds.
    pub(crate) fn serve(self, lab: &mut Lab) -> Result<()> {
        match self {
            Self::Tcp => tcp::serve(lab),
            Self::Rr => latency::serve(lab),
            Self::Conn => connections::serve(lab),
            Self::Udp | Self::Change | Self::Prog => Ok(()),
        }
    }

    /// Measures once, for about `time`.
    pub(crate) fn measure(self, system: &System, time: Duration) -> Result<Vec<(Metric, f64)>> {
        let lab = &system.lab;
        match self {
            Self::Tcp => tcp::measure(lab, time),
            Self::Udp => udp::measure(lab, time),
            Self::Rr => latency::measure(lab, time),
            Self::Conn => connections::measure(lab, time),
            Self::Change => change::measure(system),
            Self::Prog => Ok(Vec::new()),
        }
    }

    /// Whether there is anything to measure.
    pub(crate) fn concerns(self, kind: Kind) -> bool {
        self != Self::Change || kind.rules().is_some()
    }
}

/// Whole seconds for tools that take nothing else.
fn seconds(time: Duration) -> String {
    time.as_secs().max(1).to_string()
}

/// When a client that should end after `time` is given up.
fn limit(time: Duration) -> Duration {
    time + Duration::from_secs(10)
}
