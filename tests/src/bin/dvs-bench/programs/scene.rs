//! The switch with its tables filled.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, HashMap, MapData},
    programs::{SchedClassifier, Xdp},
};
use nix::time::{ClockId, clock_getres, clock_gettime};
use switch_common::{
    addr::{GATEWAY_MAC, Mac},
    shared::Shared,
    table::{config, fdb, guard, port},
};
use zerocopy::transmute;

use super::{
    frame::{SENDER, SENDER_IP, VLAN, station},
    timer::{EGRESS, INGRESS},
};

/// The switch.
const PROGRAM: &str = "dvs_tc";
/// Its cache at XDP.
const CACHE: &str = "dvs_xdp";

/// A hash map whose rows are written as bytes.
struct Table<'a, const K: usize, const V: usize>(HashMap<&'a mut MapData, [u8; K], [u8; V]>);

impl<const K: usize, const V: usize> Table<'_, K, V> {
    fn put(&mut self, key: [u8; K], value: [u8; V]) -> Result<()> {
        Ok(self.0.insert(key, value, 0)?)
    }
}

/// How a port is configured.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    /// Untagged.
    Access,
    /// Untagged, and only known addresses may send.
    Guarded,
    /// Tagged.
    Trunk,
}

impl Side {
    fn port(self, slot: u32) -> port::Port {
        let (flags, pvid) = match self {
            Self::Access => (0, VLAN),
            Self::Guarded => (port::GUARD_MAC | port::GUARD_IP, VLAN),
            Self::Trunk => (port::TRUNK, 0),
        };
        let flags = flags | port::UP | port::XDP_TARGET;
        let mut port =
            port::Port { slot, mtu: 1500, learn_limit: 1024, flags, pvid, ..port::Port::default() };
        if matches!(self, Self::Trunk) {
            port.allow(VLAN);
        }
        port
    }
}

/// A switch of a certain size.
pub(crate) struct Scene {
    object: Ebpf,
    stations: u32,
    ports: u32,
}

impl Scene {
    /// A switch with so many stations and ports.
    pub(crate) fn new(path: &Path, stations: u32, ports: u32) -> Result<Self> {
        let capacity = fdb::DEFAULT_CAPACITY.max(stations + 1);
        let mut object = EbpfLoader::new()
            .map_max_entries(fdb::NAME, capacity)
            .load_file(path)
            .with_context(|| format!("loading {}", path.display()))?;
        let program = object.program_mut(PROGRAM).with_context(|| format!("no program {PROGRAM}"))?;
        <&mut SchedClassifier>::try_from(program)?.load()?;
        let cache = object.program_mut(CACHE).with_context(|| format!("no program {CACHE}"))?;
        <&mut Xdp>::try_from(cache)?.load()?;
        let mut scene = Self { object, stations, ports };
        scene.configure()?;
        scene.learn()?;
        scene.plug_in()?;
        scene.allow_sender()?;
        Ok(scene)
    }

    /// True if the tables have this size.
    pub(crate) fn is(&self, stations: Option<u32>, ports: Option<u32>) -> bool {
        Some(self.stations) == stations && Some(self.ports) == ports
    }

    /// The switch.
    pub(crate) fn program(&self) -> Result<&SchedClassifier> {
        let program = self.object.program(PROGRAM).with_context(|| format!("no program {PROGRAM}"))?;
        Ok(program.try_into()?)
    }

    /// Its cache at XDP.
    pub(crate) fn cache(&self) -> Result<&Xdp> {
        let program = self.object.program(CACHE).with_context(|| format!("no program {CACHE}"))?;
        Ok(program.try_into()?)
    }

    /// Configures the two ports that the frame passes, and shows the sender.
    pub(crate) fn set(&mut self, from: Side, to: Side) -> Result<()> {
        self.plug(INGRESS, &from.port(1))?;
        self.plug(EGRESS, &to.port(2))?;
        self.see_sender()
    }

    fn configure(&mut self) -> Result<()> {
        let tick = Duration::from(clock_getres(ClockId::CLOCK_MONOTONIC_COARSE)?);
        let settings = config::Config {
            ageing_ns: Duration::from_mins(5).as_nanos().try_into()?,
            tick_ns: tick.as_nanos().try_into()?,
            gateway_mac: GATEWAY_MAC.word().get(),
            ..config::Config::default()
        };
        self.row::<{ size_of::<config::Config>() }>(config::NAME, 0, transmute!(settings))
    }

    /// The sender is at one port, all stations at the other, as if learned a moment ago.
    fn learn(&mut self) -> Result<()> {
        let (stations, at_egress) = (self.stations, seen_now(EGRESS)?);
        let mut table = self.stations()?;
        (0..stations).try_for_each(|number| table.put(key(station(number)), at_egress))?;
        self.see_sender()
    }

    /// Notes that the sender has just sent: the cache leaves it to TC to notice that once a second.
    fn see_sender(&mut self) -> Result<()> {
        let at_ingress = seen_now(INGRESS)?;
        self.stations()?.put(key(SENDER), at_ingress)
    }

    fn stations(&mut self) -> Result<Table<'_, 8, 16>> {
        self.table(fdb::NAME)
    }

    fn plug_in(&mut self) -> Result<()> {
        (1..=self.ports).try_for_each(|number| self.plug(number, &Side::Access.port(number)))
    }

    /// Makes a device the port of this row's slot.
    fn plug(&mut self, ifindex: u32, port: &port::Port) -> Result<()> {
        let [number, _] = port::rows(port.slot);
        self.row::<{ size_of::<port::Port>() }>(port::NAME, number, transmute!(*port))?;
        self.row(port::INDEX, ifindex, number.to_ne_bytes())
    }

    fn row<const V: usize>(&mut self, name: &str, index: u32, value: [u8; V]) -> Result<()> {
        let map = self.object.map_mut(name).with_context(|| format!("the switch has no table {name}"))?;
        Ok(Array::<_, [u8; V]>::try_from(map)?.set(index, value, 0)?)
    }

    fn allow_sender(&mut self) -> Result<()> {
        let mut table = self.table::<24, 4>(guard::NAME)?;
        for key in [guard::Key::mac(INGRESS, SENDER.word()), guard::Key::ipv4(INGRESS, SENDER_IP)] {
            table.put(transmute!(key), 1_u32.to_ne_bytes())?;
        }
        Ok(())
    }

    fn table<const K: usize, const V: usize>(&mut self, name: &str) -> Result<Table<'_, K, V>> {
        let map = self.object.map_mut(name).with_context(|| format!("the switch has no table {name}"))?;
        Ok(Table(HashMap::try_from(map)?))
    }
}

/// The key of a station.
fn key(mac: Mac) -> [u8; 8] {
    transmute!(fdb::Key::new(VLAN, mac))
}

/// The row of a station that was seen at a port a moment ago.
fn seen_now(ifindex: u32) -> Result<[u8; 16]> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)?);
    let seen = Shared::new(now.as_nanos().try_into()?);
    Ok(transmute!(fdb::Entry { ifindex, flags: 0, seen }))
}
