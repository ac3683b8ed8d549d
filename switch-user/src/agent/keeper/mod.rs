//! Keeps what is known of neighbours true: asks stations that were not heard for a while whether they
//! are still there, and next hops that are not known where they are.
//!
//! The datapath learns from every answer. Here it is only noted that there was none.

mod ledger;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use switch_common::{
    addr::{Mac, ip_from_words},
    shared::Shared,
    table::{
        fdb,
        neighbour::{Key, Neighbour},
        route::{Hop, Target, VIA},
    },
};
use tokio::sync::watch;

use self::ledger::{Deed, Ledger, Round, Row};
use super::{
    dataplane::{DataplaneError, home::Home, learned::Learned, table::neighbours::mac},
    frame::question,
    scene::{Exit, Scene},
    worker::Worker,
};
use crate::netlink::packet::Sender;

/// Time between two rounds (RFC 4861, 10: `RETRANS_TIMER`).
const PERIOD: Duration = Duration::from_secs(1);
/// Most questions of a round.
const LIMIT: usize = 1024;

/// Starts a thread that keeps neighbours, for as long as it is not dropped.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(
    home: Arc<Home>,
    scene: watch::Receiver<Option<Arc<Scene>>>,
    sender: Sender,
) -> std::io::Result<Worker> {
    let mut keeper = Keeper { home, sender, ledger: Ledger::default(), hops: Hops::default() };
    Worker::start("neighbours", move || {
        let scene = scene.borrow().clone();
        // Before the first plan nobody can say what is still needed.
        if let Some(scene) = scene
            && let Err(error) = keeper.round(&scene)
        {
            tracing::warn!("cannot keep neighbours: {error}");
        }
        PERIOD
    })
}

struct Keeper {
    home: Arc<Home>,
    sender: Sender,
    ledger: Ledger,
    hops: Hops,
}

/// Next hops of static routes. There can be many, so they are listed only when there are others.
#[derive(Default)]
struct Hops {
    targets: Arc<BTreeMap<u64, Target>>,
    keys: BTreeSet<Key>,
}

impl Keeper {
    fn round(&mut self, scene: &Scene) -> Result<(), DataplaneError> {
        let mut learned = Learned::open(&self.home)?;
        let (rows, fixed) = read(&learned)?;
        self.hops.follow(scene);
        let hops = self.hops.keys.difference(&fixed).copied().collect();
        let networks = scene.gateways.keys().copied().collect();
        let now = learned.now()?;
        let round = Round { now, learned: &rows, hops: &hops, networks: &networks, limit: LIMIT };
        let mut buried = false;
        for deed in self.ledger.decide(&round) {
            match deed {
                Deed::Ask(key, mac) => self.ask(scene, &learned, key, mac)?,
                Deed::Bury(key, heard) => buried |= bury(&mut learned, &key, heard, now)?,
                Deed::Forget(key) => learned.neighbours.remove(&key)?,
            }
        }
        // Packets of all flows that went there take another way.
        if buried { self.home.advance(&mut learned.epoch) } else { Ok(()) }
    }

    /// Asks a station at its port, or everybody if it is not known where the station is.
    fn ask(
        &self,
        scene: &Scene,
        learned: &Learned,
        key: Key,
        mac: Option<Mac>,
    ) -> Result<(), DataplaneError> {
        let network = u16::try_from(key.network).unwrap_or_default();
        let address = ip_from_words(key.family, key.address);
        let Some(own) = scene.own(network, address) else { return Ok(()) };
        let station = match mac {
            Some(mac) => learned.fdb.get(&fdb::Key::new(network, mac))?,
            None => None,
        };
        match station.and_then(|entry| scene.exit(entry.ifindex, network)) {
            Some(exit) => self.send(&exit, own, address, mac),
            None => scene.exits(network).for_each(|exit| self.send(&exit, own, address, None)),
        }
        Ok(())
    }

    fn send(&self, exit: &Exit, own: IpAddr, address: IpAddr, station: Option<Mac>) {
        let Some(frame) = question(exit, own, address, station) else { return };
        if let Err(error) = exit.send(&self.sender, &frame) {
            // A device that is down or gone has nobody who could answer.
            tracing::debug!("cannot ask for {address} at device {}: {error}", exit.ifindex);
        }
    }
}

/// What was learned, and the addresses of which somebody has said whose they are.
fn read(learned: &Learned) -> Result<(BTreeMap<Key, Row>, BTreeSet<Key>), DataplaneError> {
    let (mut rows, mut fixed) = (BTreeMap::new(), BTreeSet::new());
    learned.neighbours.visit(|key, row| {
        if row.is_static() {
            fixed.insert(key);
        } else {
            let (heard, asked, dead) = (row.heard.get(), row.asked.get(), row.is_dead());
            rows.insert(key, Row { mac: mac(&row), heard, asked, dead });
        }
    })?;
    Ok((rows, fixed))
}

impl Hops {
    fn follow(&mut self, scene: &Scene) {
        if Arc::ptr_eq(&self.targets, &scene.targets) {
            return;
        }
        self.targets = Arc::clone(&scene.targets);
        let targets = self.targets.values().filter(|target| target.kind == VIA);
        let hops = targets.flat_map(|target| target.hops.iter().take(target.count as usize));
        self.keys = hops.map(|hop| key(scene, hop)).collect();
    }
}

fn key(scene: &Scene, hop: &Hop) -> Key {
    // A network has fewer than 4096 numbers.
    let network = u16::try_from(hop.network).unwrap_or_default();
    let family = if scene.is_own4(network, hop.own) { 4 } else { 6 };
    Key { network: network.into(), family, address: hop.address }
}

/// Notes that nobody answers for an address, unless the station was heard meanwhile; true if it was noted.
fn bury(learned: &mut Learned, key: &Key, heard: u64, now: u64) -> Result<bool, DataplaneError> {
    let row = learned.neighbours.get(key)?;
    if row.is_some_and(|row| row.is_static() || row.heard.get() > heard) {
        return Ok(false);
    }
    let dead = Neighbour {
        heard: Shared::new(heard),
        asked: Shared::new(now),
        unanswered: Shared::new(Neighbour::PATIENCE),
        ..Neighbour::default()
    };
    learned.neighbours.replace(key, dead)?;
    Ok(true)
}
