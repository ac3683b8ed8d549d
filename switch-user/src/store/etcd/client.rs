//! Requests to a cluster: to one member, and to the next one if it does not answer.

use std::{
    error::Error,
    io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use hyper::http::uri::PathAndQuery;
use prost::Message;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Request, Status, client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;

use super::{
    options::{EtcdOptions, Member, chain},
    wire::{
        Delete, Done, Lease, LeaseAnswer, LeaseGrant, LeaseGrantAnswer, Put, Range, RangeAnswer, Transaction,
        TransactionAnswer,
    },
};
use crate::store::StoreError;

/// How long a member may take. One that has no leader answers after longer than that; another one may have one.
pub(super) const TRY: Duration = Duration::from_secs(2);
/// How long a request is tried. A new leader is elected in less.
pub(super) const LIMIT: Duration = Duration::from_secs(15);
/// Pauses after all members were tried: the first and the longest one.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// A cluster of etcd.
pub(super) struct Client {
    members: Vec<Member>,
    /// The member that is asked.
    current: AtomicUsize,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// What the member said, or what became of the connection.
    pub(super) reason: String,
    /// Another member may answer, or the same one later.
    pub(super) again: bool,
    /// The request has not reached anybody.
    pub(super) unsent: bool,
    code: Code,
}

impl Failure {
    /// Silence.
    pub(super) fn silent(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: true, unsent: false, code: Code::DeadlineExceeded }
    }

    /// The revision that was asked for is gone.
    pub(super) fn is_compacted(&self) -> bool {
        self.code == Code::OutOfRange
    }

    /// There is no such lease.
    pub(super) fn is_not_found(&self) -> bool {
        self.code == Code::NotFound
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let again = match status.code() {
            Code::ResourceExhausted => status.message().contains("too many requests"),
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::DataLoss
            | Code::Unauthenticated => false,
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable => true,
        };
        let reason = match status.source() {
            Some(source) => chain(source),
            None => status.message().to_owned(),
        };
        Self { reason, again, unsent: was_refused(&status), code: status.code() }
    }
}

/// No connection could be made.
fn was_refused(status: &Status) -> bool {
    let mut next = status.source();
    while let Some(source) = next {
        if let Some(error) = source.downcast_ref::<io::Error>() {
            use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
            return matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable);
        }
        next = source.source();
    }
    false
}

impl Client {
    /// The cluster; nothing is connected yet.
    pub(super) fn new(options: &EtcdOptions) -> Result<Self, StoreError> {
        Ok(Self { members: options.members()?, current: AtomicUsize::new(0) })
    }

    /// The cluster as messages name it.
    pub(super) fn name(&self) -> String {
        let urls: Vec<&str> = self.members.iter().map(|member| member.url.as_str()).collect();
        format!("etcd at {}", urls.join(","))
    }

    /// The member that is asked, and its number.
    pub(super) fn current(&self) -> (usize, &Member) {
        let number = self.current.load(Ordering::Relaxed) % self.members.len();
        (number, &self.members[number])
    }

