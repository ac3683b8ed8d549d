//! The ring of events.

use std::{
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use aya::maps::{Map, RingBuf};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use switch_common::event::{Event, NAME};
use zerocopy::FromBytes;

use super::failed;
use crate::agent::dataplane::{DataplaneError, home::Home};

/// The ring. The kernel knows how far it has been read, whoever did it.
pub struct Ring(RingBuf<aya::maps::MapData>);

impl Ring {
    /// Opens the ring.
    ///
    /// # Errors
    /// When it is missing or another kind of map.
    pub fn open(home: &Home) -> Result<Self, DataplaneError> {
        let map = Map::from_map_data(super::open(NAME, &home.map(NAME))?).and_then(RingBuf::try_from);
        map.map(Self).map_err(|error| failed(NAME, "open", error))
    }

    /// Waits for an event; false if none came in time.
    ///
    /// # Errors
    /// When the kernel does not let us wait.
    pub fn wait(&self, time: Duration) -> Result<bool, DataplaneError> {
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        // SAFETY: the descriptor is the map's, which outlives this call.
        let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(self.0.as_raw_fd()) };
        match poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::Error::EINTR) => Ok(false),
            Err(error) => Err(failed(NAME, "wait for", error)),
        }
    }

    /// Takes the next event. What is none of this version's is passed over.
    pub fn take(&mut self) -> Option<Event> {
        loop {
            let item = self.0.next()?;
            if let Ok(event) = Event::read_from_bytes(&item) {
                return Some(event);
            }
        }
    }
}
