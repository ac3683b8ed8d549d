//! Sees when the VM of a port that is to come runs here: its device sends a first frame, which the closed port drops
//! and counts. Nothing else is known to say so for all kinds of VMs; a hypervisor announces the VM at the end of a
//! migration, QEMU by RARP.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use switch_common::verdict::DropReason;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet, spawn_blocking},
    time,
};

use super::{
    dataplane::{DataplaneError, home::Home, table::drops::Table},
    image::Holder,
    scene::Scene,
};

/// Time between two looks at the counters of ports that are to come. Without such ports there is none.
const PERIOD: Duration = Duration::from_millis(10);
/// The same after counters could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// Starts to look, for as long as the result is not dropped.
pub(super) fn start(
    home: Arc<Home>,
    scene: watch::Receiver<Option<Arc<Scene>>>,
    active: watch::Sender<BTreeSet<String>>,
) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(run(home, scene, active));
    task
}

async fn run(
    home: Arc<Home>,
    mut scene: watch::Receiver<Option<Arc<Scene>>>,
    active: watch::Sender<BTreeSet<String>>,
) {
    let (mut watcher, mut ports, mut changed) = (Watcher::default(), Arc::default(), true);
    loop {
        if changed {
            let newest = scene.borrow_and_update().clone();
            ports = Arc::new(newest.map(|scene| coming(&scene)).unwrap_or_default());
        }
        // It has panicked otherwise, or the agent ends.
        let Ok((looked, found)) = look(watcher, &home, &ports).await else { return };
        watcher = looked;
        let pause = match found {
            Ok(found) => {
                active.send_if_modified(|known| std::mem::replace(known, found.clone()) != found);
                watcher.waits().then_some(PERIOD)
            }
            Err(error) => {
                tracing::warn!("cannot see whether VMs that are to come are here: {error}");
                Some(AGAIN)
            }
        };
        changed = tokio::select! {
            changed = scene.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            () = time::sleep(pause.unwrap_or_default()), if pause.is_some() => false,
        };
    }
}

/// Looks at the ports where it may take its time: each is a call of the kernel, and a host that is drained may send
/// hundreds of them here.
async fn look(
    mut watcher: Watcher,
    home: &Arc<Home>,
    ports: &Arc<BTreeMap<String, Place>>,
) -> Result<(Watcher, Result<BTreeSet<String>, DataplaneError>), JoinError> {
    let (home, ports) = (Arc::clone(home), Arc::clone(ports));
    spawn_blocking(move || {
        let found = watcher.look(&home, &ports);
        (watcher, found)
    })
    .await
}

/// Where the frames of a port that is to come are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    slot: u32,
    /// Number of its device, if it exists.
    ifindex: Option<u32>,
}

/// The ports that are to come.
fn coming(scene: &Scene) -> BTreeMap<String, Place> {
    let ports = &scene.desired.ports;
    if !ports.values().any(|port| port.standby) {
        return BTreeMap::new();
    }
    let devices: BTreeMap<u32, u32> = scene.devices().collect();
    let places = scene.holders.iter().filter_map(|(slot, holder)| {
        let Holder::Port(port) = holder else { return None };
        let place = Place { slot: *slot, ifindex: devices.get(slot).copied() };
        ports.get(port)?.standby.then(|| (port.clone(), place))
    });
    places.collect()
}

/// A port, as it was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    place: Place,
    dropped: u64,
    active: bool,
}

#[derive(Debug, Default)]
struct Watcher(BTreeMap<String, Seen>);

impl Watcher {
    /// True if there is something to be seen soon.
    fn waits(&self) -> bool {
        self.0.values().any(|seen| seen.place.ifindex.is_some() && !seen.active)
    }

    /// Looks at these ports; says which of them have sent a frame.
    fn look(
        &mut self,
        home: &Home,
        ports: &BTreeMap<String, Place>,
    ) -> Result<BTreeSet<String>, DataplaneError> {
        let drops = if ports.is_empty() { None } else { Some(home.drops()?) };
        let count = |place: &Place| drops.as_ref().map_or(Ok(0), |drops| dropped(drops, place.slot));
        let counted = ports.iter().map(|(port, place)| Ok((port.clone(), (*place, count(place)?))));
        let counted: BTreeMap<_, _> = counted.collect::<Result<_, DataplaneError>>()?;
        Ok(self.follow(counted))
    }

    /// Follows the counters; says which ports have sent a frame since their device is there.
    fn follow(&mut self, counted: BTreeMap<String, (Place, u64)>) -> BTreeSet<String> {
        let before = std::mem::take(&mut self.0);
        for (port, (place, dropped)) in counted {
            let seen = before.get(&port).filter(|seen| seen.place.slot == place.slot);
            // A device that came counts from what was there before it; another one begins anew.
            let seen = seen.filter(|seen| seen.place.ifindex.is_none_or(|old| Some(old) == place.ifindex));
            let active =
                place.ifindex.is_some() && seen.is_some_and(|seen| seen.active || seen.dropped < dropped);
            self.0.insert(port, Seen { place, dropped, active });
        }
        let active = self.0.iter().filter(|(_, seen)| seen.active);
        active.map(|(port, _)| port.clone()).collect()
    }
}

/// Frames that the closed port has dropped.
fn dropped(drops: &Table, slot: u32) -> Result<u64, DataplaneError> {
    let closed = drops.read(slot)?.into_iter().find(|(reason, _)| *reason == DropReason::PortDown);
    Ok(closed.map_or(0, |(_, frames)| frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_of_a_device_is_seen() {
        let mut watcher = Watcher::default();
        // Number of the device, frames that were dropped; whether it is active, and whether the next look is soon.
        let looks = [
            (None, 7, false, false),
            (Some(4), 7, false, true),
            (Some(4), 8, true, false),
            (Some(4), 8, true, false),
            (Some(5), 9, false, true),
            (None, 9, false, false),
            (Some(6), 10, true, false),
        ];
        for (number, (ifindex, dropped, active, soon)) in looks.into_iter().enumerate() {
            let place = Place { slot: 1, ifindex };
            let found = watcher.follow([("p1".to_owned(), (place, dropped))].into());
            assert_eq!((found.contains("p1"), watcher.waits()), (active, soon), "look {number}");
        }
        let place = Place { slot: 2, ifindex: Some(6) };
        assert!(
            watcher.follow([("p1".to_owned(), (place, 11))].into()).is_empty(),
            "counters of another row"
        );
        assert!(watcher.follow(BTreeMap::new()).is_empty() && !watcher.waits());
    }

    #[test]
    fn a_port_that_was_counted_before_it_was_seen_is_not_active() {
        let mut watcher = Watcher::default();
        let place = Place { slot: 1, ifindex: Some(4) };
        assert!(watcher.follow([("p1".to_owned(), (place, 9))].into()).is_empty());
        assert!(watcher.waits());
    }
}
