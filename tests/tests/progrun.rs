//! Ring 2: the programs in the kernel, on the same cases as ring 1.
#![expect(clippy::panic, reason = "a test may")]

use std::{collections::BTreeMap, ops::RangeInclusive, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use dvs_tests::{
    actors::{MAC_A, MAC_B, MAC_C, MAC_X, casts},
    fate::{Copies, Fate},
    fixture::{self, Case, Sent, Step, send},
    frame::{Frame, eth, ip, verify},
    netns::{PinnedThread, Wire},
    progrun::{Programs, Run},
    random,
    topology::{TUNNELS, Topology, device_names},
};
use nix::{
    net::if_::if_nametoindex,
    sched::{CloneFlags, unshare},
    time::{ClockId, clock_getres, clock_gettime},
};
use proptest::test_runner::{Config as ProptestConfig, TestCaseError, TestRunner};
use switch_common::{
    addr::GATEWAY_MAC,
    table::{config, fdb, port, rules::BLOCK},
    verdict::DropReason,
};
use switch_user::{classifier::linear::Question, model::Desired};

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
    // Nobody speaks on the devices but the switch.
    std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")?;
    for (number, device) in device_names(objects).into_iter().enumerate() {
        let (peer, index) = (format!("{device}-peer"), (first + number).to_string());
        ip_link(&["link", "add", &device, "index", &index, "type", "veth", "peer", "name", &peer])?;
        // The end that frames leave by comes up last, when it has a carrier: the kernel lets the other
        // one send a moment later, when it has noticed, and drops what comes before.
        ip_link(&["link", "set", &peer, "up"])?;
        ip_link(&["link", "set", &device, "up"])?;
    }
    Ok(())
}

