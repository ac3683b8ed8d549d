//! Which hosts are alive.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{api::HostState, store::Entries};

/// What is known of the hosts' liveness: it follows from their leases, but a manager that has just started does
/// not know yet who is there.
#[derive(Debug)]
pub(super) struct Liveness {
    started: Instant,
    timeout: Duration,
    seen: Mutex<BTreeMap<String, (HostState, Instant)>>,
}

impl Liveness {
    /// Nobody has been seen yet.
    pub(super) fn new(timeout: Duration) -> Self {
        Self { started: Instant::now(), timeout, seen: Mutex::default() }
    }

    /// When whoever has not reported is dead.
    pub(super) fn settled(&self) -> Instant {
        self.started + self.timeout
    }

    /// Whether the host is alive; whoever may still report after a manager's start counts as such.
    pub(super) fn state(&self, host: &str, entries: &Entries) -> HostState {
        let waits = Instant::now() < self.settled();
        if entries.contains_key(host) || waits { HostState::Alive } else { HostState::Dead }
    }

    /// Seconds for which the host has been in its state, if that was seen to begin.
    pub(super) fn since(&self, host: &str) -> Option<u64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(host).map(|(_, since)| since.elapsed().as_secs())
    }

    /// Takes note of who is there; says whose state has changed.
    pub(super) fn observe(&self, entries: &Entries) -> Vec<(String, HostState)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |host: &String| seen.get(host).map(|(state, _)| *state);
        let come = entries.keys().filter(|host| known(host) != Some(HostState::Alive));
        let mut changes: Vec<_> = come.map(|host| (host.clone(), HostState::Alive)).collect();
        let alive = seen.iter().filter(|(_, (state, _))| *state == HostState::Alive);
        let gone = alive.filter(|(host, _)| self.state(host, entries) == HostState::Dead);
        changes.extend(gone.map(|(host, _)| (host.clone(), HostState::Dead)));
        let now = Instant::now();
        seen.extend(changes.iter().map(|(host, state)| (host.clone(), (*state, now))));
        changes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::Entry;

    const TIMEOUT: Duration = Duration::from_secs(3);

    fn entries(hosts: &[&str]) -> Entries {
        let entry = Arc::new(Entry { instance: "i".into(), said: serde_json::Value::Null });
        Arc::new(hosts.iter().map(|host| ((*host).to_owned(), entry.clone())).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_dead_before_a_time_out_has_passed() {
        let liveness = Liveness::new(TIMEOUT);
        assert_eq!(liveness.state("h1", &entries(&[])), HostState::Alive);
        assert_eq!(liveness.observe(&entries(&["h1"])), [("h1".into(), HostState::Alive)]);
        assert_eq!(liveness.observe(&entries(&[])), []);
        tokio::time::advance(TIMEOUT).await;
        assert_eq!(liveness.state("h2", &entries(&[])), HostState::Dead);
        assert_eq!(liveness.observe(&entries(&[])), [("h1".into(), HostState::Dead)]);
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_die_and_return() {
        let liveness = Liveness::new(TIMEOUT);
        tokio::time::advance(TIMEOUT).await;
        assert_eq!(liveness.observe(&entries(&["h1", "h2"])).len(), 2);
        assert_eq!(liveness.observe(&entries(&["h2"])), [("h1".into(), HostState::Dead)]);
        tokio::time::advance(TIMEOUT).await;
        assert_eq!((liveness.since("h1"), liveness.since("h9")), (Some(3), None));
        assert_eq!(liveness.observe(&entries(&["h1", "h2"])), [("h1".into(), HostState::Alive)]);
        assert_eq!(liveness.since("h1"), Some(0));
    }
}
