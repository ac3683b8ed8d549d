//! What this host says of itself, read from the kernel when it is asked.

mod devices;
mod firewall;
mod routing;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use switch_common::{
    ABI_VERSION,
    table::{fdb, overlay},
};
use tokio::sync::{broadcast, watch};

use super::{
    alarms::{self, History, Lost},
    apply::Outcome,
    dataplane::{
        DataplaneError,
        foreign::foreign,
        home::{Home, Tables},
        sizes::sizes,
        table::fdb::now,
    },
    image::{Holder, Hook, Link},
    log::Journal,
    plan::Seat,
    rule_names::Policies,
    supply::{Bound, Proven},
};
use crate::{
    memory,
    model::Validated,
    netlink::{Device, links::Devices},
    report::{
        self, Alarm, Applied, Counters, DropCount, FdbEntry, FlowEntry, FlowFilter, ForeignProgram,
        HostReports, HostStatus, LogEvent, NeighbourEntry, PortState, PortStats, PortStatus, ReportError,
        RuleHits, TableStatus, XdpMode,
    },
};

/// Stands for the port of frames that came from no port.
const NOBODY: &str = "-";

/// The answers of this host.
pub struct Reports {
    host: String,
    home: Arc<Home>,
    devices: watch::Receiver<Devices>,
    applied: watch::Sender<Applied>,
    bound: watch::Sender<Bound>,
    view: RwLock<View>,
    journal: Arc<Journal>,
    history: Mutex<History>,
    /// What the manager has proven and the agent has not taken over, with its generation.
    proven: Mutex<Option<Proven>>,
}

/// What the agent last planned and did.
#[derive(Clone, Default)]
struct View {
    /// Names of networks by their VLAN.
    networks: BTreeMap<u16, String>,
    /// Names of their routers.
    routers: BTreeMap<u16, String>,
    /// How many routes there are of each family: too many to count them when somebody asks.
    routes: [u64; 2],
    policies: Policies,
    seats: Arc<BTreeMap<Holder, Seat>>,
    /// Other hosts, as reports name them, with their rows in the tables of counters.
    hosts: BTreeMap<String, u32>,
    attached: Arc<BTreeSet<Link>>,
}

impl Reports {
    /// Reports of a host that has not applied anything yet.
    pub fn new(host: String, home: Arc<Home>, devices: watch::Receiver<Devices>) -> Self {
        let (applied, _) = watch::channel(Applied::default());
        Self {
            host,
            home,
            devices,
            applied,
            bound: watch::Sender::new(Bound::default()),
            view: RwLock::default(),
            journal: Arc::default(),
            history: Mutex::default(),
            proven: Mutex::default(),
        }
    }

