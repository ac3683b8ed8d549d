//! A host that follows managers: it gets a view of what concerns it, keeps it on disk, and tells what it has.
//!
//! The agent applies what [`Member::supply`] says and knows no manager; no manager is needed for what is known
//! already. What managers may say, and who has which port, is in the decision record 14.

mod claims;
mod coming;
mod follow;
mod instance;
mod local;
mod meant;
mod pace;
mod record;
mod saver;
mod seen;
mod session;
mod shared;
mod state;
mod supply;
mod view;

#[cfg(test)]
mod tests;

use std::{io, path::Path, sync::Arc};

use tokio::task::JoinSet;

use self::{
    follow::Follower,
    record::Records,
    session::Session,
    shared::Shared,
    state::State,
    supply::{ViewStore, ViewSupply},
};
pub use self::{pace::Pace, session::Senses};
use crate::{agent::supply::Supply, client::Client, report::Follow, store::Store};

/// A member of a cluster.
pub struct Member {
    shared: Arc<Shared>,
    records: Records,
    instance: String,
    managers: Vec<(String, Client)>,
}

impl Member {
    /// Goes on where the one before with this state directory has stopped. Managers have names for people.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn open(state: &Path, host: String, managers: Vec<(String, Client)>) -> io::Result<Self> {
        let records = Records::of(state);
        let known = State::resume(host, records.read()?);
        let names = managers.iter().map(|(name, _)| name.clone()).collect();
        let shared = Arc::new(Shared::new(names, known));
        Ok(Self { shared, records, instance: instance::instance(state)?, managers })
    }

    /// What the agent is to apply.
    pub fn supply(&self) -> Box<dyn Supply> {
        Box::new(ViewSupply::new(Arc::clone(&self.shared)))
    }

    /// What the host's own API reads.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::new(ViewStore(Arc::clone(&self.shared)))
    }

    /// Begins to talk with managers, for as long as the result is not dropped.
    pub fn start(self, senses: Senses) -> (Arc<dyn Follow>, JoinSet<()>) {
        let Self { shared, records, instance, managers } = self;
        shared.state().begin(senses.devices.borrow().clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(saver::run(Arc::clone(&shared), records));
        tasks.spawn(sense(Arc::clone(&shared), senses.clone()));
        let follower = Follower {
            shared: Arc::clone(&shared),
            managers: managers.clone(),
            bound: senses.bound.clone(),
            runtime: tokio::runtime::Handle::current(),
        };
        tasks.spawn(Session { shared, managers, senses, instance }.run());
        (Arc::new(follower), tasks)
    }
}

/// Follows what the agent and the kernel say.
async fn sense(shared: Arc<Shared>, senses: Senses) {
    let Senses { mut bound, mut devices, mut active, .. } = senses;
    // What has changed since the start is seen once more.
    devices.mark_changed();
    loop {
        tokio::select! {
            changed = devices.changed() => match changed {
                Ok(()) => shared.sense(devices.borrow_and_update().clone()),
                Err(_) => return,
            },
            changed = active.changed() => match changed {
                Ok(()) => shared.spoke(active.borrow_and_update().clone()),
                Err(_) => return,
            },
            changed = bound.changed() => match changed {
                Ok(()) => {
                    let opened = bound.borrow_and_update().clone();
                    shared.change(|state| state.opened(&opened));
                }
                Err(_) => return,
            },
        }
    }
}
