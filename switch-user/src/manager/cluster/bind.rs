//! Claims: read, decide, compare-and-swap, and again if somebody was faster.

use std::{
    collections::BTreeMap,
    sync::PoisonError,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    Cluster, ClusterError,
    claims::{Holder, Refusal, Wish, decide, next_epoch},
    views::{BindingChange, Views},
};
use crate::{
    api::{Binding, HostState},
    manager::{ApiError, Manager},
    model::Kind,
    store::{Batch, Key, StoreError},
};

/// How often a claim starts again before it gives up.
const ATTEMPTS: usize = 16;

/// What became of wishes: bindings to be written, and refusals by port.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Number of the bindings that were read.
    read: u64,
    pub(super) changes: Vec<BindingChange>,
    refused: BTreeMap<String, Refusal>,
}

impl Outcome {
    /// Changes of bindings as they are.
    pub(super) fn of(views: &Views, changes: Vec<BindingChange>) -> Self {
        Self { read: views.claims(), changes, ..Self::default() }
    }
}

impl Manager {
    /// Gives the host the ports that it wants, in one write; says which ones it does not get and why.
    pub(super) fn claim(
        &self,
        cluster: &Cluster,
        host: &str,
        wishes: &[Wish],
    ) -> Result<BTreeMap<String, Refusal>, ApiError> {
        if wishes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let author = format!("host {host}");
        let (outcome, _) = self.swap(cluster, &author, |cluster| Ok(cluster.judge(host, wishes)))?;
        Ok(outcome.refused)
    }

    /// Gives ports that the host has closed another epoch where they are: they are announced once more, because switches
    /// on the way may have learned last from the copies here.
    pub(super) fn renew(&self, cluster: &Cluster, host: &str, left: &[String]) -> Result<(), ApiError> {
        if left.is_empty() {
            return Ok(());
        }
        self.swap(cluster, &format!("host {host}"), |cluster| {
            let views = cluster.views();
            let number = views.claims() + 1;
            let renewed = |port: &String| {
                let binding = views.binding(port).filter(|binding| binding.host != host)?;
                let epoch = number.max(binding.epoch + 1);
                Some((port.clone(), Some(Binding { epoch, ..binding.clone() })))
            };
            Ok(Outcome::of(&views, left.iter().filter_map(renewed).collect()))
        })?;
        Ok(())
    }

    /// Frees a port that the host has.
    pub(super) fn release(&self, cluster: &Cluster, host: &str, port: &str) -> Result<(), ApiError> {
        self.swap(cluster, &format!("host {host}"), |cluster| {
            let views = cluster.views();
            let other = match views.binding(port) {
                Some(binding) if binding.host == host => None,
                Some(binding) => Some(format!("it is at host {}", binding.host)),
                None => Some("it is at no host".to_owned()),
            };
            if let Some(why) = other {
                return Err(
                    ClusterError::NotBound { port: port.to_owned(), host: host.to_owned(), why }.into()
                );
            }
            Ok(Outcome::of(&views, vec![(port.to_owned(), None)]))
        })?;
        Ok(())
    }

