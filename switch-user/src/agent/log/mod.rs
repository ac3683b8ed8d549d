//! The log of the firewalls: takes events out of the ring and hands them to whoever reads.

mod clock;
mod tell;
mod teller;

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{broadcast, watch};

use self::{
    clock::Clock,
    teller::{Teller, Timed},
};
use super::{
    dataplane::{
        DataplaneError,
        home::Home,
        table::{events::Ring, fdb::now},
    },
    scene::Scene,
    worker::Worker,
};
use crate::report::LogEvent;

/// Events that are kept for readers who come later.
const KEPT: usize = 1000;
/// Events that a reader may be behind before it misses some.
const BEHIND: usize = 4096;
/// How long to wait for an event before looking whether the agent stops.
const PATIENCE: Duration = Duration::from_millis(250);
/// After an event others come soon, and are better taken together.
const BREATH: Duration = Duration::from_millis(20);
/// The ring is opened again after this time, in case that another one has taken its place.
const REOPEN: Duration = Duration::from_secs(10);
/// Time until the next try if the ring cannot be opened.
const RETRY: Duration = Duration::from_secs(1);

/// The last events, and who wants to know of the next ones.
pub struct Journal {
    last: Mutex<VecDeque<LogEvent>>,
    news: broadcast::Sender<LogEvent>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { last: Mutex::default(), news: broadcast::Sender::new(BEHIND) }
    }
}

impl Journal {
    /// Notes an event.
    pub fn tell(&self, event: LogEvent) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(event.clone());
        // It does not matter whether anybody listens.
        self.news.send(event).ok();
    }

    /// The last events and those that follow them.
    pub fn read(&self) -> (Vec<LogEvent>, broadcast::Receiver<LogEvent>) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        (last.iter().cloned().collect(), self.news.subscribe())
    }
}

/// Starts a thread that takes events, for as long as it is not dropped.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(
    home: Arc<Home>,
    scene: watch::Receiver<Option<Arc<Scene>>>,
    journal: Arc<Journal>,
) -> io::Result<Worker> {
    let teller = Teller::new(scene, journal);
    let mut reader = Reader { home, teller, ring: None, clock: Clock::default() };
    Worker::start("events", move || {
        reader.round().unwrap_or_else(|error| {
            tracing::warn!("cannot read the events of rules: {error}");
            reader.ring = None;
            RETRY
        })
    })
}

struct Reader {
    home: Arc<Home>,
    teller: Teller,
    /// The ring, and since when it is open.
    ring: Option<(Ring, Instant)>,
    clock: Clock,
}

impl Reader {
    /// Waits for events and takes them; says how long to wait for the next time.
    fn round(&mut self) -> Result<Duration, DataplaneError> {
        if self.teller.knows_nothing() {
            return Ok(PATIENCE);
        }
        let (ring, since) = match self.ring.take() {
            Some(open) if open.1.elapsed() < REOPEN => open,
            _ => (Ring::open(&self.home)?, Instant::now()),
        };
        let (ring, _) = self.ring.insert((ring, since));
        let came = ring.wait(PATIENCE)?;
        let mut events: Vec<Timed> = Vec::new();
        while let Some(event) = ring.take() {
            events.push((event, self.clock.time(event.time, now()?)));
        }
        self.teller.tell(events);
        Ok(if came { BREATH } else { Duration::ZERO })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_get_the_last_events_and_then_the_next() {
        let journal = Journal::default();
        let event = |octets| LogEvent { octets, ..tell::tests::event() };
        (0..1005).for_each(|number| journal.tell(event(number)));
        let (last, mut next) = journal.read();
        assert_eq!((last.len(), last.first(), last.last()), (1000, Some(&event(5)), Some(&event(1004))));
        journal.tell(event(2000));
        assert_eq!(next.try_recv(), Ok(event(2000)));
    }
}
