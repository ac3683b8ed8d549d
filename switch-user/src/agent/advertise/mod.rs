//! Tells stations of their router, so that they make themselves addresses: router advertisements
//! (RFC 4861, 6.2) in networks that ask for it, to the ports of this host. Every host does it for its own.

mod message;
mod schedule;
mod solicitation;

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, Hasher, RandomState},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use switch_common::{
    addr::{IpWords, Mac, ipv6_words},
    wire::nd,
};
use tokio::sync::watch;

use self::{
    message::advertisement,
    schedule::{Place, Schedule},
    solicitation::asker,
};
use super::{
    frame::icmp,
    scene::{Exit, Scene},
    worker::Worker,
};
use crate::netlink::packet::{Listener, Received, Sender, wait};

/// Time between two looks at the plan, if nobody asks meanwhile.
const PERIOD: Duration = Duration::from_millis(200);
/// The same if there is nobody who could ask.
const IDLE: Duration = Duration::from_secs(1);

/// Starts a thread that advertises, for as long as it is not dropped.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(scene: watch::Receiver<Option<Arc<Scene>>>, sender: Sender) -> io::Result<Worker> {
    let (schedule, listeners) = (Schedule::default(), BTreeMap::new());
    let mut router = Router { scene, sender, schedule, listeners, seen: None };
    Worker::start("advertiser", move || router.round())
}

struct Router {
    scene: watch::Receiver<Option<Arc<Scene>>>,
    sender: Sender,
    schedule: Schedule,
    /// Who listens at which device. Only where it is needed, because a listener costs every frame.
    listeners: BTreeMap<u32, Listener>,
    /// The plan that was seen last.
    seen: Option<Arc<Scene>>,
}

impl Router {
    fn round(&mut self) -> Duration {
        let newest = self.scene.borrow().clone();
        let Some(scene) = newest else { return IDLE };
        if !self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &scene)) {
            self.schedule.follow(wanted(&scene), Instant::now());
            self.seen = Some(Arc::clone(&scene));
        }
        self.listen();
        for (exit, message) in self.schedule.due(Instant::now(), random) {
            let mac = nd::group_mac(nd::ALL_NODES).mac();
            self.send(&scene, &exit, mac, nd::ALL_NODES, &message);
        }
        if self.listeners.is_empty() {
            return IDLE;
        }
        if let Err(error) = wait(self.listeners.values(), PERIOD) {
            tracing::warn!("cannot wait for router solicitations: {error}");
            return IDLE;
        }
        for (ifindex, received) in self.receive() {
            self.answer(&scene, ifindex, &received);
        }
        Duration::ZERO
    }

    /// Listens where the router is advertised, and nowhere else.
    fn listen(&mut self) {
        let devices: BTreeSet<u32> = self.schedule.devices().collect();
        self.listeners.retain(|ifindex, _| devices.contains(ifindex));
        for ifindex in devices {
            if self.listeners.contains_key(&ifindex) {
                continue;
            }
            match Listener::open(ifindex) {
                Ok(listener) => drop(self.listeners.insert(ifindex, listener)),
                // A device that is gone will be missing in the next plan.
                Err(error) => tracing::debug!("device {ifindex}: {error}"),
            }
        }
    }

    /// What has come. A listener whose device is gone or down is opened again.
    fn receive(&mut self) -> Vec<(u32, Received)> {
        let mut all = Vec::new();
        self.listeners.retain(|ifindex, listener| {
            loop {
                match listener.receive() {
                    Ok(Some(received)) => all.push((*ifindex, received)),
                    Ok(None) => return true,
                    Err(error) => {
                        tracing::debug!("device {ifindex}: {error}");
                        return false;
                    }
                }
            }
        });
        all
    }

    fn answer(&mut self, scene: &Scene, ifindex: u32, received: &Received) {
        let Some(network) = scene.network_at(ifindex, received.tag) else { return };
        let Some(asker) = asker(&received.frame) else { return };
        if let Some((exit, message)) = self.schedule.answer(ifindex, network, Instant::now()) {
            self.send(scene, &exit, asker.mac, asker.address, &message);
        }
    }

    fn send(&self, scene: &Scene, exit: &Exit, mac: Mac, address: IpWords, message: &[u8]) {
        let frame = icmp(exit, mac, ipv6_words(scene.link_local()), address, message);
        if let Err(error) = self.sender.send(exit.ifindex, &frame) {
            tracing::debug!("cannot advertise the router at device {}: {error}", exit.ifindex);
        }
    }
}

/// What is to be said where: at every port of a network that is routed and wants it.
fn wanted(scene: &Scene) -> BTreeMap<Place, Vec<u8>> {
    let mut wanted = BTreeMap::new();
    for network in scene.desired.networks.values().filter(|network| network.slaac) {
        let vlan = network.vlan.get();
        let exits = scene.exits(vlan).filter(|exit| !exit.uplink);
        wanted.extend(exits.map(|exit| ((vlan, exit), advertisement(network, exit.router))));
    }
    wanted
}

/// A number that is hard to guess, so that hosts do not speak in step.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