    /// Changes bindings as `judge` says, from what they are when they are written; returns their number too.
    pub(super) fn swap(
        &self,
        cluster: &Cluster,
        author: &str,
        judge: impl Fn(&Cluster) -> Result<Outcome, ApiError>,
    ) -> Result<(Outcome, u64), ApiError> {
        let _one = cluster.0.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        self.catch_up(cluster)?;
        for _ in 0..ATTEMPTS {
            let outcome = judge(cluster)?;
            if outcome.changes.is_empty() {
                let claims = outcome.read;
                return Ok((outcome, claims));
            }
            match cluster.0.bindings.put(outcome.read, &cluster.batch(&outcome.changes), author) {
                Ok(claims) => {
                    cluster.bound(claims, &outcome.changes);
                    return Ok((outcome, claims));
                }
                Err(StoreError::Conflict { .. }) => {
                    let (claims, changes) = cluster.bindings_since(outcome.read)?;
                    cluster.views().bind(claims, changes);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::Busy)
    }
}

impl Cluster {
    /// Decides about all wishes of a host.
    fn judge(&self, host: &str, wishes: &[Wish]) -> Outcome {
        let mut views = self.views();
        let mut outcome = Outcome { read: views.claims(), ..Outcome::default() };
        let (number, claimed_ms) = (outcome.read + 1, now());
        let mut devices: BTreeMap<String, String> =
            views.bound(host).map(|(port, binding)| (binding.device.clone(), port.clone())).collect();
        for wish in wishes {
            match self.wanted(&views, host, wish, &devices) {
                Ok(false) => {}
                Ok(true) => {
                    let (host, device) = (host.to_owned(), wish.device.clone());
                    devices.retain(|_, port| *port != wish.port);
                    devices.insert(device.clone(), wish.port.clone());
                    let epoch = next_epoch(number, wish, views.binding(&wish.port));
                    let binding = Binding { host, device, epoch, claimed_ms, target: None };
                    outcome.changes.push((wish.port.clone(), Some(binding)));
                }
                Err(refusal) => drop(outcome.refused.insert(wish.port.clone(), refusal)),
            }
        }
        refuse_excess(&mut views, host, &mut outcome);
        outcome
    }

    fn wanted(
        &self,
        views: &Views,
        host: &str,
        wish: &Wish,
        devices: &BTreeMap<String, String>,
    ) -> Result<bool, Refusal> {
        if views.object(Kind::Port, &wish.port).is_none() {
            return Err(Refusal::UnknownPort);
        }
        if let Some(port) = devices.get(&wish.device).filter(|port| **port != wish.port) {
            return Err(Refusal::DeviceTaken { device: wish.device.clone(), port: port.clone() });
        }
        let holder = views.binding(&wish.port).map(|binding| {
            let alive = self.state(&binding.host) == HostState::Alive && views.has_host(&binding.host);
            Holder { binding, number: views.binding_number(&wish.port), alive }
        });
        decide(host, wish, holder)
    }

    /// The rows of a write; what is left of ports that are gone goes with it.
    fn batch(&self, changes: &[BindingChange]) -> Batch {
        let key = |port: &String| Key { kind: "Binding".into(), name: port.clone() };
        let mut batch: Batch = self.views().orphans().map(|port| (key(port), None)).collect();
        let rows = changes.iter().map(|(port, binding)| {
            let document = binding.as_ref().map(|binding| serde_json::to_value(binding).unwrap_or_default());
            (key(port), document)
        });
        batch.extend(rows);
        batch
    }

    /// Takes over what was written.
    fn bound(&self, claims: u64, changes: &[BindingChange]) {
        let mut views = self.views();
        let gone: Vec<BindingChange> = views.orphans().map(|port| (port.clone(), None)).collect();
        views.bind(claims, [gone.as_slice(), changes].concat());
        for (port, binding) in changes {
            if let Some(Binding { host, device, epoch, target, .. }) = binding {
                let target = target.as_ref().map(|target| tracing::field::display(&target.host));
                tracing::info!(port, host, device, epoch, target, "port is bound");
            } else {
                tracing::info!(port, "port is bound to no host");
            }
        }
    }
}

/// Refuses the ports that are new to the host if they are more than it has room for.
fn refuse_excess(views: &mut Views, host: &str, outcome: &mut Outcome) {
    let is_new = |port: &str| views.binding(port).is_none_or(|binding| binding.host != host);
    let (new, old): (Vec<_>, Vec<_>) =
        std::mem::take(&mut outcome.changes).into_iter().partition(|(port, _)| is_new(port));
    outcome.changes = old;
    match if new.is_empty() { None } else { views.excess(host, &new) } {
        Some(why) => {
            let refused = new.into_iter().map(|(port, _)| (port, Refusal::Full(why.clone())));
            outcome.refused.extend(refused);
        }
        None => outcome.changes.extend(new),
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