    /// Where events of rules are noted.
    pub fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.journal)
    }

    /// The last configuration that the manager has proven, with its generation, if nobody has taken it.
    pub fn take_proven(&self) -> Option<Proven> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes how far the configuration is applied.
    pub fn publish(&self, desired: &Validated, outcome: Outcome, generation: u64) {
        let networks = desired.networks.iter().map(|(name, network)| (network.vlan.get(), name));
        let routers = desired.networks.values().filter_map(|network| {
            let router = network.router.as_ref()?;
            Some((network.vlan.get(), router.clone()))
        });
        let view = View {
            networks: networks.map(|(vlan, name)| (vlan, name.clone())).collect(),
            routers: routers.collect(),
            routes: outcome.routes,
            policies: desired.policies.clone(),
            seats: Arc::new(outcome.plan.seats),
            hosts: outcome.plan.hosts.iter().map(|(name, slot)| (host_name(name), *slot)).collect(),
            attached: Arc::new(outcome.attached),
        };
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        self.announce(Applied { generation, errors: outcome.errors });
    }

    /// Notes which bindings are applied.
    pub fn publish_bound(&self, bound: Bound) {
        self.bound.send_if_modified(|current| {
            let changed = *current != bound;
            *current = bound;
            changed
        });
    }

    /// The bindings that are applied.
    pub fn bound(&self) -> watch::Receiver<Bound> {
        self.bound.subscribe()
    }

    /// The devices of the host.
    pub fn links(&self) -> watch::Receiver<Devices> {
        self.devices.clone()
    }

    /// Notes that the configuration cannot be read; what was applied before stays.
    pub fn publish_error(&self, error: String) {
        let generation = self.applied.borrow().generation;
        self.announce(Applied { generation, errors: vec![error] });
    }

    fn announce(&self, applied: Applied) {
        self.applied.send_if_modified(|current| {
            let changed = *current != applied;
            *current = applied;
            changed
        });
    }

    fn view(&self) -> View {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opened for each report, because another capacity of the forwarding database is another table.
    fn tables(&self) -> Result<Tables, ReportError> {
        self.home.tables().map_err(|error| failed("the tables", error))
    }

    /// What ports and uplinks have lost.
    fn lost(&self) -> Result<BTreeMap<String, Lost>, ReportError> {
        let counts = |stats: PortStats| {
            (stats.port, Lost { flows: stats.total.flow_full, hits: stats.total.hits_full })
        };
        Ok(self.stats()?.into_iter().map(counts).collect())
    }

    /// Alarms about what ports lose, of which what is seen is kept.
    ///
    /// # Errors
    /// When the counters cannot be read.
    pub fn look(&self) -> Result<Vec<Alarm>, ReportError> {
        let lost = self.lost()?;
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let alarms = history.alarms(&lost);
        history.keep(lost);
        Ok(alarms)
    }

    fn alarms(&self, tables: &[TableStatus]) -> Result<Vec<Alarm>, ReportError> {
        let lost = self.lost()?;
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let mut alarms = alarms::of_tables(tables);
        alarms.extend(history.alarms(&lost));
        Ok(alarms)
    }

    fn foreign(&self, view: &View) -> Result<Vec<ForeignProgram>, ReportError> {
        let devices: Vec<Arc<Device>> = view.seats.values().filter_map(|seat| seat.device.clone()).collect();
        foreign(&self.home, &devices).map_err(|error| failed("the programs of others", error))
    }
}

impl HostReports for Reports {
    fn proven(&self, generation: u64, valid: Validated) {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.as_ref().is_none_or(|(other, _)| *other < generation) {
            *proven = Some((generation, Arc::new(valid)));
        }
    }

    fn applied(&self) -> Result<watch::Receiver<Applied>, ReportError> {
        Ok(self.applied.subscribe())
    }

    fn absent(&self, devices: BTreeSet<String>) -> BTreeSet<String> {
        devices::absent(&self.devices, devices)
    }

    fn status(&self) -> Result<HostStatus, ReportError> {
        let view = self.view();
        let port = |(holder, seat): (&Holder, &Seat)| port_status(holder, seat, &view.attached);
        let tables = sizes(&self.home, view.routes);
        let tables = tables.map_err(|error| failed("the sizes of the tables", error))?;
        Ok(HostStatus {
            host: self.host.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kernel: kernel()?,
            abi: ABI_VERSION,
            applied: self.applied.borrow().clone(),
            resident_bytes: memory::resident().map_err(|error| failed("the memory in use", error))?,
            ports: view.seats.iter().map(port).collect(),
            alarms: self.alarms(&tables)?,
            tables,
            foreign: self.foreign(&view)?,
        })
    }

    fn fdb(&self) -> Result<Vec<FdbEntry>, ReportError> {
        let view = self.view();
        let ports = view.ports();
        let mut entries = Vec::new();
        let read = self.tables()?.fdb.visit(|key, entry| entries.push((key, entry)));
        read.map_err(|error| failed("the forwarding database", error))?;
        let now = now().map_err(|error| failed("the clock", error))?;
        entries.sort_unstable_by_key(|(key, _)| *key);
        Ok(entries.iter().map(|(key, entry)| view.entry(&ports, *key, entry, now)).collect())
    }

