//! From objects as users write them to the tables of a switch, with the product's own planner.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nix::time::{ClockId, clock_getres};
use switch_common::{addr::Mac, table::overlay};
use switch_user::{
    agent::{
        facts::Facts,
        image::{Holder, Hook, TableImage},
        plan::{self, Inputs, Underlay},
        slots,
    },
    model::{self, Desired, Validated, read},
    netlink::{Device, Kind},
};

/// A switch that is configured and planned.
#[derive(Clone, Debug)]
pub struct Topology {
    /// The configuration.
    pub validated: Validated,
    /// Interface index of each port and uplink, and number of each other host, by its name.
    pub ifindexes: BTreeMap<String, u32>,
    /// Slot of each port, uplink and other host, by its name.
    pub slots: BTreeMap<String, u32>,
    /// What the tables hold.
    pub image: TableImage,
}

impl Topology {
    /// Plans the objects of a YAML text. Every device that it names exists; `number` gives its
    /// interface index.
    ///
    /// # Panics
    /// If the text is no valid configuration: the case is wrong then.
    #[track_caller]
    pub fn new(objects: &str, number: impl Fn(&str) -> u32) -> Self {
        Self::with(objects, number, |_| {})
    }

    /// Plans objects.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[track_caller]
    pub fn of(desired: &Desired, number: impl Fn(&str) -> u32) -> Self {
        Self::plan(proven(desired), number, &BTreeMap::new())
    }

    /// Plans the objects of a YAML text with something that users do not write.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[track_caller]
    pub fn with(objects: &str, number: impl Fn(&str) -> u32, change: impl FnOnce(&mut Validated)) -> Self {
        let mut validated = parse(objects);
        change(&mut validated);
        Self::plan(validated, number, &BTreeMap::new())
    }

    /// Plans other objects for the same switch: who has a slot keeps it.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[track_caller]
    #[must_use]
    pub fn changed(&self, objects: &str, number: impl Fn(&str) -> u32) -> Self {
        Self::plan(parse(objects), number, &self.image.names)
    }

    #[track_caller]
    fn plan(validated: Validated, number: impl Fn(&str) -> u32, known: &BTreeMap<u32, Holder>) -> Self {
        let devices = devices(&validated, &number);
        let facts: Facts = devices.values().cloned().collect();
        let routers = validated.routers.keys().cloned().map(Holder::Router);
        // A port without a device has a slot too.
        let ports = validated.ports.keys().cloned().map(Holder::Port);
        let holders = devices.keys().cloned().chain(ports).chain(routers);
        let hosts = validated.overlay.hosts.keys().cloned().map(Holder::Host);
        let holders: BTreeSet<Holder> = holders.chain(hosts).chain(slots::policies(&validated)).collect();
        let slots = slots::assign(known, &holders, &BTreeMap::new());
        let plan = plan::plan(&Inputs {
            desired: &validated,
            facts: &facts,
            slots: &slots,
            underlay: validated.overlay.address.map(|address| Underlay::new(address, number(TUNNELS), 1500)),
            tc: Hook::Tcx,
            tick_ns: tick_ns(),
            host_mac: HOST_MAC,
            native: &BTreeSet::new(),
            refused: &BTreeMap::new(),
        });
        assert!(plan.problems.is_empty(), "{:?}", plan.problems);
        let devices = devices.into_iter().map(|(holder, device)| (holder, device.ifindex));
        let hosts = plan.hosts.iter().map(|(name, slot)| (Holder::Host(name.clone()), overlay::host(*slot)));
        let ifindexes: BTreeMap<Holder, u32> = devices.chain(hosts).collect();
        let ports = slots.iter().filter(|(holder, _)| ifindexes.contains_key(*holder));
        let slots = ports.map(|(holder, slot)| (holder.name().to_owned(), *slot)).collect();
        let ifindexes =
            ifindexes.into_iter().map(|(holder, number)| (holder.name().to_owned(), number)).collect();
        Self { validated, ifindexes, slots, image: plan.image }
    }

    /// Name of the port or uplink with this interface index.
    pub fn port_of(&self, ifindex: u32) -> Option<&str> {
        self.ifindexes.iter().find(|(_, number)| **number == ifindex).map(|(name, _)| name.as_str())
    }
}

/// The device whose frames are in tunnels.
pub const TUNNELS: &str = "dvs-vxlan";

/// Address of the host's router towards its uplinks.
pub const HOST_MAC: Mac = Mac::new([0x02, 0x64, 0x76, 0x80, 0, 1]);

/// Nanoseconds between two ticks of this kernel's clock.
fn tick_ns() -> u64 {
    let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).map(Duration::from);
    tick.map_or(0, |tick| u64::try_from(tick.as_nanos()).unwrap_or_default())
}

/// Names of the devices that a configuration mentions.
#[track_caller]
pub fn device_names(objects: &str) -> Vec<String> {
    devices(&parse(objects), |_| 0).into_values().map(|device| device.name).collect()
}

/// The configuration of the objects of a YAML text.
///
/// # Panics
/// If it is none.
#[track_caller]
pub fn parse(objects: &str) -> Validated {
    proven(&self::objects(objects))
}

#[track_caller]
fn proven(desired: &Desired) -> Validated {
    model::validate(desired).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The objects of a YAML text.
///
/// # Panics
/// If they cannot be read.
#[track_caller]
pub fn objects(text: &str) -> Desired {
    let source = read::Source::read(text).unwrap_or_else(|problems| panic!("{problems:?}"));
    source.objects.into_iter().collect()
}

fn devices(validated: &Validated, number: impl Fn(&str) -> u32) -> BTreeMap<Holder, Device> {
    let ports = validated.ports.iter().filter_map(|(name, port)| {
        port.device.as_ref().map(|device| (Holder::Port(name.clone()), device.clone()))
    });
    let uplinks = validated.uplinks.keys().map(|name| (Holder::Uplink(name.clone()), name.clone()));
    let device = |name: String| Device {
        ifindex: number(&name),
        name,
        kind: Kind::Veth,
        mtu: 1500,
        up: true,
        ..Device::default()
    };
    ports.chain(uplinks).map(|(holder, name)| (holder, device(name))).collect()
}
