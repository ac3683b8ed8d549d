//! Moves the age of the configuration when a place has changed.

use switch_common::table::epoch::Epoch;

use crate::tables::Tables;

/// A station has moved: flows to it are to be judged again.
#[inline(always)]
pub fn moved<T: Tables>(tables: &T) {
    let Some(epoch) = tables.epoch() else { return };
    let now = tables.now();
    if now.wrapping_sub(epoch.when.get()) >= Epoch::QUIET_NS {
        epoch.when.set(now);
        epoch.moved.add(1);
    }
}
