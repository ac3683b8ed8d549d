//! Introduces the router to the stations of a port that opens, once. One that has asked for its gateway while the port was
//! closed got no answer, and would wait for its own next try.
//!
//! It goes to the port's device alone: on the way to other hosts nobody is to see the router's address.

mod message;

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::watch,
    task::{JoinSet, yield_now},
};

use self::message::frames;
use super::scene::Scene;
use crate::netlink::packet::Sender;

/// Starts to introduce, for as long as the result is not dropped.
pub(super) fn start(scene: watch::Receiver<Option<Arc<Scene>>>, sender: Sender) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(run(scene, sender));
    task
}

async fn run(mut scene: watch::Receiver<Option<Arc<Scene>>>, sender: Sender) {
    let mut known = BTreeMap::new();
    while scene.changed().await.is_ok() {
        let Some(newest) = scene.borrow_and_update().clone() else { continue };
        let open: BTreeMap<_, _> = newest.open().collect();
        for (ifindex, _) in open.iter().filter(|(ifindex, port)| known.get(*ifindex) != Some(*port)) {
            introduce(&newest, &sender, *ifindex);
            // All ports of a host may open together.
            yield_now().await;
        }
        known = open;
    }
}

fn introduce(scene: &Scene, sender: &Sender, ifindex: u32) {
    for frame in frames(scene, ifindex) {
        if let Err(error) = sender.send(ifindex, &frame) {
            tracing::debug!("cannot introduce the router at device {ifindex}: {error}");
        }
    }
}