    /// Asks another member from now on, unless somebody has seen to that.
    pub(super) fn pass_over(&self, number: usize) {
        let next = (number + 1) % self.members.len();
        // If it is another one already, that is as good.
        self.current.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed).ok();
    }

    /// Asks one member after the other until there is an answer or the time is up, and all of them at least once.
    async fn ask<Q, A>(&self, path: &'static str, request: Q, limit: Duration) -> Result<A, Failure>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let end = Instant::now() + limit;
        let [mut pause, longest] = PAUSES;
        let (mut unsent, mut tries) = (true, 0);
        loop {
            let (number, member) = self.current();
            let mut failure = match timeout(TRY, unary(member, path, request.clone())).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(status)) => Failure::from(status),
                Err(_) => Failure::silent(format!("{} does not answer", member.url)),
            };
            unsent &= failure.unsent;
            failure.unsent = unsent;
            if failure.again {
                self.pass_over(number);
            }
            tries += 1;
            if !failure.again || tries >= self.members.len() && Instant::now() >= end {
                return Err(failure);
            }
            if tries % self.members.len() == 0 {
                sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        }
    }

    /// Lists keys; what everybody has agreed on when this was called is among them.
    pub(super) async fn range(&self, range: Range) -> Result<RangeAnswer, Failure> {
        self.ask("/etcdserverpb.KV/Range", range, LIMIT).await
    }

    /// Lists keys, if any member answers at once.
    pub(super) async fn look(&self, range: Range) -> Result<RangeAnswer, Failure> {
        self.ask("/etcdserverpb.KV/Range", range, Duration::ZERO).await
    }

    /// Writes a key.
    pub(super) async fn put(&self, put: Put) -> Result<Done, Failure> {
        self.ask("/etcdserverpb.KV/Put", put, LIMIT).await
    }

    /// Removes keys.
    pub(super) async fn delete(&self, delete: Delete) -> Result<Done, Failure> {
        self.ask("/etcdserverpb.KV/DeleteRange", delete, LIMIT).await
    }

    /// Takes the steps of a transaction. It may have been taken although there is no answer, and may be taken twice:
    /// its conditions must see to it that the second time changes nothing.
    pub(super) async fn transact(&self, transaction: Transaction) -> Result<TransactionAnswer, Failure> {
        self.ask("/etcdserverpb.KV/Txn", transaction, LIMIT).await
    }

    /// Makes a lease; at least so long as etcd's own time-outs.
    pub(super) async fn grant(&self, seconds: i64) -> Result<i64, Failure> {
        let answer: LeaseGrantAnswer =
            self.ask("/etcdserverpb.Lease/LeaseGrant", LeaseGrant { seconds }, LIMIT).await?;
        Ok(answer.id)
    }

    /// Renews a lease; false if there is none.
    pub(super) async fn renew(&self, id: i64) -> Result<bool, Failure> {
        // A stream of one request has the form of a single one.
        let answer: LeaseAnswer = self.ask("/etcdserverpb.Lease/LeaseKeepAlive", Lease { id }, LIMIT).await?;
        Ok(answer.seconds > 0)
    }

    /// Ends a lease, and the keys with it.
    pub(super) async fn revoke(&self, id: i64) -> Result<(), Failure> {
        let revoked: Result<Done, Failure> =
            self.ask("/etcdserverpb.Lease/LeaseRevoke", Lease { id }, LIMIT).await;
        match revoked {
            Err(failure) if !failure.is_not_found() => Err(failure),
            _ => Ok(()),
        }
    }

    /// A failure of a request that changes nothing, or of one that has certainly changed nothing.
    pub(super) fn unanswered(&self, failure: Failure) -> StoreError {
        let Failure { reason, again, code, .. } = failure;
        let place = self.name();
        if again {
            StoreError::Unreachable { place, reason }
        } else if code == Code::ResourceExhausted {
            StoreError::Full { place, reason }
        } else {
            StoreError::Engine { action: "use", path: place, source: reason.into() }
        }
    }

    /// A failure of a write.
    pub(super) fn unwritten(&self, failure: Failure) -> StoreError {
        if failure.again && !failure.unsent {
            return StoreError::Unknown { place: self.name(), reason: failure.reason };
        }
        self.unanswered(failure)
    }
}

/// A connection, as requests are made on it. Answers may have any size.
pub(super) fn grpc(channel: &Channel) -> Grpc<Channel> {
    Grpc::new(channel.clone()).max_decoding_message_size(usize::MAX)
}

async fn unary<Q, A>(member: &Member, path: &'static str, request: Q) -> Result<A, Status>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut grpc = grpc(&member.channel);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let path = PathAndQuery::from_static(path);
    let answer = grpc.unary(Request::new(request), path, ProstCodec::<Q, A>::default()).await?;
    Ok(answer.into_inner())
}
