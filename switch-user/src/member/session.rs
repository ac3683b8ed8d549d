//! The conversation with managers: one at a time, the next one when it falls silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    pace::{Pace, jittered},
    shared::Shared,
    view::View,
};
use crate::{
    agent::supply::Bound,
    api::{HostReport, OWN_VERSION, VERSION_REMEDY, ViewEvent},
    client::{Client, ClientError, Lines, Tried, reason},
    memory,
    netlink::links::Devices,
    report::Applied,
};

/// A manager that says nothing for so long is gone: it gives a sign of life every second.
const SILENCE: Duration = Duration::from_secs(3);
/// Waits between attempts to reach any manager: the first, and the longest.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(5);
/// What a host says of its memory is of so many bytes: what is said anew has to be written down.
const MEMORY: u64 = 1 << 20;

/// What the agent and the kernel say of this host.
#[derive(Clone)]
pub struct Senses {
    /// How far the configuration is applied.
    pub applied: watch::Receiver<Applied>,
    /// Bindings that are applied.
    pub bound: watch::Receiver<Bound>,
    /// The devices that exist.
    pub devices: watch::Receiver<Devices>,
    /// Ports that are to come and whose device has sent a frame.
    pub active: watch::Receiver<BTreeSet<String>>,
}

/// Why a conversation has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{}", words(.0))]
    Client(#[from] ClientError),
    #[error("it has said nothing for {} s", SILENCE.as_secs())]
    Silent,
    #[error("it has ended the connection")]
    Ended,
    #[error("the agent is stopping")]
    Stopping,
}

/// An error in words that do not name the manager: that is done by whoever says them.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others name no manager")]
fn words(error: &ClientError) -> String {
    match error {
        ClientError::NoManager(Tried(tried)) => {
            tried.iter().map(|(_, obstacle)| obstacle.to_string()).collect::<Vec<_>>().join("; ")
        }
        ClientError::Connection { error, .. } => format!("it did not answer: {}", reason(error)),
        ClientError::Version { theirs, .. } => {
            format!("it speaks {theirs} and this is {OWN_VERSION}: {VERSION_REMEDY}")
        }
        _ => error.to_string(),
    }
}

/// A member that looks for a manager.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    /// The managers with their names.
    pub(super) managers: Vec<(String, Client)>,
    pub(super) senses: Senses,
    pub(super) instance: String,
}

impl Session {
    /// Stays with a manager for as long as it answers, then with the next one.
    pub(super) async fn run(self) {
        let mut pause = RETRY;
        loop {
            let (mut reached, begun) = (false, Instant::now());
            for (name, client) in &self.managers {
                let trouble = self.attend(name, client).await;
                reached |= self.shared.manager().is_some();
                self.shared.lost(name, &trouble.to_string());
            }
            if !reached {
                self.shared.alone();
            } else if begun.elapsed() > SILENCE {
                pause = RETRY;
            }
            sleep(jittered(pause)).await;
            pause = RETRY_LONGEST.min(pause * 2);
        }
    }

    /// Talks with a manager until it is gone.
    async fn attend(&self, name: &str, client: &Client) -> Trouble {
        let begun = async {
            let pace = self.report(client).await?;
            let digest = self.shared.state().view.as_ref().map(View::digest);
            let mut lines = within(client.view(&self.shared.host, digest)).await?;
            let first = line(&mut lines).await?;
            Ok((pace, lines, first))
        };
        let (pace, lines, first) = match begun.await {
            Ok(begun) => begun,
            Err(trouble) => return trouble,
        };
        self.shared.connected(name);
        self.shared.change(|state| state.take(first));
        tokio::select! {
            trouble = read(&self.shared, lines) => trouble,
            trouble = self.keep_reporting(client, pace) => trouble,
        }
    }

