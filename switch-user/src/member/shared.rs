//! What the tasks of a member share, and whom they tell of changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

use super::state::State;
use crate::{netlink::links::Devices, report::Following};

/// Whether there is a manager.
#[derive(Debug)]
struct Link {
    connected: Option<String>,
    since: Instant,
    /// Why the others cannot be reached.
    troubles: BTreeMap<String, String>,
}

/// What a host knows, and its link to a manager.
#[derive(Debug)]
pub(super) struct Shared {
    /// Name of the host.
    pub(super) host: String,
    /// The managers.
    pub(super) managers: Vec<String>,
    state: Mutex<State>,
    link: Mutex<Link>,
    news: watch::Sender<u64>,
    generation: watch::Sender<u64>,
    sensed: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(managers: Vec<String>, state: State) -> Self {
        let generation = state.view.as_ref().map_or(0, |view| view.generation);
        let link = Link { connected: None, since: Instant::now(), troubles: BTreeMap::new() };
        Self {
            host: state.host.clone(),
            managers,
            state: Mutex::new(state),
            link: Mutex::new(link),
            news: watch::Sender::new(0),
            generation: watch::Sender::new(generation),
            sensed: watch::Sender::new(0),
        }
    }

    /// What the host knows.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the host knows; everybody is told if `edit` says that there is something new.
    pub(super) fn change(&self, edit: impl FnOnce(&mut State) -> bool) -> bool {
        let mut state = self.state();
        let changed = edit(&mut state);
        let generation = state.view.as_ref().map_or(0, |view| view.generation);
        drop(state);
        if changed {
            self.generation.send_replace(generation);
            self.news.send_modify(|number| *number += 1);
        }
        changed
    }

    /// Changes whenever there is something new.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The same with the generation of the configuration.
    pub(super) fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Follows the devices.
    pub(super) fn sense(&self, devices: Devices) {
        self.change(|state| state.sense(devices, now_ms()));
        self.sensed.send_modify(|number| *number += 1);
    }

    /// Notes which of the ports that are to come have sent a frame.
    pub(super) fn spoke(&self, active: BTreeSet<String>) {
        self.change(|state| state.spoke(active, now_ms()));
        self.sensed.send_modify(|number| *number += 1);
    }

    /// Changes whenever there are other devices, or a VM runs here that is to come.
    pub(super) fn sensed(&self) -> watch::Receiver<u64> {
        self.sensed.subscribe()
    }

    /// Notes that there is a manager.
    pub(super) fn connected(&self, manager: &str) {
        let mut link = self.link();
        *link =
            Link { connected: Some(manager.to_owned()), since: Instant::now(), troubles: BTreeMap::new() };
        drop(link);
        tracing::info!("following the manager at {manager}");
        self.change(|state| state.reach(true, now_ms()));
    }

    /// Notes why a manager cannot be reached, or is no more.
    pub(super) fn lost(&self, manager: &str, why: &str) {
        let mut link = self.link();
        if link.connected.take_if(|connected| connected == manager).is_some() {
            link.since = Instant::now();
        }
        let before = link.troubles.insert(manager.to_owned(), why.to_owned());
        drop(link);
        if before.as_deref() != Some(why) {
            tracing::warn!("the manager at {manager}: {why}");
        }
    }

    /// Notes that none of the managers can be reached.
    pub(super) fn alone(&self) {
        if !self.state().is_alone() {
            tracing::warn!("no manager can be reached; everything goes on as it is, and is tried again");
        }
        self.change(|state| state.reach(false, now_ms()));
    }

    /// Name of the manager that there is.
    pub(super) fn manager(&self) -> Option<String> {
        self.link().connected.clone()
    }

    /// Whom the host follows.
    pub(super) fn following(&self) -> Following {
        let state = self.state();
        let claims = state.view.as_ref().map_or(0, |view| view.claims);
        let alone = state.claimed().into_iter().map(|claim| claim.port).collect();
        let refused: Vec<String> =
            state.refused.iter().map(|(port, why)| format!("Port {port}: {why}")).collect();
        drop(state);
        let link = self.link();
        let troubles = link.troubles.iter().map(|(manager, why)| format!("the manager at {manager}: {why}"));
        Following {
            managers: self.managers.clone(),
            connected: link.connected.clone(),
            since: link.since.elapsed().as_secs(),
            claims,
            alone,
            errors: troubles.chain(refused).collect(),
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
