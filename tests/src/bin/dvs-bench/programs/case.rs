//! What is timed.

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::{
    frame,
    routed::{Packet, Size},
    scene::Side,
    scenes::Scenes,
    timer::Timer,
};

/// First packets in one timing: each makes a half-open flow.
const FIRST: u32 = 50_000;

/// A program with a frame and tables for it.
#[derive(Serialize)]
pub(crate) struct Case {
    /// For scripts.
    program: &'static str,
    /// Rows of the forwarding database, if there is one.
    stations: Option<u32>,
    /// Rows of the table of ports, if there is one.
    ports: Option<u32>,
    /// Established flows, if packets are routed by them.
    flows: Option<u32>,
    /// Routes that first packets choose from.
    routes: Option<u32>,
    /// Rules that first packets are asked about; 0 for those of a port without a firewall.
    rules: Option<u32>,
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
    /// The router, on such a packet, after one of the benchmark's own programs has prepared it.
    Routed(&'static str, fn() -> [u8; 64]),
    /// The router, on the first packet of a stranger.
    Stranger,
    /// The least that can route, after the same preparation.
    Limit,
    /// The empty program at XDP.
    EmptyXdp,
    /// The switch's cache at XDP, on a tagged frame that stays tagged.
    Cache,
}

/// What prepares the packets of strangers.
const STRANGER: &str = "bench_stranger_tc";

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
    Case { run: Run::EmptyXdp, ..own("empty_xdp", "") },
    switch("unicast_xdp", 10, 2, Run::Cache),
    switch("unicast_xdp", 10_000, 2, Run::Cache),
    switch("unicast_xdp", 1_000_000, 2, Run::Cache),
    Case { run: Run::Limit, ..routed("routed_limit", Some(1000), None, frame::routed) },
    routed("routed_flow", Some(1000), None, frame::routed),
    routed("routed_flow", Some(100_000), None, frame::routed),
    routed("routed_flow", Some(1_000_000), None, frame::routed),
    Case {
        run: Run::Routed("bench_route6_tc", frame::routed6),
        ..routed("routed_flow_v6", Some(1000), None, frame::routed)
    },
    routed("judged_again", Some(1), None, frame::opening),
    routed("routed_first", None, Some(10), frame::routed),
    routed("routed_first", None, Some(10_000), frame::routed),
    routed("routed_first", None, Some(1_000_000), frame::routed),
    filtered("filtered_flow", Some(1000), 10_000),
    filtered("filtered_flow", Some(1_000_000), 10_000),
    filtered("filtered_first", None, 0),
    filtered("filtered_first", None, 4),
    filtered("filtered_first", None, 10),
    filtered("filtered_first", None, 100),
    filtered("filtered_first", None, 1_000),
    filtered("filtered_first", None, 10_000),
];

const fn own(program: &'static str, name: &'static str) -> Case {
    let run = Run::Own(name);
    Case { program, stations: None, ports: None, flows: None, routes: None, rules: None, run }
}

const fn switch(program: &'static str, stations: u32, ports: u32, run: Run) -> Case {
    Case { stations: Some(stations), ports: Some(ports), run, ..own(program, "") }
}

const fn routed(
    program: &'static str,
    flows: Option<u32>,
    routes: Option<u32>,
    frame: fn() -> [u8; 64],
) -> Case {
    Case { flows, routes, run: Run::Routed("bench_route_tc", frame), ..own(program, "") }
}

/// Packets of known flows, or without any of strangers.
const fn filtered(program: &'static str, flows: Option<u32>, rules: u32) -> Case {
    let case = routed(program, flows, None, frame::routed);
    if flows.is_some() {
        return Case { rules: Some(rules), ..case };
    }
    Case { rules: Some(rules), run: Run::Stranger, ..case }
}

