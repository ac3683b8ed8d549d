//! Who gets the copies of a flooded frame.
//!
//! A network's members are spread over chunks by the slot of their port, so a port that comes or
//! goes replaces one row, atomically. Within a chunk those that get the frame untagged stand first:
//! the frame is popped or pushed once, not once a copy.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::MAX_PORTS;

/// Name of the map, a hash from [`Key`] to [`Chunk`].
pub const NAME: &str = "flood";

/// Members in one chunk.
pub const CHUNK: usize = 256;

/// Most chunks of a network.
pub const MAX_CHUNKS: u32 = MAX_PORTS / 256;

const _: () = assert!(MAX_CHUNKS as usize * CHUNK == MAX_PORTS as usize);

super::key! {
    /// A chunk of a network.
    pub struct Key {
        /// Broadcast domain.
        pub network: u16,
        /// Slot of the members divided by [`CHUNK`].
        pub chunk: u16,
    }
}

const _: () = assert!(size_of::<Key>() == 4);

/// The members of a network whose slots are in one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Chunk {
    /// How many of `members`, from the first, get frames untagged.
    pub untagged: u16,
    /// How many of `members` there are in all.
    pub total: u16,
    /// In the row of chunk 0, which is always there if the network has members: the number of the
    /// network's last chunk. 0 elsewhere.
    pub last: u32,
    /// Interface indexes; 0 past `total`.
    pub members: [u32; CHUNK],
}

const _: () = assert!(size_of::<Chunk>() == 8 + 4 * CHUNK);

impl Default for Chunk {
    fn default() -> Self {
        Self { untagged: 0, total: 0, last: 0, members: [0; CHUNK] }
    }
}
