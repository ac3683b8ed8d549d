//! The BPF programs alone, timed by the benchmark's own tool.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{process::SERVER_CPU, samples::Summary, tool, topology::Topology};
use crate::{build::Object, progress::headline, shell};

/// Everything that the tool reports.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct Programs {
    /// How long a frame takes.
    pub(crate) timings: Vec<Timing>,
    /// How long tables take to be filled.
    pub(crate) loads: Vec<Load>,
}

/// What came out for filling a table.
#[derive(Deserialize, Serialize)]
pub(crate) struct Load {
    /// Which one.
    pub(crate) table: Table,
    /// What was written.
    pub(crate) rows: u32,
    /// How long that took.
    pub(crate) seconds: f64,
    /// Of the kernel's tables, and of what the agent has for them.
    pub(crate) megabytes: f64,
}

/// A table that is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Table {
    /// Routes.
    Routes,
    /// Connections, of which each is two flows.
    Connections,
}

impl Load {
    /// For people.
    pub(crate) fn title(&self) -> String {
        let what = match self.table {
            Table::Routes => "route",
            Table::Connections => "tracked connection",
        };
        count(self.rows, what)
    }
}

/// What came out for a program with tables of a certain size.
#[derive(Deserialize, Serialize)]
pub(crate) struct Timing {
    /// What is done with the frame.
    pub(crate) program: Program,
    /// Rows of the forwarding database.
    pub(crate) stations: Option<u32>,
    /// Rows of the table of ports.
    pub(crate) ports: Option<u32>,
    /// Rows of the flow table, for each family.
    pub(crate) flows: Option<u32>,
    /// Rows of the table of routes.
    pub(crate) routes: Option<u32>,
    /// Rules of the receiver's firewall; 0 without one.
    pub(crate) rules: Option<u32>,
    /// Nanoseconds a frame.
    pub(crate) samples: Vec<f64>,
}

impl Timing {
    /// Middle and spread.
    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::of(&self.samples)
    }

    /// How large the tables are, for people; `None` where that does not matter.
    pub(crate) fn size(&self) -> Option<String> {
        let sizes = [
            (self.stations, "station"),
            (self.ports, "port"),
            (self.flows, "flow"),
            (self.routes, "route"),
            (self.rules, "rule"),
        ];
        let words = sizes.iter().filter_map(|(size, what)| Some(count((*size)?, what)));
        Some(words.collect::<Vec<_>>().join(", ")).filter(|words| !words.is_empty())
    }
}

/// What is done with the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Program {
    /// Nothing.
    Empty,
    /// A bare redirect.
    Redirect,
    /// A bare redirect to the peer.
    RedirectPeer,
    /// The switch: a known station, the same all the time.
    Unicast,
    /// The same, another station each time.
    UnicastRandom,
    /// From an access port to a trunk.
    Push,
    /// From a trunk to an access port.
    Pop,
    /// From a guarded port.
    Guarded,
    /// The least that a router can do: one look-up, rewrite, redirect.
    RoutedLimit,
    /// The switch: a packet of a known flow.
    RoutedFlow,
    /// The same with IPv6.
    RoutedFlowV6,
    /// The first packet of a flow, by the table of routes.
    RoutedFirst,
    /// A packet of a known flow that is judged again.
    JudgedAgain,
    /// A packet of a known flow, at a port with a firewall.
    FilteredFlow,
    /// The first packet of a flow, at such a port: by the rules.
    FilteredFirst,
    /// Nothing, at XDP.
    EmptyXdp,
    /// The switch's cache at XDP: a known station, from trunk to trunk.
    UnicastXdp,
}