impl Case {
    /// Nanoseconds a frame, with all that the preparation costs.
    pub(crate) fn time(&self, timer: &mut Timer, scenes: &mut Scenes) -> Result<f64> {
        let (from, to) = match &self.run {
            Run::Routed(prepare, frame) => {
                timer.choose_packets(&Packet::new(
                    &frame(),
                    self.flows.unwrap_or(u32::MAX),
                    self.routes.unwrap_or(0),
                ))?;
                let scene = scenes.routed(self.size())?;
                let repeat = if self.routes.is_some() { FIRST } else { u32::MAX };
                return timer.routed(prepare, Some(scene.program()?), &frame(), repeat);
            }
            Run::Stranger => {
                timer.choose_packets(&Packet::of_strangers(&frame::routed()))?;
                let program = scenes.routed(self.size())?.program()?;
                return timer.routed(STRANGER, Some(program), &frame::routed(), FIRST);
            }
            Run::Limit => {
                timer.choose_packets(&Packet::new(&frame::routed(), self.flows.unwrap_or(1), 0))?;
                return timer.limit(self.flows.unwrap_or(1), &frame::routed());
            }
            Run::Own(name) => return timer.own(name),
            Run::EmptyXdp => return timer.empty_xdp(),
            Run::Switch(from, to) | Run::Prepared(_, from, to) => (*from, *to),
            Run::Cache => (TRUNK, TRUNK),
        };
        let scene = scenes.bridged(self.stations, self.ports)?;
        scene.set(from, to)?;
        timer.choose_from(self.stations.unwrap_or(1))?;
        match &self.run {
            Run::Prepared(prepare, ..) => timer.prepared(prepare, scene.program()?),
            Run::Cache => timer.cache(scene.cache()?),
            Run::Own(_) | Run::Switch(..) | Run::Routed(..) | Run::Stranger | Run::Limit | Run::EmptyXdp => {
                timer.switch(scene.program()?)
            }
        }
        .with_context(|| format!("{} with {:?} stations", self.program, self.stations))
    }

    /// Of the router's tables.
    fn size(&self) -> Size {
        let [flows, routes, rules] = [self.flows, self.routes, self.rules].map(Option::unwrap_or_default);
        Size { flows, routes, rules }
    }
}

/// What the benchmark's own programs cost in this round.
pub(crate) struct Overheads {
    edit: f64,
    walk: f64,
    route: f64,
    first: f64,
    route6: f64,
    stranger: f64,
}

impl Overheads {
    /// Times them in front of the empty program.
    pub(crate) fn take(timer: &mut Timer) -> Result<Self> {
        let empty = timer.own("bench_empty_tc")?;
        let jump = timer.before_empty("bench_jump_tc")?;
        let edit_and_undo = timer.before_empty("bench_tag_untag_tc")? - jump;
        timer.choose_from(1)?;
        let walk = timer.before_empty("bench_walk_tc")? - empty;
        timer.choose_packets(&Packet::new(&frame::routed(), 1000, 0))?;
        let route = timer.routed("bench_route_tc", None, &frame::routed(), u32::MAX)? - empty;
        timer.choose_packets(&Packet::new(&frame::routed(), u32::MAX, 1000))?;
        let first = timer.routed("bench_route_tc", None, &frame::routed(), u32::MAX)? - empty;
        let route6 = timer.routed("bench_route6_tc", None, &frame::routed6(), u32::MAX)? - empty;
        timer.choose_packets(&Packet::of_strangers(&frame::routed()))?;
        let stranger = timer.routed(STRANGER, None, &frame::routed(), u32::MAX)? - empty;
        // Half of the pair is the edit that the switch does itself.
        Ok(Self { edit: jump - empty + edit_and_undo / 2.0, walk, route, first, route6, stranger })
    }

    /// What has to be taken off a case's time.
    pub(crate) fn of(&self, case: &Case) -> f64 {
        match case.run {
            Run::Own(_) | Run::Switch(..) | Run::EmptyXdp | Run::Cache => 0.0,
            Run::Prepared("bench_walk_tc", ..) => self.walk,
            Run::Routed("bench_route6_tc", _) => self.route6,
            Run::Routed(..) if case.routes.is_some() => self.first,
            Run::Routed(..) | Run::Limit => self.route,
            Run::Stranger => self.stranger,
            Run::Prepared(..) => self.edit,
        }
    }
}