fn ip_link(arguments: &[&str]) -> Result<()> {
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

/// Runs all cases, those of the same switch between the same devices: to make these takes longer than a case.
fn all(body: fn(&Case, &Listeners) -> Result<()>) {
    let mut switches: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for case in fixture::all() {
        switches.entry(case.objects).or_default().push(case);
    }
    for (objects, cases) in switches {
        let play = move || -> Result<()> {
            devices(objects)?;
            let listeners = Listeners::new(objects)?;
            cases.iter().try_for_each(|case| body(case, &listeners).with_context(|| case.name))
        };
        match std::thread::spawn(play).join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{error:#}"),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn run_tc(case: &Case, listeners: &Listeners) -> Result<()> {
    let mut topology = Topology::new(case.objects, number);
    let mut programs = Programs::lease(&topology)?;
    for (index, step) in case.steps.iter().enumerate() {
        match step {
            Step::Change(objects) => {
                topology = topology.changed(objects, number);
                programs.change(topology.clone())?;
            }
            Step::Wait(milliseconds) => programs.wait(Duration::from_millis(*milliseconds))?,
            // The kernel judges segments by what a test run does not have: ring 3 has real ones.
            Step::Send(Sent { segment: 1.., fate: Fate::Forward(..), .. }) => {}
            Step::Send(sent) => {
                let _pinned = PinnedThread::new();
                let run = programs.tc_segments(topology.ifindexes[sent.from], &sent.frame, sent.segment)?;
                let copies = listeners.collect(&topology);
                // A test run leaves tags in the frame, where the kernel never lets TC see the outermost
                // one: what is made of tagged frames in place is for rings 1 and 3.
                if !(is_tagged(&sent.frame) && is_made(sent)) {
                    tc_matches(sent, &run, &copies).with_context(|| {
                        format!("step {index}: {run:?} {copies:?} instead of {:?}", sent.fate)
                    })?;
                }
            }
        }
    }
    Ok(())
}

fn is_tagged(frame: &Frame) -> bool {
    frame.0.get(12..14).is_some_and(|kind| kind == [0x81, 0] || kind == [0x88, 0xa8])
}

/// True if the frame becomes another one: an error, a question or an answer.
fn is_made(sent: &Sent) -> bool {
    match &sent.fate {
        Fate::Drop(_, made) | Fate::DropAt(_, _, made) => !made.is_empty(),
        Fate::Forward(to, _) => to == sent.from,
        Fate::Flood(..) | Fate::Taken | Fate::Pass => false,
    }
}

/// Who hears the copies that the kernel makes.
struct Listeners {
    /// Both ends of each device.
    wires: BTreeMap<u32, [Wire; 2]>,
}

impl Listeners {
    fn new(objects: &str) -> Result<Self> {
        let wires = device_names(objects).into_iter().map(|device| {
            Ok((number(&device), [Wire::here(&device)?, Wire::here(&format!("{device}-peer"))?]))
        });
        Ok(Self { wires: wires.collect::<Result<_>>()? })
    }

    /// The frames that have left, by port. On one CPU frames keep their order, so none comes behind the end mark.
    fn collect(&self, topology: &Topology) -> Copies {
        let end = eth(MAC_X, MAC_X).payload(0x88b6, &[0; 46]);
        let mut copies = Copies::new();
        for (ifindex, [inside, outside]) in &self.wires {
            inside.send(&end);
            for frame in std::iter::from_fn(|| Some(outside.receive()).filter(|frame| *frame != end)) {
                let port = topology.port_of(*ifindex).unwrap_or("nobody");
                assert_eq!(copies.insert(port.to_owned(), frame), None, "{port} got two copies");
            }
        }
        copies
    }
}

fn tc_matches(sent: &Sent, run: &Run, copies: &Copies) -> Result<()> {
    let ports = |copies: &Copies| copies.keys().cloned().collect::<Vec<_>>();
    let dropped: Vec<(String, DropReason)> = match &sent.fate {
        Fate::Drop(reason, _) => vec![(sent.from.to_owned(), *reason)],
        Fate::DropAt(port, reason, _) => vec![(port.clone(), *reason)],
        Fate::Flood(_, failures) => failures.clone().into_iter().collect(),
        Fate::Forward(..) | Fate::Taken | Fate::Pass => Vec::new(),
    };
    ensure!(run.dropped == dropped, "other drops");
    ensure!(run.received == ports(&sent.fate.sent()), "other receivers");
    match (&sent.fate, run.action) {
        (Fate::Forward(..) | Fate::Drop(..) | Fate::DropAt(..), TC_REDIRECT) => {
            let Some(frame) = sent.fate.sent().into_values().next() else { bail!("sent for nobody") };
            // A tag that was pushed is held beside the frame, where a test run does not show it.
            ensure!(run.frame == frame || run.frame == without_tag(&frame), "another frame");
            ensure!(copies.is_empty(), "copies");
        }
        (Fate::Pass, TC_NEXT) => {
            ensure!(run.frame == sent.frame && copies.is_empty(), "not passed as it was");
        }
        (Fate::Flood(..), TC_SHOT) => ensure!(*copies == sent.fate.sent(), "other copies"),
        // A request is made of the packet that has to wait for it, and may be longer.
        (Fate::Drop(..), TC_SHOT) => {
            let trimmed: Copies =
                copies.iter().map(|(port, frame)| (port.clone(), frame.trimmed())).collect();
            ensure!(trimmed == sent.fate.sent(), "other copies");
        }
        (Fate::Taken | Fate::DropAt(..), TC_SHOT) => ensure!(copies.is_empty(), "copies"),
        _ => bail!("another action"),
    }
    verify_all(sent, run, copies)
}

/// Every frame that leaves is right, if the one that came in was.
fn verify_all(sent: &Sent, run: &Run, copies: &Copies) -> Result<()> {
    if verify(&sent.frame).is_err() || sent.segment != 0 {
        return Ok(());
    }
    let redirected = Some(&run.frame).filter(|_| run.action == TC_REDIRECT);
    copies.values().chain(redirected).try_for_each(|frame| verify(frame).map_err(anyhow::Error::msg))
}

fn without_tag(frame: &Frame) -> Frame {
    Frame([&frame.0[..12], &frame.0[16..]].concat())
}

/// What the cache forwards is what the case expects, to the octet; everything else it leaves alone.
fn run_xdp(case: &Case, _: &Listeners) -> Result<()> {
    let topology = with_xdp(case.objects);
    let programs = Programs::lease(&topology)?;
    for (index, sent) in case.frames().enumerate() {
        let run = programs.xdp(topology.ifindexes[sent.from], &sent.frame)?;
        let fine = match (&sent.fate, run.action) {
            (Fate::Forward(to, frame), XDP_REDIRECT) => run.received == [to.clone()] && run.frame == *frame,
            (_, XDP_PASS) => run.frame == sent.frame && run.received.is_empty() && run.dropped.is_empty(),
            _ => false,
        };
        ensure!(fine, "step {index}: {run:?} instead of {:?}", sent.fate);
        // What the cache leaves alone goes to the pipeline, which learns.
        programs.tc(topology.ifindexes[sent.from], &sent.frame)?;
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
    all(run_tc);
}

/// Devices whose numbers the index has no room for are ports like others.
#[test]
fn devices_with_high_numbers_are_ports() {
    let cases = fixture::bridge::cases().into_iter().take(2);
    cases.for_each(|case| {
        alone(case, |case| {
            devices_from(case.objects, port::INDEXED as usize)?;
            run_tc(case, &Listeners::new(case.objects)?)
        });
    });
}

/// The datapath reads the tick counter; user space compares what it makes of it with the coarse clock.
#[test]
fn the_datapath_has_the_time_of_user_space() {
    const SLACK: Duration = Duration::from_nanos(config::Config::BEHIND_NS);
    let case = Case { name: "time", objects: fixture::bridge::TWO_NETWORKS, steps: Vec::new() };
    alone(case, |case| {
        devices(case.objects)?;
        let topology = Topology::new(case.objects, number);
        let programs = Programs::lease(&topology)?;
        let before = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)?;
        programs.tc(topology.ifindexes["c"], &eth(MAC_B, MAC_C).noise(46))?;
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
    all(run_xdp);
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
    let steps = vec![
        send("a", to_t.clone().noise(46), Fate::forward("t", to_t.vlan(10).noise(46))),
        send("t", to_a.clone().vlan(10).noise(46), Fate::forward("a", to_a.noise(46))),
    ];
    alone(Case { name: "known stations", objects: OBJECTS, steps }, check_cached);
}

/// Packets of established flows leave from the driver, rewritten and with the tags of their networks.
#[test]
fn the_cache_routes_established_flows() {
    const OBJECTS: &str = "
- {apiVersion: dvs/v1, kind: Router, name: r}
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.254, 'fd00:10::254']}
- {apiVersion: dvs/v1, kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.254, 'fd00:20::254']}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va, mac: ['02:00:00:00:00:0a'], ip: [10.0.10.1, 'fd00:10::1']}
- {apiVersion: dvs/v1, kind: Port, name: t, trunk: '20', device: vt, mac: ['02:00:00:00:00:0c'], ip: [10.0.20.3, 'fd00:20::3']}
";
    for cast in casts() {
        let there = ip(cast.a, cast.c).udp(1000, 53, b"who is it?");
        let back = ip(cast.c, cast.a).udp(53, 1000, b"it is me");
        let to_t = eth(MAC_C, GATEWAY_MAC).ip(&there.routed()).tagged(20);
        let to_a = eth(MAC_A, GATEWAY_MAC).ip(&back.routed());
        let steps = vec![
            send("a", eth(GATEWAY_MAC, MAC_A).ip(&there), Fate::forward("t", to_t)),
            send("t", eth(GATEWAY_MAC, MAC_C).ip(&back).tagged(20), Fate::forward("a", to_a)),
        ];
        alone(Case { name: "established flows", objects: OBJECTS, steps }, check_cached);
    }
}

/// What the pipeline has forwarded once the cache forwards itself.
fn check_cached(case: &Case) -> Result<()> {
    devices(case.objects)?;
    let topology = with_xdp(case.objects);
    let programs = Programs::lease(&topology)?;
    for sent in case.frames() {
        programs.tc(topology.ifindexes[sent.from], &sent.frame)?;
    }
    for sent in case.frames() {
        let Fate::Forward(to, frame) = &sent.fate else { bail!("{} is not forwarded", sent.from) };
        let run = programs.xdp(topology.ifindexes[sent.from], &sent.frame)?;
        ensure!(
            run.action == XDP_REDIRECT && run.frame == *frame && run.received == [to.clone()],
            "{run:?} instead of {frame:?}"
        );
    }
    Ok(())
}

/// What the programs do with packets is what rules say that are asked one by one.
fn compare(desired: &Desired, questions: &[Question]) -> Result<()> {
    let topology = Topology::of(desired, number);
    for question in questions {
        let programs = Programs::lease(&topology)?;
        let (from, frame) = random::packet(question);
        let run = programs.tc(topology.ifindexes[from], &frame)?;
        let wanted = random::told(desired, question);
        let reasons: Vec<DropReason> = run.dropped.iter().map(|(_, reason)| *reason).collect();
        let rejected = run.action == TC_REDIRECT && !reasons.is_empty();
        ensure!(
            reasons == Vec::from_iter(wanted.reason)
                && wanted.rejected.is_none_or(|wanted| rejected == wanted)
                && random::hits(&topology, programs.hits()?) == wanted.hits,
            "{question:?}: {run:?} {:?} instead of {wanted:?}",
            programs.hits()?
        );
    }
    Ok(())
}

/// Compares random policies of so many rules.
fn packets_pass(cases: u32, policies: RangeInclusive<usize>, rules: RangeInclusive<usize>) -> Result<()> {
    devices(random::PORTS)?;
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&random::firewall(policies, rules), |(desired, questions)| {
        compare(&desired, &questions).map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    result.map_err(|failure| anyhow::anyhow!("{failure}"))
}

/// Random rules and packets decide in the kernel as rules do that are asked one by one.
/// A test run has no tunnels: a cable stands for the device that leads into them, and nothing comes out.
#[test]
fn frames_go_into_tunnels() {
    let is_local = |case: &Case| case.frames().all(|sent| matches!(sent.from, "a" | "b"));
    for case in fixture::overlay::cases().into_iter().filter(is_local) {
        alone(case, |case| {
            devices(case.objects)?;
            let topology =
                fixture::overlay::topology(|name| number(if name == TUNNELS { "u" } else { name }));
            let programs = Programs::lease(&topology)?;
            for sent in case.frames() {
                let run = programs.tc(topology.ifindexes[sent.from], &sent.frame)?;
                let fine = match &sent.fate {
                    Fate::Forward(to, frame) if to.starts_with('h') => {
                        run.action == TC_REDIRECT
                            && run.frame == without_tag(frame)
                            && run.received == [to.as_str()]
                    }
                    Fate::Flood(copies, _) => run.received.iter().eq(copies.keys()),
                    Fate::Forward(..) | Fate::Taken | Fate::Pass | Fate::Drop(..) | Fate::DropAt(..) => {
                        tc_matches(sent, &run, &Copies::new()).is_ok()
                    }
                };
                ensure!(fine, "{run:?} instead of {:?}", sent.fate);
            }
            Ok(())
        });
    }
}

#[test]
fn packets_pass_as_rules_say() {
    alone(Case { name: "random rules", objects: random::PORTS, steps: Vec::new() }, |_| {
        packets_pass(60, 1..=3, 0..=39)
    });
}

/// So they do where they take several blocks.
#[test]
fn packets_pass_as_many_rules_say() {
    alone(Case { name: "many rules", objects: random::PORTS, steps: Vec::new() }, |_| {
        packets_pass(2, 1..=1, 3 * BLOCK..=3 * BLOCK + 1)
    });
}
