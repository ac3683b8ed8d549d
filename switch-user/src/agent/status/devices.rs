//! Which devices there are. The kernel announces a device a moment after it was made, and whoever made it may name
//! it at once.

use std::{collections::BTreeSet, time::Duration};

use tokio::{runtime::Handle, sync::watch, time::timeout};

use crate::{
    agent::facts::Facts,
    netlink::{links::Devices, request},
};

/// An announcement takes so long at most that is of any use.
const ANNOUNCED: Duration = Duration::from_secs(1);

/// Those that do not exist. If the kernel has one that it has not announced yet, this waits until the agent knows it:
/// a port that is made then opens at once.
pub(super) fn absent(known: &watch::Receiver<Devices>, mut wanted: BTreeSet<String>) -> BTreeSet<String> {
    let unknown = |devices: &Devices, names: &BTreeSet<String>| names - &Facts::new(devices.clone()).names();
    wanted = unknown(&known.borrow(), &wanted);
    if wanted.is_empty() {
        return wanted;
    }
    let existing = match request::devices() {
        Ok(devices) => devices.into_iter().collect::<Facts>().names(),
        Err(error) => {
            tracing::warn!("devices are as they were last announced: {error}");
            BTreeSet::new()
        }
    };
    let (coming, absent): (BTreeSet<_>, _) = wanted.into_iter().partition(|name| existing.contains(name));
    let mut known = known.clone();
    let arrival = known.wait_for(|devices| unknown(devices, &coming).is_empty());
    // If it does not come, the port opens when it does.
    Handle::current().block_on(async { timeout(ANNOUNCED, arrival).await.ok() });
    absent
}