    fn stats(&self) -> Result<Vec<PortStats>, ReportError> {
        let tables = self.tables()?;
        let view = self.view();
        let read = |(port, slot): (&str, u32)| {
            let cpus = tables.stats.read(slot)?;
            Ok(PortStats { port: port.to_owned(), total: sum(&cpus), cpus })
        };
        let all: Result<Vec<PortStats>, DataplaneError> = view.counted().map(read).collect();
        all.map_err(|error| failed("the counters", error))
    }

    fn drops(&self) -> Result<Vec<DropCount>, ReportError> {
        let tables = self.tables()?;
        let view = self.view();
        let mut counts = Vec::new();
        for (port, slot) in view.counted().chain([(NOBODY, 0)]) {
            let reasons = tables.drops.read(slot).map_err(|error| failed("the drops", error))?;
            counts.extend(reasons.into_iter().map(|(reason, packets)| DropCount {
                port: port.to_owned(),
                direction: reason.direction().name().to_owned(),
                reason: reason.label().to_owned(),
                packets,
            }));
        }
        Ok(counts)
    }

    fn flows(&self, filter: &FlowFilter) -> Result<Vec<FlowEntry>, ReportError> {
        let now = now().map_err(|error| failed("the clock", error))?;
        routing::flows(&self.home, &self.view(), filter, now).map_err(|error| failed("the flows", error))
    }

    fn neighbours(&self) -> Result<Vec<NeighbourEntry>, ReportError> {
        let now = now().map_err(|error| failed("the clock", error))?;
        routing::neighbours(&self.home, &self.view(), now).map_err(|error| failed("the neighbours", error))
    }

    fn rules(&self) -> Result<Vec<RuleHits>, ReportError> {
        let now = now().map_err(|error| failed("the clock", error))?;
        firewall::rules(&self.home, &self.view(), now).map_err(|error| failed("the hits of rules", error))
    }

    fn log(&self) -> Result<(Vec<LogEvent>, broadcast::Receiver<LogEvent>), ReportError> {
        Ok(self.journal.read())
    }
}

impl View {
    /// Names of ports by their device.
    fn ports(&self) -> BTreeMap<u32, &str> {
        let device = |seat: &Seat| Some(seat.device.as_ref()?.ifindex);
        let seats = self.seats.iter().filter_map(|(holder, seat)| Some((device(seat)?, holder.name())));
        seats.chain(self.hosts.iter().map(|(name, slot)| (overlay::host(*slot), name.as_str()))).collect()
    }

    /// Ports, uplinks and other hosts with their rows in the tables of counters.
    fn counted(&self) -> impl Iterator<Item = (&str, u32)> {
        let seats = self.seats.iter().map(|(holder, seat)| (holder.name(), seat.slot));
        seats.chain(self.hosts.iter().map(|(name, slot)| (name.as_str(), *slot)))
    }

    fn entry(&self, ports: &BTreeMap<u32, &str>, key: fdb::Key, entry: &fdb::Entry, now: u64) -> FdbEntry {
        let seconds = seconds(now, entry.seen.get());
        FdbEntry {
            network: self.networks.get(&key.network).cloned(),
            vlan: key.network,
            mac: key.mac,
            port: ports.get(&entry.ifindex).map_or(NOBODY, |name| name).to_owned(),
            is_static: entry.is_static(),
            age: (!entry.is_static()).then_some(seconds),
        }
    }
}

/// Another host among ports, none of which can have such a name.
fn host_name(name: &str) -> String {
    format!("host:{name}")
}

/// Seconds since a moment that the datapath has noted.
fn seconds(now: u64, then: u64) -> u64 {
    now.saturating_sub(then) / 1_000_000_000
}

