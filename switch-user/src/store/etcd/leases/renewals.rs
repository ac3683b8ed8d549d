//! Leases that are renewed at the same time are renewed by one request: of a thousand hosts each one renews its own every
//! second.

use std::collections::HashMap;

use futures_util::{TryStreamExt as _, stream};
use hyper::http::uri::PathAndQuery;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::super::{
    client::{Client, Failure, TRY, grpc},
    options::Member,
    wire::{Lease, LeaseAnswer},
};

/// Most leases of a request.
const MOST: usize = 500;

/// Whether there is a lease, which has been renewed then; `None` if it is to be tried alone.
type Renewed = Option<bool>;

/// A lease to be renewed.
pub(super) struct Wish {
    lease: i64,
    done: oneshot::Sender<Renewed>,
}

/// Where wishes are left.
pub(super) struct Renewals(mpsc::Sender<Wish>);

impl Renewals {
    /// A queue, and its other end.
    pub(super) fn new() -> (Self, mpsc::Receiver<Wish>) {
        let (sender, receiver) = mpsc::channel(MOST);
        (Self(sender), receiver)
    }

    /// Renews a lease together with others, or alone if that fails; false if there is none.
    pub(super) async fn renew(&self, client: &Client, lease: i64) -> Result<bool, Failure> {
        let (done, answer) = oneshot::channel();
        // Without anybody at the other end there is no other way.
        self.0.send(Wish { lease, done }).await.ok();
        match answer.await {
            Ok(Some(renewed)) => Ok(renewed),
            Ok(None) | Err(_) => client.renew(lease).await,
        }
    }
}

/// Renews what has come while the request before was under way, for as long as it is not aborted.
pub(super) async fn run(client: &Client, mut wishes: mpsc::Receiver<Wish>) {
    let mut batch = Vec::new();
    while wishes.recv_many(&mut batch, MOST).await > 0 {
        let renewed = together(client, batch.iter().map(|wish| wish.lease).collect()).await;
        for Wish { lease, done } in batch.drain(..) {
            // Who does not wait any more has no need of it.
            done.send(renewed.get(&lease).copied()).ok();
        }
    }
}

/// Those that were renewed, and those that there are none of. After a failure, another member is asked next.
async fn together(client: &Client, leases: Vec<i64>) -> HashMap<i64, bool> {
    let (number, member) = client.current();
    let Ok(Ok(answers)) = timeout(TRY, answers(member, leases)).await else {
        client.pass_over(number);
        return HashMap::new();
    };
    answers.into_iter().map(|LeaseAnswer { id, seconds }| (id, seconds > 0)).collect()
}

async fn answers(member: &Member, leases: Vec<i64>) -> Result<Vec<LeaseAnswer>, Status> {
    let mut grpc = grpc(&member.channel);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let requests = stream::iter(leases.into_iter().map(|id| Lease { id }));
    let path = PathAndQuery::from_static("/etcdserverpb.Lease/LeaseKeepAlive");
    let answers = grpc.streaming(Request::new(requests), path, ProstCodec::default()).await?;
    answers.into_inner().try_collect().await
}
