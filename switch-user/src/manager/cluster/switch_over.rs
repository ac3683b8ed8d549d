//! The moment of a planned move: the host that the port is to go to is ready, and the VM runs there.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Cluster, Refusal,
    claims::{Cause, Wish},
    list::standby,
    views::Views,
};
use crate::{
    api::{Binding, Standby, Target},
    manager::{ApiError, Manager},
    store::Entries,
};

impl Manager {
    /// Moves the ports whose time has come: all, or those from or to one host. Says which ones of that host are
    /// refused and why.
    pub(super) fn switch_over(
        &self,
        cluster: &Cluster,
        host: Option<&str>,
    ) -> Result<BTreeMap<String, Refusal>, ApiError> {
        let mut refused = BTreeMap::new();
        for (target, wishes) in cluster.due(host) {
            let outcome = self.claim(cluster, &target, &wishes)?;
            if host == Some(&target) {
                refused = outcome;
            }
        }
        Ok(refused)
    }
}

impl Cluster {
    /// The ports whose time has come, by the host that they go to.
    fn due(&self, host: Option<&str>) -> BTreeMap<String, Vec<Wish>> {
        let entries = self.0.leases.watch().borrow().clone();
        let views = self.views();
        let mut due: BTreeMap<String, Vec<Wish>> = BTreeMap::new();
        for (port, binding, target) in concerned(&views, host) {
            let Some(standby) = standby(&entries, &target.host, port) else { continue };
            // What it said of an earlier plan does not count.
            let seen = entries.get(&target.host).and_then(|entry| entry.said.get("claims")?.as_u64());
            let Some(seen) = seen.filter(|seen| *seen >= views.binding_number(port)) else { continue };
            if let Some(device) = opens(target, standby, || is_unplugged(&entries, binding, port)) {
                let wish = Wish { port: port.clone(), device, cause: Cause::Due(seen) };
                due.entry(target.host.clone()).or_default().push(wish);
            }
        }
        due
    }

    /// Hosts that are known to be alive.
    pub(super) fn living(&self, views: &Views) -> BTreeSet<String> {
        let entries = self.0.leases.watch().borrow().clone();
        entries.keys().filter(|host| views.has_host(host)).cloned().collect()
    }
}

fn concerned<'v>(
    views: &'v Views,
    host: Option<&str>,
) -> impl Iterator<Item = (&'v String, &'v Binding, &'v Target)> {
    views.planned().filter(move |(_, binding, target)| {
        host.is_none_or(|host| binding.host == host || target.host == host)
    })
}

/// True if the host that has the port says that its device is gone.
fn is_unplugged(entries: &Entries, binding: &Binding, port: &str) -> bool {
    let left = entries.get(&binding.host).and_then(|entry| entry.said.get("unplugged"));
    left.and_then(|left| left.as_array()).is_some_and(|left| left.iter().any(|name| name == port))
}

/// The device with which the port opens at its target, if it is time.
fn opens(target: &Target, standby: Standby, gone: impl Fn() -> bool) -> Option<String> {
    let Standby { device, ready, active } = standby;
    device.filter(|_| ready && (target.now || active || gone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_goes_when_its_target_is_ready_and_its_vm_is_there() {
        // Whether it is to go at once, ready, active, gone from where it was; whether it goes.
        let table = [
            (false, true, false, false, false),
            (false, true, true, false, true),
            (false, true, false, true, true),
            (true, true, false, false, true),
            (true, false, true, true, false),
            (false, false, true, true, false),
        ];
        for (now, ready, active, gone, expected) in table {
            let target = Target { host: "h2".into(), device: None, now, planned_ms: 0 };
            let standby = Standby { device: Some("v1".into()), ready, active };
            let found = opens(&target, standby, || gone);
            assert_eq!(found.is_some(), expected, "{now} {ready} {active} {gone}");
            let none = Standby { device: None, ready, active };
            assert_eq!(opens(&target, none, || gone), None, "without its device it would only be closed");
        }
    }
}
