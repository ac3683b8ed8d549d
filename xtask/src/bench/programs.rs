//! The BPF programs alone, timed by the benchmark's own tool.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{process::SERVER_CPU, samples::Summary, tool};
use crate::{build::Object, progress::headline, shell};

/// What came out for a program with tables of a certain size.
#[derive(Deserialize, Serialize)]
pub(crate) struct Timing {
    /// What is done with the frame.
    pub(crate) program: Program,
    /// Rows of the forwarding database.
    pub(crate) stations: Option<u32>,
    /// Rows of the table of ports.
    pub(crate) ports: Option<u32>,
    /// Nanoseconds a frame.
    pub(crate) samples: Vec<f64>,
}

impl Timing {
    /// Middle and spread.
    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::of(&self.samples)
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
    /// Nothing, at XDP.
    EmptyXdp,
    /// The switch's cache at XDP: a known station, from trunk to trunk.
    UnicastXdp,
}

impl Program {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Self; 10] = [
        Self::Empty,
        Self::Redirect,
        Self::RedirectPeer,
        Self::Unicast,
        Self::UnicastRandom,
        Self::Push,
        Self::Pop,
        Self::Guarded,
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
            Self::EmptyXdp => "Empty program at XDP",
            Self::UnicastXdp => "Known unicast at XDP",
        }
    }
}

/// Times all of them.
pub(crate) fn run() -> Result<Vec<Timing>> {
    headline("Programs by test run");
    let mut command = Command::new("timeout");
    command.args(["600", "taskset", "-c", SERVER_CPU]).arg(tool::path()).arg("programs");
    command.arg("--switch").arg(Object::Switch.path()).arg("--bench").arg(Object::Bench.path());
    let output = shell::quiet(&mut command)?;
    serde_json::from_str(&output).context("the benchmark's tool wrote no timings")
}
