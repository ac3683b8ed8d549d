//! Ring 2: the programs in the kernel, on the same cases as ring 1.
#![expect(clippy::panic, reason = "a test may")]

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use dvs_tests::{
    actors::{MAC_A, MAC_B, MAC_C},
    fixture::{self, Case, Expect, Step},
    frame::{Frame, eth},
    progrun::{Programs, Run},
    topology::{Topology, device_names},
};
use nix::{
    net::if_::if_nametoindex,
    sched::{CloneFlags, unshare},
    time::{ClockId, clock_getres, clock_gettime},
};
use switch_common::table::{config, fdb, port};

/// `TC_ACT_*` and `XDP_*` of `linux/pkt_cls.h` and `linux/bpf.h`.
const TC_NEXT: i32 = -1;
const TC_SHOT: i32 = 2;
const TC_REDIRECT: i32 = 7;
const XDP_PASS: i32 = 2;
const XDP_REDIRECT: i32 = 4;

/// Gives this thread a network namespace of its own, which ends with it, and makes a veth pair for
/// every device that a case names.
fn devices(objects: &str) -> Result<()> {
    devices_from(objects, 100)
}

/// The same, with interface indexes from `first` on.
fn devices_from(objects: &str, first: usize) -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace; these tests need root")?;
    for (number, device) in device_names(objects).into_iter().enumerate() {
        let (peer, index) = (format!("{device}-peer"), (first + number).to_string());
        ip(&["link", "add", &device, "index", &index, "up", "type", "veth", "peer", "name", &peer])?;
        ip(&["link", "set", &peer, "up"])?;
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<()> {
    let status = Command::new("ip").args(arguments).status().context("cannot run ip")?;
    ensure!(status.success(), "ip {arguments:?} failed");
    Ok(())
}

#[track_caller]
fn number(device: &str) -> u32 {
    if_nametoindex(device).unwrap_or_default()
}

/// Runs a case in a thread, so that its network namespace is its own.
fn alone(case: Case, body: fn(&Case) -> Result<()>) {
    let name = case.name;
    match std::thread::spawn(move || body(&case)).join() {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{name}: {error:#}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn check_tc(case: &Case) -> Result<()> {
    devices(case.objects)?;
    run_tc(case)
}

fn run_tc(case: &Case) -> Result<()> {
    let topology = Topology::new(case.objects, number);
    let programs = Programs::load(&topology)?;
    for (index, step) in case.steps.iter().enumerate() {
        let run = programs.tc(topology.ifindexes[step.from], &step.frame)?;
        tc_matches(step, &run)
            .with_context(|| format!("step {index}: {run:?} instead of {:?}", step.expect))?;
    }
    Ok(())
}

fn tc_matches(step: &Step, run: &Run) -> Result<()> {
    match &step.expect {
        Expect::Forward(to, frame) => {
            ensure!(run.action == TC_REDIRECT && run.received == [*to] && run.dropped.is_empty());
            // A tag that was pushed is held beside the frame, where a test run does not show it.
            ensure!(run.frame == *frame || run.frame == without_tag(frame), "another frame");
        }
        Expect::Flood(copies) => {
            let mut ports: Vec<_> = copies.iter().map(|(port, _)| (*port).to_owned()).collect();
            ports.sort();
            ensure!(run.action == TC_SHOT && run.received == ports && run.dropped.is_empty());
        }
        Expect::Taken => {
            ensure!(run.action == TC_SHOT && run.received.is_empty() && run.dropped.is_empty());
        }
        Expect::Pass => {
            ensure!(run.action == TC_NEXT && run.frame == step.frame, "not passed as it was");
            ensure!(run.received.is_empty() && run.dropped.is_empty());
        }
        Expect::Drop(reason) => {
            ensure!(run.action == TC_SHOT && run.received.is_empty());
            ensure!(run.dropped == [(step.from.to_owned(), *reason)]);
        }
        Expect::DropAt(port, reason) => {
            ensure!(run.received.is_empty() && run.dropped == [((*port).to_owned(), *reason)]);
        }
    }
    Ok(())
}

fn without_tag(frame: &Frame) -> Frame {
    Frame([&frame.0[..12], &frame.0[16..]].concat())
}

/// What the cache forwards is what the case expects, to the octet; everything else it leaves alone.
fn check_xdp(case: &Case) -> Result<()> {
    devices(case.objects)?;
    let topology = with_xdp(case.objects);
    let programs = Programs::load(&topology)?;
    for (index, step) in case.steps.iter().enumerate() {
        let run = programs.xdp(topology.ifindexes[step.from], &step.frame)?;
        let fine = match (&step.expect, run.action) {
            (Expect::Forward(to, frame), XDP_REDIRECT) => run.received == [*to] && run.frame == *frame,
            (_, XDP_PASS) => run.frame == step.frame && run.received.is_empty() && run.dropped.is_empty(),
            _ => false,
        };
        ensure!(fine, "step {index}: {run:?} instead of {:?}", step.expect);
        // What the cache leaves alone goes to the pipeline, which learns.
        programs.tc(topology.ifindexes[step.from], &step.frame)?;
    }
    Ok(())
}

/// A switch all ports of which take frames from XDP.
fn with_xdp(objects: &str) -> Topology {
    let mut topology = Topology::new(objects, number);
    for row in topology.image.ports.values_mut() {
        row.flags |= port::XDP_TARGET;
    }
    topology
}

#[test]
fn fixtures_at_tc() {
    for case in fixture::all() {
        alone(case, check_tc);
    }
}

/// Devices whose numbers the index has no room for are ports like others.
#[test]
fn devices_with_high_numbers_are_ports() {
    let cases = fixture::bridge::cases().into_iter().take(2);
    cases.for_each(|case| {
        alone(case, |case| {
            devices_from(case.objects, port::INDEXED as usize)?;
            run_tc(case)
        });
    });
}

/// The datapath reads the tick counter; user space compares what it makes of it with the coarse clock.
#[test]
fn the_datapath_has_the_time_of_user_space() {
    const SLACK: Duration = Duration::from_nanos(config::Config::BEHIND_NS);
    let hello = Step { from: "c", frame: eth(MAC_B, MAC_C).noise(46), expect: Expect::Pass };
    let case = Case { name: "time", objects: fixture::bridge::TWO_NETWORKS, steps: vec![hello] };
    alone(case, |case| {
        devices(case.objects)?;
        let topology = Topology::new(case.objects, number);
        let programs = Programs::load(&topology)?;
        let before = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)?;
        programs.tc(topology.ifindexes["c"], &case.steps[0].frame)?;
        let after = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)?;
        let seen = Duration::from_nanos(programs.seen(fdb::Key::new(10, MAC_C))?);
        // Ticks come one after the other, the clock is read between two of them.
        let to = Duration::from(after) + 10 * Duration::from(clock_getres(ClockId::CLOCK_MONOTONIC_COARSE)?);
        let from = Duration::from(before).saturating_sub(SLACK);
        ensure!((from..to).contains(&seen), "{seen:?} is not between {from:?} and {to:?}");
        Ok(())
    });
}

#[test]
fn fixtures_at_xdp() {
    for case in fixture::all() {
        alone(case, check_xdp);
    }
}

/// The cache must take what it can: a program that does nothing would pass the test above.
#[test]
fn the_cache_forwards_between_known_stations() {
    const OBJECTS: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va}
- {apiVersion: dvs/v1, kind: Port, name: t, trunk: '10', device: vt}
";
    let (to_t, to_a) = (eth(MAC_B, MAC_A), eth(MAC_A, MAC_B));
    let forward = |to, frame| Expect::Forward(to, frame);
    let steps = vec![
        Step { from: "a", frame: to_t.clone().noise(46), expect: forward("t", to_t.vlan(10).noise(46)) },
        Step { from: "t", frame: to_a.clone().vlan(10).noise(46), expect: forward("a", to_a.noise(46)) },
    ];
    alone(Case { name: "known stations", objects: OBJECTS, steps }, |case| {
        devices(case.objects)?;
        let topology = with_xdp(case.objects);
        let programs = Programs::load(&topology)?;
        for step in &case.steps {
            programs.tc(topology.ifindexes[step.from], &step.frame)?;
        }
        for step in &case.steps {
            let Expect::Forward(to, frame) = &step.expect else { continue };
            let run = programs.xdp(topology.ifindexes[step.from], &step.frame)?;
            ensure!(run.action == XDP_REDIRECT && run.frame == *frame && run.received == [*to], "{run:?}");
        }
        Ok(())
    });
}