impl Program {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Self; 17] = [
        Self::Empty,
        Self::Redirect,
        Self::RedirectPeer,
        Self::Unicast,
        Self::UnicastRandom,
        Self::Push,
        Self::Pop,
        Self::Guarded,
        Self::RoutedLimit,
        Self::RoutedFlow,
        Self::RoutedFlowV6,
        Self::RoutedFirst,
        Self::JudgedAgain,
        Self::FilteredFlow,
        Self::FilteredFirst,
        Self::EmptyXdp,
        Self::UnicastXdp,
    ];

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Empty => "Empty program",
            Self::Redirect => "Bare redirect",
            Self::RedirectPeer => "Bare redirect_peer",
            Self::Unicast => "Known unicast, one station",
            Self::UnicastRandom => "Known unicast, random stations",
            Self::Push => "VLAN push, access to trunk",
            Self::Pop => "VLAN pop, trunk to access",
            Self::Guarded => "Known unicast, guarded sender",
            Self::RoutedLimit => "Limit of routing: look-up, rewrite, redirect",
            Self::RoutedFlow => "Routed, known flow",
            Self::RoutedFlowV6 => "Routed, known IPv6 flow",
            Self::RoutedFirst => "Routed, first packet",
            Self::JudgedAgain => "Routed, flow judged again",
            Self::FilteredFlow => "Firewall, known flow",
            Self::FilteredFirst => "Firewall, first packet",
            Self::EmptyXdp => "Empty program at XDP",
            Self::UnicastXdp => "Known unicast at XDP",
        }
    }

    /// What is done with packets, and compared with each other.
    pub(crate) const fn topology(self) -> Topology {
        match self {
            Self::RoutedLimit
            | Self::RoutedFlow
            | Self::RoutedFlowV6
            | Self::RoutedFirst
            | Self::JudgedAgain => Topology::Routed,
            Self::FilteredFlow | Self::FilteredFirst => Topology::Filtered,
            Self::Empty
            | Self::Redirect
            | Self::RedirectPeer
            | Self::Unicast
            | Self::UnicastRandom
            | Self::Push
            | Self::Pop
            | Self::Guarded
            | Self::EmptyXdp
            | Self::UnicastXdp => Topology::Bridged,
        }
    }

    /// Whether it is this switch, not something that does less.
    pub(crate) const fn is_ours(self) -> bool {
        !matches!(
            self,
            Self::Empty | Self::Redirect | Self::RedirectPeer | Self::RoutedLimit | Self::EmptyXdp
        )
    }
}

/// Times all of them.
pub(crate) fn run() -> Result<Programs> {
    headline("Programs by test run");
    let mut command = Command::new("timeout");
    command.args(["600", "taskset", "-c", SERVER_CPU]).arg(tool::path()).arg("programs");
    command.arg("--switch").arg(Object::Switch.path()).arg("--bench").arg(Object::Bench.path());
    let output = shell::quiet(&mut command)?;
    parse(&output)
}

/// So many of something, a round number in few signs.
fn count(number: u32, what: &str) -> String {
    let digits = match number {
        1 => return format!("1 {what}"),
        1_000_000.. if number.is_multiple_of(1_000_000) => format!("{} M", number / 1_000_000),
        1_000.. if number.is_multiple_of(1_000) => format!("{} k", number / 1_000),
        _ => number.to_string(),
    };
    format!("{digits} {what}s")
}

fn parse(output: &str) -> Result<Programs> {
    serde_json::from_str(output).context("the benchmark's tool wrote no timings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timings_name_what_their_tables_have() {
        let output = r#"{
            "timings": [
                {"program": "unicast", "stations": 10000, "ports": 2, "samples": [97.5]},
                {"program": "routed_flow", "stations": null, "ports": null, "flows": 1000000, "samples": [150, 160]},
                {"program": "routed_first", "routes": 10, "samples": [400.0]},
                {"program": "routed_limit", "samples": [90.0]}
            ],
            "loads": [{"table": "routes", "rows": 1000000, "seconds": 3.5, "megabytes": 120}]
        }"#;
        let programs = parse(output).unwrap();
        let sizes: Vec<_> = programs.timings.iter().map(Timing::size).collect();
        let wanted = [Some("10 k stations, 2 ports"), Some("1 M flows"), Some("10 routes"), None];
        assert_eq!(sizes, wanted.map(|size| size.map(str::to_owned)));
        assert_eq!(programs.loads.first().map(Load::title).as_deref(), Some("1 M routes"));
        assert!(parse("[]").is_err());
    }

    #[test]
    fn counts_are_named_by_their_order() {
        let counts = [1, 10, 1_000, 1_500, 10_000, 1_000_000].map(|number| count(number, "flow"));
        assert_eq!(counts, ["1 flow", "10 flows", "1 k flows", "1500 flows", "10 k flows", "1 M flows"]);
    }
}
