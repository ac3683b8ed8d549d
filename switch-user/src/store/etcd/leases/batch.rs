//! Entries that are written at the same time are written together: what a thousand hosts have to say of one change takes
//! ten transactions then, not a thousand.

use tokio::sync::{mpsc, oneshot};

use super::super::{
    client::{Client, Failure},
    keys::reading,
    wire::{Compare, Put, Request, Target, Transaction},
};

/// Most entries of a transaction: etcd takes 128 operations unless it is told otherwise.
const MOST: usize = 100;

/// The revision at which entries were written; `None` if they were not, and each is to be tried alone.
type Written = Result<Option<i64>, Failure>;

/// An entry to be written if it is as it is thought to be.
pub(super) struct Wish {
    pub(super) put: Put,
    pub(super) target: Target,
    pub(super) done: oneshot::Sender<Written>,
}

/// Where wishes are left.
pub(super) struct Queue(mpsc::Sender<Wish>);

impl Queue {
    /// A queue, and its other end.
    pub(super) fn new() -> (Self, mpsc::Receiver<Wish>) {
        let (sender, receiver) = mpsc::channel(MOST);
        (Self(sender), receiver)
    }

    /// Writes an entry together with others; the revision, or `None` if it is to be tried alone.
    pub(super) async fn write(&self, put: Put, target: Target) -> Written {
        let (done, answer) = oneshot::channel();
        // Without anybody at the other end there is no other way.
        self.0.send(Wish { put, target, done }).await.ok();
        answer.await.unwrap_or(Ok(None))
    }
}

/// Writes what has come while the transaction before was under way, for as long as it is not aborted.
pub(super) async fn run(client: &Client, mut wishes: mpsc::Receiver<Wish>) {
    let mut batch = Vec::new();
    while wishes.recv_many(&mut batch, MOST).await > 0 {
        let written = together(client, &batch).await;
        for wish in batch.drain(..) {
            // Who does not wait any more has no need of it.
            wish.done.send(written.clone()).ok();
        }
    }
}

/// Writes all of them, or none.
async fn together(client: &Client, batch: &[Wish]) -> Written {
    let compare = batch.iter().map(|wish| Compare::equal(wish.put.key.clone(), wish.target.clone()));
    let success = batch.iter().map(|wish| Request::Put(wish.put.clone()).into());
    let failure = batch.iter().take(1).map(|wish| reading(wish.put.key.clone()));
    let transaction =
        Transaction { compare: compare.collect(), success: success.collect(), failure: failure.collect() };
    match client.transact(transaction).await {
        Ok(answer) if answer.succeeded => Ok(Some(answer.header.unwrap_or_default().revision)),
        Err(failure) if failure.again => Err(failure),
        Ok(_) | Err(_) => Ok(None),
    }
}
