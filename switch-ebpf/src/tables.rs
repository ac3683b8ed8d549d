//! The tables as the stages see them.

use switch_common::table::{config, drops, fdb, flood, guard, learn, port, stats};

/// What became of an address that was to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// The row is in the table.
    Done,
    /// Another CPU was faster.
    Raced,
    /// The table has no room.
    Full,
}

/// Look-ups and the few writes of the datapath. References point into table memory, which may
/// change under the reader; what must not tear is a [`switch_common::shared::Shared`] cell.
pub trait Tables {
    /// Coarse monotonic time in nanoseconds (`CLOCK_MONOTONIC_COARSE`).
    fn now(&self) -> u64;

    /// Settings of the switch.
    fn config(&self) -> Option<&config::Config>;

    /// The port of a device.
    fn port(&self, ifindex: u32) -> Option<&port::Port>;

    /// Where a station is.
    fn station(&self, key: &fdb::Key) -> Option<&fdb::Entry>;

    /// Puts a station that has no row into the table.
    fn learn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning;

    /// Replaces the row of a station.
    fn relearn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning;

    /// What the datapath did to the learned entries of the port in this slot.
    fn learned(&self, slot: u32) -> Option<&learn::Learned>;

    /// How many learned entries of the port in this slot the agent removed.
    fn forgotten(&self, slot: u32) -> u64;

    /// True if a guarded port may send from this address.
    fn may_send(&self, key: &guard::Key) -> bool;

    /// A part of a network's members.
    fn members(&self, key: &flood::Key) -> Option<&flood::Chunk>;

    /// This CPU's counters of the port in this slot.
    fn stats(&self, slot: u32) -> Option<&stats::Stats>;

    /// This CPU's drops of the port in this slot.
    fn drops(&self, slot: u32) -> Option<&drops::Drops>;
}
