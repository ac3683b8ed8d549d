//! Who gets a port: the rules of adr 14, without any store or clock.

use crate::api::Binding;

/// Why a host wants a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Somebody attached it there, knowing the binding of this epoch if one is given.
    Attached(Option<u64>),
    /// Its device has appeared there, when the host knew the bindings of this number.
    Appeared(u64),
    /// Its device was there already when the agent started.
    Present,
    /// It is to come there, and it is time, as far as the host knew the bindings of this number.
    Due(u64),
    /// The host has taken it with every manager down, knowing the binding of this epoch; 0 for none.
    Alone(u64),
}

/// A host wants a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) port: String,
    pub(super) device: String,
    pub(super) cause: Cause,
}

/// Where a port is, as far as it matters to whoever wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) binding: &'a Binding,
    /// Whoever knows the bindings of this number knows this one.
    pub(super) number: u64,
    /// Its host is alive.
    pub(super) alive: bool,
}

/// Why a host does not get a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is none.
    #[error("there is no such port; create it first (dvs port add), or name another one")]
    UnknownPort,
    /// Another host has it.
    #[error("it is at host {host}, which is alive; attach it here (dvs port attach) to have it moved")]
    Held {
        /// The host that has it.
        host: String,
    },
    /// The host does not know the newest binding.
    #[error(
        "it went to host {host} with epoch {epoch}, which was not known here; attach it (dvs port attach) to have it back"
    )]
    Newer {
        /// The host that has it.
        host: String,
        /// Epoch of the binding.
        epoch: u64,
    },
    /// Another port has the device.
    #[error("device {device} is that of port {port} here; detach that first (dvs port detach {port})")]
    DeviceTaken {
        /// The device.
        device: String,
        /// The port that has it.
        port: String,
    },
    /// The host's tables have no room for it.
    #[error("this host has no room for it: {0}")]
    Full(String),
}

/// True if the wish changes something, false if it is fulfilled already.
pub(super) fn decide(host: &str, wish: &Wish, holder: Option<Holder<'_>>) -> Result<bool, Refusal> {
    let Some(Holder { binding, number, alive }) = holder else { return Ok(true) };
    let newer = || Refusal::Newer { host: binding.host.clone(), epoch: binding.epoch };
    let own = binding.host == host;
    if own && binding.device == wish.device {
        return Ok(false);
    }
    let planned = binding.target.as_ref().is_some_and(|target| target.host == host);
    match wish.cause {
        // The VM is still there, or somebody has changed the plan.
        Cause::Appeared(_) | Cause::Present if planned && alive => Ok(false),
        Cause::Due(seen) => Ok(planned && number <= seen),
        Cause::Attached(Some(seen)) | Cause::Alone(seen) if binding.epoch > seen => Err(newer()),
        Cause::Appeared(seen) if !own && alive && number > seen => Err(newer()),
        Cause::Present if !own && alive => Err(Refusal::Held { host: binding.host.clone() }),
        Cause::Attached(_) | Cause::Alone(_) | Cause::Appeared(_) | Cause::Present => Ok(true),
    }
}

/// The epoch of a new binding: later than all that anybody can know of, even if the port was bound to nobody
/// meanwhile or taken without any manager. `number` is that of the change of bindings.
pub(super) fn next_epoch(number: u64, wish: &Wish, holder: Option<&Binding>) -> u64 {
    let alone = match wish.cause {
        Cause::Alone(seen) => seen + 1,
        Cause::Attached(_) | Cause::Appeared(_) | Cause::Present | Cause::Due(_) => 0,
    };
    number.max(alone).max(holder.map_or(0, |holder| holder.epoch + 1))
}

#[cfg(test)]
mod tests {
    use super::{Cause::*, *};
    use crate::api::Target;

