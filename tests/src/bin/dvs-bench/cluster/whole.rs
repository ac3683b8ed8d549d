//! A host with everything that an agent has but its datapath and its devices.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::Result;
use switch_user::{
    agent::supply::{Bound, Supplied, Supply},
    client::Client,
    member::{Member, Senses},
    netlink::{Device, links::Devices},
    report::Applied,
    store::Store,
};
use tokio::{runtime::Handle, sync::watch, task::JoinSet};

/// What happens when the datapath has taken over a generation.
pub(super) type Heard = dyn Fn(u64) + Send + Sync;

/// A host.
pub(super) struct Whole {
    devices: watch::Sender<Devices>,
    datapath: Arc<Datapath>,
    store: Arc<dyn Store>,
    /// No VM of a port that is to come runs here.
    _active: watch::Sender<BTreeSet<String>>,
    _tasks: JoinSet<()>,
}

/// A datapath that takes over everything at once.
pub(super) struct Datapath {
    /// The ports that are open, and since when.
    open: Mutex<BTreeMap<String, Instant>>,
    /// How many there are, once there is a configuration.
    ports: watch::Sender<Option<usize>>,
    heard: Box<Heard>,
}

impl Datapath {
    fn apply(&self, supplied: &Supplied) {
        let now = Instant::now();
        let plugged = supplied.desired.ports.iter().filter(|(_, port)| port.device.is_some());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *open);
        *open = plugged.map(|(port, _)| (port.clone(), before.get(port).copied().unwrap_or(now))).collect();
        let ports = open.len();
        drop(open);
        (self.heard)(supplied.generation);
        self.ports.send_replace(Some(ports));
    }
}

impl Whole {
    /// A host with these devices, which keeps its state in a directory.
    pub(super) fn start(
        host: &str,
        manager: (String, Client),
        state: &Path,
        devices: Devices,
        heard: Box<Heard>,
    ) -> Result<Self> {
        let member = Member::open(state, host.to_owned(), vec![manager])?;
        let (applied, is_applied) = watch::channel(Applied::default());
        let (bound, is_bound) = watch::channel(Bound::default());
        let (devices, are_devices) = watch::channel(devices);
        let (active, is_active) = watch::channel(BTreeSet::new());
        let ports = watch::Sender::new(None);
        let datapath = Arc::new(Datapath { open: Mutex::default(), ports, heard });
        let (supply, store) = (member.supply(), member.store());
        let senses = Senses { applied: is_applied, bound: is_bound, devices: are_devices, active: is_active };
        let (_, mut tasks) = member.start(senses);
        tasks.spawn(drive(supply, Arc::clone(&datapath), applied, bound));
        Ok(Self { devices, datapath, store, _active: active, _tasks: tasks })
    }

    /// A device appears.
    pub(super) fn plug(&self, names: &[String]) {
        self.devices.send_modify(|devices| {
            let next = devices.last_key_value().map_or(1, |(ifindex, _)| ifindex + 1);
            for (ifindex, name) in (next..).zip(names) {
                let device = Device { ifindex, name: name.clone(), ..Device::default() };
                devices.insert(ifindex, Arc::new(device));
            }
        });
    }

    /// Since when the port is open, if it is.
    pub(super) fn open(&self, port: &str) -> Option<Instant> {
        self.datapath.open.lock().unwrap_or_else(PoisonError::into_inner).get(port).copied()
    }

    /// Number of ports that are open, if the datapath has any configuration.
    pub(super) fn ports(&self) -> Option<usize> {
        *self.datapath.ports.borrow()
    }

    /// Number of ports in the view.
    pub(super) fn view(&self) -> Result<usize> {
        Ok(self.store.get()?.documents.keys().filter(|key| key.kind == "Port").count())
    }
}

/// Takes over what is new, again and again.
async fn drive(
    mut supply: Box<dyn Supply>,
    datapath: Arc<Datapath>,
    applied: watch::Sender<Applied>,
    bound: watch::Sender<Bound>,
) {
    let mut news = supply.watch();
    while news.changed().await.is_ok() {
        let (again, path) = (Handle::current(), Arc::clone(&datapath));
        let taken = again.spawn_blocking(move || {
            let supplied = supply.read(None);
            if let Ok(supplied) = &supplied {
                path.apply(supplied);
            }
            (supply, supplied)
        });
        let Ok((back, supplied)) = taken.await else { return };
        supply = back;
        match supplied {
            Ok(Supplied { generation, bound: newest, .. }) => {
                applied.send_replace(Applied { generation, errors: Vec::new() });
                bound.send_replace(newest);
            }
            Err(error) => eprintln!("a configuration is refused: {error}"),
        }
    }
}
