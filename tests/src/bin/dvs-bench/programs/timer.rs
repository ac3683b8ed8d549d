//! Test runs, and the benchmark's own programs in front of the program under test.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf,
    maps::{Array, HashMap, ProgramArray},
    programs::{Program, ProgramFd, SchedClassifier, TestRun, TestRunOptions, TestRunResult, Xdp},
};

use zerocopy::IntoBytes as _;

use super::{
    frame,
    routed::{self, Packet},
};

/// `TC_ACT_OK`.
const OK: u32 = 0;
/// `TC_ACT_REDIRECT`.
const REDIRECT: u32 = 7;
/// `XDP_PASS`.
const XDP_PASS: u32 = 2;
/// `XDP_REDIRECT`.
const XDP_REDIRECT: u32 = 4;

/// The kernel's loopback device has this interface index, and test frames come from it.
pub(crate) const INGRESS: u32 = 1;
/// Where they go; a test run ends before the redirect, so the device need not be there.
pub(crate) const EGRESS: u32 = 2;

/// Runs programs many times.
pub(crate) struct Timer {
    own: Ebpf,
    repeat: u32,
}

impl Timer {
    /// Loads the benchmark's own programs.
    pub(crate) fn new(object: &Path, repeat: u32) -> Result<Self> {
        let mut own = Ebpf::load_file(object).with_context(|| format!("loading {}", object.display()))?;
        for (_, program) in own.programs_mut() {
            if let Program::SchedClassifier(program) = program {
                program.load()?;
            } else if let Program::Xdp(program) = program {
                program.load()?;
            }
        }
        let targets = own.map_mut("bench_targets").context("the object has no map bench_targets")?;
        Array::<_, u32>::try_from(targets)?.set(INGRESS, EGRESS, 0)?;
        Ok(Self { own, repeat })
    }

    /// Nanoseconds of one of the own programs alone.
    pub(crate) fn own(&self, name: &str) -> Result<f64> {
        let wanted = if name == "bench_empty_tc" { OK } else { REDIRECT };
        self.time(self.program(name)?, wanted, &frame::known())
    }

    /// Nanoseconds of the empty program at XDP.
    pub(crate) fn empty_xdp(&self) -> Result<f64> {
        let name = "bench_empty_xdp";
        let program = self.own.program(name).with_context(|| format!("the object has no program {name}"))?;
        self.time(<&Xdp>::try_from(program)?, XDP_PASS, &frame::known())
    }

    /// Nanoseconds of the switch alone.
    pub(crate) fn switch(&self, switch: &SchedClassifier) -> Result<f64> {
        self.time(switch, REDIRECT, &frame::known())
    }

    /// Nanoseconds of the switch's cache at XDP, on a tagged frame.
    pub(crate) fn cache(&self, cache: &Xdp) -> Result<f64> {
        self.time(cache, XDP_REDIRECT, &frame::tagged())
    }

    /// Nanoseconds of an own program that jumps to the switch, and of the switch.
    pub(crate) fn prepared(&mut self, name: &str, switch: &SchedClassifier) -> Result<f64> {
        self.jump_to(switch.fd()?)?;
        self.time(self.program(name)?, REDIRECT, &frame::known())
    }

    /// Nanoseconds of an own program that jumps to the empty one.
    pub(crate) fn before_empty(&mut self, name: &str) -> Result<f64> {
        let empty = self.program("bench_empty_tc")?.fd()?.try_clone()?;
        self.jump_to(&empty)?;
        self.time(self.program(name)?, OK, &frame::known())
    }

    /// What `bench_route_tc` and `bench_route6_tc` make of frames.
    pub(crate) fn choose_packets(&mut self, packet: &Packet) -> Result<()> {
        let map = self.own.map_mut("bench_packet").context("the object has no map bench_packet")?;
        let mut row = [0; size_of::<Packet>()];
        row.copy_from_slice(packet.as_bytes());
        Ok(Array::<_, [u8; size_of::<Packet>()]>::try_from(map)?.set(0, row, 0)?)
    }

    /// Nanoseconds of an own program that prepares a packet and jumps to the switch, and of the
    /// switch; without a switch, of the empty program.
    pub(crate) fn routed(
        &mut self,
        name: &str,
        switch: Option<&SchedClassifier>,
        frame: &[u8],
        repeat: u32,
    ) -> Result<f64> {
        match switch {
            Some(switch) => self.jump_to(switch.fd()?)?,
            None => self.jump_to(&self.program("bench_empty_tc")?.fd()?.try_clone()?)?,
        }
        let wanted = if switch.is_some() { REDIRECT } else { OK };
        run(self.program(name)?, wanted, frame, repeat.min(self.repeat))
    }

    /// Nanoseconds of the least that can route, with so many flows, and of the preparation.
    pub(crate) fn limit(&mut self, flows: u32, frame: &[u8]) -> Result<f64> {
        let map = self.own.map_mut("bench_flows").context("the object has no map bench_flows")?;
        let mut map = HashMap::<_, [u64; 2], [u64; 3]>::try_from(map)?;
        for (key, row) in (0..flows).map(routed::limit) {
            map.insert(key, row, 0)?;
        }
        let limit = self.program("bench_limit_tc")?.fd()?.try_clone()?;
        self.jump_to(&limit)?;
        self.time(self.program("bench_route_tc")?, REDIRECT, frame)
    }

    /// How many stations `bench_walk_tc` chooses from.
    pub(crate) fn choose_from(&mut self, stations: u32) -> Result<()> {
        let map = self.own.map_mut("bench_stations").context("the object has no map bench_stations")?;
        Ok(Array::<_, u32>::try_from(map)?.set(0, stations, 0)?)
    }

    fn jump_to(&mut self, next: &ProgramFd) -> Result<()> {
        let map = self.own.map_mut("bench_next").context("the object has no map bench_next")?;
        Ok(ProgramArray::try_from(map)?.set(0, next, 0)?)
    }

    fn program(&self, name: &str) -> Result<&SchedClassifier> {
        let program = self.own.program(name).with_context(|| format!("the object has no program {name}"))?;
        Ok(program.try_into()?)
    }

    /// Nanoseconds of a program, by as many runs as were asked for.
    fn time<P>(&self, program: &P, wanted: u32, frame: &[u8]) -> Result<f64>
    where
        P: for<'a> TestRun<Opts<'a> = TestRunOptions<'a>, Result = TestRunResult>,
    {
        run(program, wanted, frame, self.repeat)
    }
}

/// Nanoseconds of a program. A frame that takes another way than expected would be timed for something else.
fn run<P>(program: &P, wanted: u32, frame: &[u8], repeat: u32) -> Result<f64>
where
    P: for<'a> TestRun<Opts<'a> = TestRunOptions<'a>, Result = TestRunResult>,
{
    let options = TestRunOptions { data_in: Some(frame), repeat, ..TestRunOptions::default() };
    let result = program.test_run(options)?;
    let verdict = result.return_value;
    ensure!(verdict == wanted, "the program returned {verdict} and not {wanted}");
    Ok(result.duration.as_secs_f64() * 1e9)
}