    /// Reports from time to time; at once when there are other devices, or a VM runs here that is to come; and in its
    /// turn when something has been applied.
    async fn keep_reporting(&self, client: &Client, mut pace: Pace) -> Trouble {
        let Senses { mut applied, mut bound, .. } = self.senses.clone();
        let mut sensed = self.shared.sensed();
        loop {
            let in_turn = async {
                tokio::select! {
                    changed = applied.changed() => changed?,
                    changed = bound.changed() => changed?,
                }
                sleep(pace.turn()).await;
                Ok(())
            };
            let changed = tokio::select! {
                () = sleep(pace.pause()) => Ok(()),
                changed = in_turn => changed,
                changed = sensed.changed() => changed,
            };
            if changed.is_err() {
                return Trouble::Stopping;
            }
            match self.report(client).await {
                Ok(answer) => pace = answer,
                Err(trouble) => return trouble,
            }
        }
    }

    /// Reports once; returns when to report again.
    async fn report(&self, client: &Client) -> Result<Pace, Trouble> {
        let report = self.told();
        let lease = within(client.report(&self.shared.host, &report)).await?;
        self.shared.state().told(&report.left);
        let pace = Pace::of(&lease);
        self.note(lease.refused);
        Ok(pace)
    }

    /// What the host says of itself.
    fn told(&self) -> HostReport {
        let state = self.shared.state();
        let (ports, coming) = (state.devices(), state.coming());
        let taken = ports.values().chain(coming.values().flatten());
        let Bound { claims, prepared, .. } = self.senses.bound.borrow().clone();
        HostReport {
            instance: self.instance.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            applied: self.senses.applied.borrow().clone(),
            claims,
            devices: super::seen::names(state.seen.free(taken)),
            claimed: state.claimed(),
            standby: state.standby(&prepared),
            unplugged: state.unplugged(),
            left: state.left(claims),
            ports: ports.values().filter(|device| state.seen.named(device).is_some()).count() as u64,
            resident_bytes: memory::resident().unwrap_or_default().next_multiple_of(MEMORY),
        }
    }

    /// Notes claims that a manager refuses; each is told once.
    fn note(&self, refused: BTreeMap<String, String>) {
        self.shared.change(|state| {
            for (port, why) in refused.iter().filter(|(port, why)| state.refused.get(*port) != Some(why)) {
                tracing::warn!("port {port} is not to be had: {why}");
            }
            state.refuse(refused)
        });
    }
}

/// Follows the lines of a view.
async fn read(shared: &Shared, mut lines: Lines<ViewEvent>) -> Trouble {
    loop {
        match line(&mut lines).await {
            Ok(event) => drop(shared.change(|state| state.take(event))),
            Err(trouble) => return trouble,
        }
    }
}

async fn line(lines: &mut Lines<ViewEvent>) -> Result<ViewEvent, Trouble> {
    within(lines.next()).await?.ok_or(Trouble::Ended)
}

async fn within<T>(answer: impl Future<Output = Result<T, ClientError>>) -> Result<T, Trouble> {
    Ok(timeout(SILENCE, answer).await.map_err(|_| Trouble::Silent)??)
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use hyper::{Request, body::Bytes, client::conn::http1};
    use hyper_util::rt::TokioIo;

    use super::*;
    use crate::client::{Obstacle, Place, Server};

    /// The error of a request whose connection ends before the answer.
    async fn broken() -> hyper::Error {
        let (near, far) = tokio::io::duplex(64);
        drop(far);
        let (mut sender, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(Request::new(Full::<Bytes>::default())).await.unwrap_err()
    }

    #[tokio::test]
    async fn troubles_do_not_name_the_manager_which_whoever_tells_them_does() {
        let server: Server = "https://m1.example".parse().unwrap();
        let place = Place::Manager(server.clone());
        let errors = [
            ClientError::NoManager(Tried(vec![(server, Obstacle::Slow(SILENCE))])),
            ClientError::Version { place: place.clone(), theirs: "v2".into() },
            ClientError::Connection { place, error: broken().await },
        ];
        let begins = ["no answer within 3 s", "it speaks v2 and", "it did not answer: "];
        for (error, begin) in errors.into_iter().zip(begins) {
            let said = Trouble::from(error).to_string();
            assert!(said.starts_with(begin) && !said.contains("m1.example"), "{said}");
        }
    }
}
