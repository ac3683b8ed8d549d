//! Which host has which generation, and since when.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::time::sleep;

/// Nothing that is measured takes so long.
pub(super) const LIMIT: Duration = Duration::from_mins(1);
/// Between two looks. What is looked for has its time with it.
const LOOK: Duration = Duration::from_millis(1);

/// What hosts have applied.
pub(super) struct Board {
    hosts: Vec<Mutex<(u64, Instant)>>,
    events: AtomicU64,
}

impl Board {
    /// So many hosts that have nothing.
    pub(super) fn new(hosts: usize) -> Self {
        let hosts = (0..hosts).map(|_| Mutex::new((0, Instant::now()))).collect();
        Self { hosts, events: AtomicU64::new(0) }
    }

    fn host(&self, number: usize) -> Option<MutexGuard<'_, (u64, Instant)>> {
        Some(self.hosts.get(number)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The host has applied a generation.
    pub(super) fn note(&self, number: usize, generation: u64) {
        if let Some(mut known) = self.host(number).filter(|known| known.0 < generation) {
            *known = (generation, Instant::now());
        }
    }

    /// A host was told something besides numbers.
    pub(super) fn count(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was so.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// When the host came to this generation, if it has.
    fn reached(&self, number: usize, generation: u64) -> Option<Instant> {
        self.host(number).filter(|known| known.0 >= generation).map(|known| known.1)
    }

    /// When the last of these hosts came to this generation. None may have been beyond it when it was asked for.
    pub(super) async fn last(
        &self,
        hosts: impl Iterator<Item = usize> + Clone,
        generation: u64,
    ) -> Result<Instant> {
        let begun = Instant::now();
        loop {
            let times: Option<Vec<Instant>> =
                hosts.clone().map(|number| self.reached(number, generation)).collect();
            if let Some(last) = times.map(|times| times.into_iter().max()) {
                return Ok(last.unwrap_or(begun));
            }
            if begun.elapsed() > LIMIT {
                let late = hosts.filter(|number| self.reached(*number, generation).is_none()).count();
                bail!("{late} hosts have not got generation {generation} after {} s", LIMIT.as_secs());
            }
            sleep(LOOK).await;
        }
    }
}

/// Waits until something is there.
pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if begun.elapsed() > LIMIT {
            bail!("{what}: not so after {} s", LIMIT.as_secs());
        }
        sleep(LOOK).await;
    }
}