    type Row = (&'static str, Option<(&'static str, bool)>, Cause, Result<bool, Refusal>);

    #[test]
    fn ports_go_by_the_rules() {
        let held = Refusal::Held { host: "h2".into() };
        let newer = |host: &str| Refusal::Newer { host: host.into(), epoch: 7 };
        // Who has the port with epoch 7 since the change of number 9, by device v2; why h1 wants it, with v1; what comes of it.
        let table: [Row; 22] = [
            ("nobody has it", None, Attached(None), Ok(true)),
            ("nobody has it", None, Attached(Some(9)), Ok(true)),
            ("nobody has it", None, Appeared(0), Ok(true)),
            ("nobody has it", None, Present, Ok(true)),
            ("nobody has it", None, Alone(7), Ok(true)),
            ("alive", Some(("h2", true)), Attached(None), Ok(true)),
            ("alive", Some(("h2", true)), Attached(Some(7)), Ok(true)),
            ("alive", Some(("h2", true)), Attached(Some(6)), Err(newer("h2"))),
            ("alive", Some(("h2", true)), Appeared(9), Ok(true)),
            ("alive", Some(("h2", true)), Appeared(8), Err(newer("h2"))),
            ("alive", Some(("h2", true)), Present, Err(held)),
            ("alive", Some(("h2", true)), Alone(7), Ok(true)),
            ("alive", Some(("h2", true)), Alone(6), Err(newer("h2"))),
            ("dead", Some(("h2", false)), Attached(None), Ok(true)),
            ("dead", Some(("h2", false)), Appeared(6), Ok(true)),
            ("dead", Some(("h2", false)), Present, Ok(true)),
            ("dead, but newer", Some(("h2", false)), Attached(Some(6)), Err(newer("h2"))),
            ("dead, but newer", Some(("h2", false)), Alone(6), Err(newer("h2"))),
            ("its own, another device", Some(("h1", true)), Attached(None), Ok(true)),
            ("its own, another device", Some(("h1", true)), Appeared(6), Ok(true)),
            ("its own, another device", Some(("h1", true)), Present, Ok(true)),
            ("its own, another device", Some(("h1", true)), Alone(6), Err(newer("h1"))),
        ];
        for (what, holder, cause, expected) in table {
            let wish = Wish { port: "p1".into(), device: "v1".into(), cause };
            let binding = |host: &str| Binding {
                host: host.into(),
                device: "v2".into(),
                epoch: 7,
                claimed_ms: 0,
                target: None,
            };
            let holder = holder.map(|(host, alive)| (binding(host), alive));
            let holder = holder.as_ref().map(|(binding, alive)| Holder { binding, number: 9, alive: *alive });
            assert_eq!(decide("h1", &wish, holder), expected, "{what}: {cause:?}");
        }
    }

    #[test]
    fn a_port_that_is_to_come_waits_until_it_is_due() {
        let to = |host: &str| Target { host: host.into(), device: None, now: false, planned_ms: 0 };
        let table = [
            ("alive", true, Some("h1"), Appeared(9), false),
            ("alive", true, Some("h1"), Appeared(8), false),
            ("alive", true, Some("h1"), Present, false),
            ("alive", true, Some("h1"), Due(9), true),
            ("alive, but of an earlier plan", true, Some("h1"), Due(8), false),
            ("alive", true, Some("h1"), Attached(None), true),
            ("alive", true, Some("h1"), Alone(7), true),
            ("dead", false, Some("h1"), Present, true),
            ("dead", false, Some("h1"), Due(9), true),
            ("to another host", true, Some("h3"), Appeared(9), true),
            ("to another host", true, Some("h3"), Due(9), false),
            ("to no host", true, None, Due(9), false),
        ];
        for (what, alive, target, cause, expected) in table {
            let wish = Wish { port: "p1".into(), device: "v1".into(), cause };
            let target = target.map(to);
            let binding = Binding { host: "h2".into(), device: "v2".into(), epoch: 7, claimed_ms: 0, target };
            let holder = Holder { binding: &binding, number: 9, alive };
            assert_eq!(decide("h1", &wish, Some(holder)), Ok(expected), "{what}: {cause:?}");
        }
    }

    #[test]
    fn what_a_host_has_already_changes_nothing() {
        let binding =
            Binding { host: "h1".into(), device: "v1".into(), epoch: 7, claimed_ms: 0, target: None };
        for cause in [Attached(None), Attached(Some(0)), Appeared(0), Present, Due(9), Alone(0)] {
            let wish = Wish { port: "p1".into(), device: "v1".into(), cause };
            let holder = Holder { binding: &binding, number: 9, alive: false };
            assert_eq!(decide("h1", &wish, Some(holder)), Ok(false), "{cause:?}");
        }
    }

    #[test]
    fn epochs_only_grow() {
        let holder =
            Binding { host: "h1".into(), device: "v1".into(), epoch: 7, claimed_ms: 0, target: None };
        for (number, cause, holder, epoch) in [
            (9, Present, None, 9),
            (9, Present, Some(&holder), 9),
            (3, Present, Some(&holder), 8),
            (3, Alone(11), Some(&holder), 12),
            (30, Alone(11), None, 30),
        ] {
            let wish = Wish { port: "p1".into(), device: "v1".into(), cause };
            assert_eq!(next_epoch(number, &wish, holder), epoch, "{number} {cause:?}");
        }
    }
}
