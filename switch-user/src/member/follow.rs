//! What people at a host may ask of those whom it follows: who they are, and to have a port here or not.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::watch, time::timeout};

use super::shared::{Shared, now_ms};
use crate::{
    agent::supply::Bound,
    api::Claim,
    client::{Client, ClientError},
    report::{Follow, FollowError, Following},
};

/// A manager takes so long at most to answer a claim.
const ANSWER: Duration = Duration::from_secs(5);
/// A port takes so long at most to open or to close.
const OPEN: Duration = Duration::from_secs(5);

/// Speaks for the people at this host.
pub(super) struct Follower {
    pub(super) shared: Arc<Shared>,
    pub(super) managers: Vec<(String, Client)>,
    pub(super) bound: watch::Receiver<Bound>,
    pub(super) runtime: Handle,
}

impl Follow for Follower {
    fn following(&self) -> Following {
        self.shared.following()
    }

    fn attach(&self, port: &str, device: &str) -> Result<(), FollowError> {
        if let Some(client) = self.manager() {
            let claim = Claim { port: port.to_owned(), device: device.to_owned(), seen: None };
            self.ask(client.claim(&self.shared.host, &claim))?;
        } else if !self.shared.change(|state| state.claim(port, device, now_ms())) {
            return Err(FollowError::Alone(format!("nothing is known of a port {port} here")));
        }
        self.settle(|here| here == Some(device), port);
        Ok(())
    }

    fn detach(&self, port: &str) -> Result<(), FollowError> {
        let Some(client) = self.manager() else {
            return Err(FollowError::Alone("a port is let go of at a manager only".into()));
        };
        self.ask(client.release(&self.shared.host, port))?;
        self.settle(|here| here.is_none(), port);
        Ok(())
    }
}

impl Follower {
    /// The manager that there is.
    fn manager(&self) -> Option<&Client> {
        let connected = self.shared.manager()?;
        self.managers.iter().find(|(name, _)| *name == connected).map(|(_, client)| client)
    }

    fn ask<T>(&self, answer: impl Future<Output = Result<T, ClientError>>) -> Result<(), FollowError> {
        match self.runtime.block_on(async { timeout(ANSWER, answer).await }) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(ClientError::Refused(details))) => Err(FollowError::Refused(details)),
            Ok(Err(error)) => Err(FollowError::Alone(error.to_string())),
            Err(_) => Err(FollowError::Alone("the one that was connected does not answer".into())),
        }
    }

    /// Waits until the port has the device that is wanted, and the agent has applied it; in vain if somebody else
    /// is faster. Whoever asked has no other way to wait for it: a claim is no generation of the configuration.
    fn settle(&self, wanted: impl Fn(Option<&str>) -> bool, port: &str) {
        let (mut news, mut bound) = (self.shared.news(), self.bound.clone());
        let settled = async {
            while !self.is_settled(&wanted, port, &bound.borrow_and_update()) {
                let changed = tokio::select! {
                    changed = news.changed() => changed,
                    changed = bound.changed() => changed,
                };
                if changed.is_err() {
                    return;
                }
            }
        };
        self.runtime.block_on(async { timeout(OPEN, settled).await }).ok();
    }

    /// True if what is wanted of a port is known and applied. A port without its device opens when that comes.
    fn is_settled(&self, wanted: impl Fn(Option<&str>) -> bool, port: &str, applied: &Bound) -> bool {
        let state = self.shared.state();
        let known = state.bound();
        let device = state.here().get(port).map(|binding| binding.device.clone());
        let plugged = device.as_deref().is_some_and(|device| state.seen.named(device).is_some());
        let opened = !plugged || !known.fresh.contains_key(port);
        wanted(device.as_deref()) && opened && applied.claims >= known.claims
    }
}