fn port_status(holder: &Holder, seat: &Seat, attached: &BTreeSet<Link>) -> PortStatus {
    let device = seat.device.as_deref();
    let runs = |hook| device.is_some_and(|device| attached.contains(&Link { ifindex: device.ifindex, hook }));
    let first = |hooks: [Hook; 2]| hooks.into_iter().find(|hook| runs(*hook));
    let hook = first([Hook::Tcx, Hook::Clsact]);
    let mut notes = seat.notes.clone();
    if let Some(device) = device.filter(|device| !device.up) {
        notes.push(format!("the device is down; `ip link set {} up`", device.name));
    }
    PortStatus {
        name: holder.name().to_owned(),
        uplink: matches!(holder, Holder::Uplink(_)),
        device: seat.wanted.clone(),
        ifindex: device.map(|device| device.ifindex),
        mtu: device.map(|device| device.mtu),
        state: state(seat, hook.is_some()),
        hook: hook.map(|hook| if hook == Hook::Tcx { report::Hook::Tcx } else { report::Hook::Clsact }),
        xdp: first([Hook::XdpNative, Hook::XdpGeneric])
            .map(|hook| if hook == Hook::XdpNative { XdpMode::Native } else { XdpMode::Generic }),
        notes,
    }
}

fn state(seat: &Seat, attached: bool) -> PortState {
    match (&seat.wanted, &seat.device) {
        (_, Some(_)) if !attached => PortState::Failed,
        _ if seat.standby => PortState::Standby,
        (None, _) => PortState::Detached,
        (Some(_), None) => PortState::NoDevice,
        (Some(_), Some(_)) if seat.up => PortState::Up,
        (Some(_), Some(_)) => PortState::Down,
    }
}

fn sum(cpus: &[Counters]) -> Counters {
    cpus.iter().fold(Counters::default(), |sum, cpu| Counters {
        in_packets: sum.in_packets + cpu.in_packets,
        in_bytes: sum.in_bytes + cpu.in_bytes,
        out_packets: sum.out_packets + cpu.out_packets,
        out_bytes: sum.out_bytes + cpu.out_bytes,
        flooded: sum.flooded + cpu.flooded,
        learned: sum.learned + cpu.learned,
        moved: sum.moved + cpu.moved,
        limited: sum.limited + cpu.limited,
        full: sum.full + cpu.full,
        routed: sum.routed + cpu.routed,
        answered: sum.answered + cpu.answered,
        limited_errors: sum.limited_errors + cpu.limited_errors,
        flow_full: sum.flow_full + cpu.flow_full,
        hits_full: sum.hits_full + cpu.hits_full,
    })
}

fn kernel() -> Result<String, ReportError> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    Ok(release.map_err(|error| failed("the kernel's release", error))?.trim().to_owned())
}

fn failed(what: &str, source: impl std::error::Error + Send + Sync + 'static) -> ReportError {
    ReportError::Read { what: what.to_owned(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(wanted: Option<&str>, device: bool) -> Seat {
        let device = device.then(|| Arc::new(Device { ifindex: 7, up: true, ..Device::default() }));
        Seat { wanted: wanted.map(str::to_owned), device, up: true, ..Seat::default() }
    }

    #[test]
    fn states_follow_from_device_and_hook() {
        let attached = BTreeSet::from([Link { ifindex: 7, hook: Hook::Tcx }]);
        let of = |seat: &Seat, attached: &BTreeSet<Link>| {
            port_status(&Holder::Port("p1".into()), seat, attached).state
        };
        assert_eq!(of(&seat(None, false), &attached), PortState::Detached);
        assert_eq!(of(&seat(Some("v1"), false), &attached), PortState::NoDevice);
        assert_eq!(of(&seat(Some("v1"), true), &attached), PortState::Up);
        assert_eq!(of(&seat(Some("v1"), true), &BTreeSet::new()), PortState::Failed);
        assert_eq!(of(&Seat { up: false, ..seat(Some("v1"), true) }, &attached), PortState::Down);
    }

    #[test]
    fn a_device_that_is_down_is_remarked() {
        let down = Seat { device: Some(Arc::default()), ..seat(Some("v1"), true) };
        assert!(
            port_status(&Holder::Port("p1".into()), &down, &BTreeSet::new()).notes[0].contains("is down")
        );
    }
}
