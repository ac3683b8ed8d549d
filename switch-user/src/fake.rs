//! A host for tests that has applied whatever it is told to have applied.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use tokio::sync::{broadcast, watch};

use crate::{
    agent::alarms::of_tables,
    model::RuleAction,
    report::{
        Applied, Counters, DropCount, FdbEntry, FlowEntry, FlowFilter, FlowState, ForeignProgram, Hook,
        HostReports, HostStatus, LogEvent, NeighbourEntry, NeighbourState, PortState, PortStats, PortStatus,
        ReportError, RuleHits, TableStatus, XdpMode,
    },
    store::{RedbStore, Store},
};

/// A host that does nothing.
pub(crate) struct FakeHost {
    pub(crate) applied: watch::Sender<Applied>,
    pub(crate) devices: Mutex<BTreeSet<String>>,
    /// Reports fail.
    pub(crate) broken: Mutex<bool>,
    /// What goes wrong when the host follows a store.
    pub(crate) errors: Mutex<Vec<String>>,
    /// The host does not follow the store any more.
    pub(crate) stuck: Mutex<bool>,
    /// Flows that are there.
    pub(crate) flows: Mutex<Vec<FlowEntry>>,
    /// Events of rules to come.
    pub(crate) events: broadcast::Sender<LogEvent>,
}

impl FakeHost {
    /// A host with the devices `v1` to `v4` and `eth1`, which has applied nothing.
    pub(crate) fn new() -> Arc<Self> {
        let devices = ["v1", "v2", "v3", "v4", "eth1"].map(String::from);
        Arc::new(Self {
            applied: watch::Sender::new(Applied::default()),
            devices: Mutex::new(BTreeSet::from(devices)),
            broken: Mutex::default(),
            errors: Mutex::default(),
            stuck: Mutex::default(),
            flows: Mutex::new(flows()),
            events: broadcast::Sender::new(8),
        })
    }

    /// The host has applied `generation`, with these errors.
    pub(crate) fn apply(&self, generation: u64, errors: &[&str]) {
        let errors = errors.iter().map(ToString::to_string).collect();
        self.applied.send_replace(Applied { generation, errors });
    }

    /// Lets the host apply every generation of the store as soon as it is there.
    pub(crate) fn follow(self: &Arc<Self>, store: &RedbStore) {
        let (host, mut news) = (self.clone(), store.watch());
        news.mark_changed();
        tokio::spawn(async move {
            while news.changed().await.is_ok() {
                let generation = *news.borrow_and_update();
                if !*host.stuck.lock().unwrap() {
                    let errors = host.errors.lock().unwrap().clone();
                    host.applied.send_replace(Applied { generation, errors });
                }
            }
        });
    }

    fn report<T>(&self, rows: T) -> Result<T, ReportError> {
        if *self.broken.lock().unwrap() {
            let source = std::io::Error::other("on purpose").into();
            return Err(ReportError::Read { what: "table".into(), source });
        }
        Ok(rows)
    }
}

fn port(name: &str, uplink: bool) -> PortStatus {
    let device = if uplink { name.into() } else { name.replace('p', "v") };
    PortStatus {
        name: name.into(),
        uplink,
        device: Some(device),
        ifindex: Some(7),
        mtu: Some(1500),
        state: PortState::Up,
        hook: Some(Hook::Tcx),
        xdp: uplink.then_some(XdpMode::Native),
        notes: Vec::new(),
    }
}

fn station(network: &str, vlan: u16, last: u8, port: &str, age: Option<u64>) -> FdbEntry {
    let mac = switch_common::addr::Mac::new([2, 0, 0, 0, 0, last]);
    FdbEntry { network: Some(network.into()), vlan, mac, port: port.into(), is_static: age.is_none(), age }
}

/// A connection from p1 to p3 in both directions, and a ping.
fn flows() -> Vec<FlowEntry> {
    let forth = flow(["p1", "p3"], "blue", ["10.0.10.11", "10.0.20.11"], [40_000, 80]);
    let back = FlowEntry {
        original: false,
        ..flow(["p3", "p1"], "green", ["10.0.20.11", "10.0.10.11"], [80, 40_000])
    };
    let ping = FlowEntry {
        protocol: "icmpv6".into(),
        state: FlowState::Opening,
        router: None,
        ..flow(["eth1", "p2"], "blue", ["fd00:10::7", "fd00:20::7"], [7, 7])
    };
    vec![forth, back, ping]
}

/// A flow in the direction of its connection's first packet.
pub(crate) fn flow(
    [port, to_port]: [&str; 2],
    network: &str,
    addresses: [&str; 2],
    ports: [u16; 2],
) -> FlowEntry {
    let [source, destination] = addresses.map(|address| address.parse().unwrap());
    let [source_port, destination_port] = ports.map(Some);
    FlowEntry {
        port: port.into(),
        to_port: to_port.into(),
        router: Some("r1".into()),
        network: Some(network.into()),
        protocol: "tcp".into(),
        source,
        source_port,
        destination,
        destination_port,
        original: true,
        state: FlowState::Established,
        age_seconds: 90,
        idle_seconds: 1,
        packets: 12,
        bytes: 3456,
        path: format!("{} -> {}", port.replace('p', "v"), to_port.replace('p', "v")),
        rules: Vec::new(),
    }
}

