//! What is timed.

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::{
    scene::{Scene, Side},
    timer::Timer,
};

/// A program with a frame and tables for it.
#[derive(Serialize)]
pub(crate) struct Case {
    /// For scripts.
    program: &'static str,
    /// Rows of the forwarding database, if there is one.
    stations: Option<u32>,
    /// Rows of the table of ports, if there is one.
    ports: Option<u32>,
    #[serde(skip)]
    run: Run,
}

/// What is run.
enum Run {
    /// One of the benchmark's own programs.
    Own(&'static str),
    /// The switch, on a frame from one side to the other.
    Switch(Side, Side),
    /// The same, after one of the benchmark's own programs has prepared the frame.
    Prepared(&'static str, Side, Side),
    /// The empty program at XDP.
    EmptyXdp,
    /// The switch's cache at XDP, on a tagged frame that stays tagged.
    Cache,
}

const ACCESS: Side = Side::Access;
const TRUNK: Side = Side::Trunk;

/// All of them.
pub(crate) const CASES: &[Case] = &[
    own("empty", "bench_empty_tc"),
    own("redirect", "bench_redirect_tc"),
    own("redirect_peer", "bench_redirect_peer_tc"),
    switch("unicast", 10, 2, Run::Switch(ACCESS, ACCESS)),
    switch("unicast", 10_000, 2, Run::Switch(ACCESS, ACCESS)),
    switch("unicast", 1_000_000, 2, Run::Switch(ACCESS, ACCESS)),
    switch("unicast", 10, 1_000, Run::Switch(ACCESS, ACCESS)),
    switch("unicast_random", 10, 2, Run::Prepared("bench_walk_tc", ACCESS, ACCESS)),
    switch("unicast_random", 10_000, 2, Run::Prepared("bench_walk_tc", ACCESS, ACCESS)),
    switch("unicast_random", 1_000_000, 2, Run::Prepared("bench_walk_tc", ACCESS, ACCESS)),
    switch("push", 10, 2, Run::Prepared("bench_untag_tc", ACCESS, TRUNK)),
    switch("push", 10_000, 2, Run::Prepared("bench_untag_tc", ACCESS, TRUNK)),
    switch("push", 1_000_000, 2, Run::Prepared("bench_untag_tc", ACCESS, TRUNK)),
    switch("pop", 10, 2, Run::Prepared("bench_tag_tc", TRUNK, ACCESS)),
    switch("pop", 10_000, 2, Run::Prepared("bench_tag_tc", TRUNK, ACCESS)),
    switch("pop", 1_000_000, 2, Run::Prepared("bench_tag_tc", TRUNK, ACCESS)),
    switch("guarded", 10, 2, Run::Switch(Side::Guarded, ACCESS)),
    Case { program: "empty_xdp", stations: None, ports: None, run: Run::EmptyXdp },
    switch("unicast_xdp", 10, 2, Run::Cache),
    switch("unicast_xdp", 10_000, 2, Run::Cache),
    switch("unicast_xdp", 1_000_000, 2, Run::Cache),
];

const fn own(program: &'static str, name: &'static str) -> Case {
    Case { program, stations: None, ports: None, run: Run::Own(name) }
}

const fn switch(program: &'static str, stations: u32, ports: u32, run: Run) -> Case {
    Case { program, stations: Some(stations), ports: Some(ports), run }
}

impl Case {
    /// Nanoseconds a frame, with all that the preparation costs.
    pub(crate) fn time(&self, timer: &mut Timer, scenes: &mut [Scene]) -> Result<f64> {
        let (from, to) = match &self.run {
            Run::Own(name) => return timer.own(name),
            Run::EmptyXdp => return timer.empty_xdp(),
            Run::Switch(from, to) | Run::Prepared(_, from, to) => (*from, *to),
            Run::Cache => (TRUNK, TRUNK),
        };
        let scene = scenes.iter_mut().find(|scene| scene.is(self.stations, self.ports));
        let scene = scene.context("a case without tables")?;
        scene.set(from, to)?;
        timer.choose_from(self.stations.unwrap_or(1))?;
        match &self.run {
            Run::Prepared(prepare, ..) => timer.prepared(prepare, scene.program()?),
            Run::Cache => timer.cache(scene.cache()?),
            Run::Own(_) | Run::EmptyXdp | Run::Switch(..) => timer.switch(scene.program()?),
        }
        .with_context(|| format!("{} with {:?} stations", self.program, self.stations))
    }
}

/// What the benchmark's own programs cost in this round.
pub(crate) struct Overheads {
    edit: f64,
    walk: f64,
}

impl Overheads {
    /// Times them in front of the empty program.
    pub(crate) fn take(timer: &mut Timer) -> Result<Self> {
        let empty = timer.own("bench_empty_tc")?;
        let jump = timer.before_empty("bench_jump_tc")?;
        let edit_and_undo = timer.before_empty("bench_tag_untag_tc")? - jump;
        timer.choose_from(1)?;
        let walk = timer.before_empty("bench_walk_tc")? - empty;
        // Half of the pair is the edit that the switch does itself.
        Ok(Self { edit: jump - empty + edit_and_undo / 2.0, walk })
    }

    /// What has to be taken off a case's time.
    pub(crate) fn of(&self, case: &Case) -> f64 {
        match case.run {
            Run::Own(_) | Run::Switch(..) | Run::EmptyXdp | Run::Cache => 0.0,
            Run::Prepared("bench_walk_tc", ..) => self.walk,
            Run::Prepared(..) => self.edit,
        }
    }
}
