//! Tells everybody where the stations of a port are, once this host has claimed it and it is open: switches on the
//! way forget the former place by the first frame, stations and routers by what the frame says.
//!
//! A port that opens by the epoch at which this host had it before says nothing.

mod message;
mod schedule;

use std::{sync::Arc, time::Instant};

use tokio::{sync::watch, task::JoinSet, time};

use self::{message::frames, schedule::Schedule};
use super::scene::Scene;
use crate::netlink::packet::Sender;

/// Starts to announce, for as long as the result is not dropped.
pub fn start(scene: watch::Receiver<Option<Arc<Scene>>>, sender: Sender) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(Announcer { scene, sender, schedule: Schedule::default() }.run());
    task
}

struct Announcer {
    scene: watch::Receiver<Option<Arc<Scene>>>,
    sender: Sender,
    schedule: Schedule,
}

impl Announcer {
    async fn run(mut self) {
        loop {
            let next = self.schedule.next();
            let due = async {
                match next {
                    Some(due) => time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.scene.changed() => if changed.is_err() { return },
                () = due => {}
            }
            self.round();
        }
    }

    fn round(&mut self) {
        let Some(scene) = self.scene.borrow_and_update().clone() else { return };
        let now = Instant::now();
        self.schedule.follow(&scene.opened, now);
        for port in self.schedule.due(now) {
            for (exit, frame) in frames(&scene, &port) {
                if let Err(error) = exit.send(&self.sender, &frame) {
                    tracing::debug!("cannot announce {port} at device {}: {error}", exit.ifindex);
                }
            }
        }
    }
}