/// An event of a rule that drops what a port sends.
pub(crate) fn event(port: &str, second: u8) -> LogEvent {
    LogEvent {
        time: format!("2026-01-31T12:00:{second:02}.000Z"),
        port: port.into(),
        network: Some("blue".into()),
        direction: "out".into(),
        policy: "web".into(),
        rule: "default".into(),
        action: RuleAction::Drop,
        staged: false,
        protocol: Some("udp".into()),
        source: Some([10, 0, 10, 11].into()),
        destination: Some([10, 0, 20, 11].into()),
        source_port: Some(40_000),
        destination_port: Some(53),
        icmp_type: None,
        icmp_code: None,
        ethertype: None,
        octets: 74,
    }
}

fn hits(port: &str, policy: &str, rule: Option<&str>, packets: u64) -> RuleHits {
    RuleHits {
        policy: policy.into(),
        rule: rule.map(str::to_owned),
        direction: "in".into(),
        port: port.into(),
        packets,
        bytes: 100 * packets,
        last: Some(2),
    }
}

fn neighbour(
    network: &str,
    vlan: u16,
    ip: &str,
    (state, last_heard_seconds): (NeighbourState, Option<u64>),
) -> NeighbourEntry {
    let known = state != NeighbourState::Dead;
    let mac = known.then_some(switch_common::addr::Mac::new([2, 0, 0, 0, 0, 1]));
    let (network, port) = (Some(network.into()), known.then(|| "p1".into()));
    NeighbourEntry { network, vlan, ip: ip.parse().unwrap(), mac, state, port, last_heard_seconds }
}

impl HostReports for FakeHost {
    fn applied(&self) -> Result<watch::Receiver<Applied>, ReportError> {
        Ok(self.applied.subscribe())
    }

    fn absent(&self, devices: BTreeSet<String>) -> BTreeSet<String> {
        &devices - &*self.devices.lock().unwrap()
    }

    fn status(&self) -> Result<HostStatus, ReportError> {
        let foreign =
            ForeignProgram { device: "eth1".into(), hook: "xdp".into(), id: 3, name: "others".into() };
        let table =
            |name: &str, entries| TableStatus { name: name.into(), entries, capacity: 4096, bytes: 65_536 };
        self.report(HostStatus {
            host: "h1".into(),
            version: "0.1.0".into(),
            kernel: "6.18.0".into(),
            abi: 1,
            applied: self.applied.borrow().clone(),
            resident_bytes: 20 << 20,
            ports: vec![port("eth1", true), port("p1", false), port("p2", false)],
            tables: vec![table("fdb", Some(3)), table("stats", None)],
            foreign: vec![foreign],
            alarms: of_tables(&[table("fdb", Some(3)), table("flows4", Some(4096))]),
        })
    }

    fn fdb(&self) -> Result<Vec<FdbEntry>, ReportError> {
        self.report(vec![
            station("blue", 10, 1, "p1", None),
            station("blue", 10, 2, "p2", Some(5)),
            station("green", 20, 2, "eth1", Some(0)),
        ])
    }

    fn stats(&self) -> Result<Vec<PortStats>, ReportError> {
        let cpu =
            Counters { in_packets: 1, in_bytes: 64, out_packets: 2, out_bytes: 3000, ..Counters::default() };
        let total = Counters {
            in_packets: 2,
            in_bytes: 128,
            out_packets: 4,
            out_bytes: 6000,
            routed: 4,
            answered: 1,
            ..cpu
        };
        let row = |port: &str| PortStats { port: port.into(), total, cpus: vec![cpu, cpu] };
        self.report(vec![row("p1"), row("p2")])
    }

    fn drops(&self) -> Result<Vec<DropCount>, ReportError> {
        let row = |port: &str, direction: &str, reason: &str, packets| DropCount {
            port: port.into(),
            direction: direction.into(),
            reason: reason.into(),
            packets,
        };
        self.report(vec![row("p1", "out", "spoofed-mac", 3), row("p2", "in", "mtu-exceeded", 1)])
    }

    fn flows(&self, filter: &FlowFilter) -> Result<Vec<FlowEntry>, ReportError> {
        let takes = |flow: &&FlowEntry| {
            filter.takes([&flow.port, &flow.to_port], flow.router.as_deref(), flow.original)
        };
        self.report(self.flows.lock().unwrap().iter().filter(takes).cloned().collect())
    }

    fn neighbours(&self) -> Result<Vec<NeighbourEntry>, ReportError> {
        use NeighbourState::{Dead, Reachable, Static};
        self.report(vec![
            neighbour("blue", 10, "10.0.10.11", (Static, None)),
            neighbour("blue", 10, "fd00:10::7", (Reachable, Some(3))),
            neighbour("green", 20, "10.0.20.9", (Dead, None)),
        ])
    }

    fn rules(&self) -> Result<Vec<RuleHits>, ReportError> {
        self.report(vec![
            hits("p1", "web", None, 1),
            hits("p1", "web", Some("https"), 5),
            hits("p2", "ssh", Some("all"), 7),
        ])
    }

    fn log(&self) -> Result<(Vec<LogEvent>, broadcast::Receiver<LogEvent>), ReportError> {
        let staged = LogEvent { staged: true, action: RuleAction::Allow, ..event("p2", 1) };
        Ok((vec![event("p1", 0), staged], self.events.subscribe()))
    }
}
