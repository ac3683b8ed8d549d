//! Following keys as they change.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use hyper::http::uri::PathAndQuery;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tonic::{Request, Status, Streaming, metadata::MetadataValue};
use tonic_prost::ProstCodec;

use super::{
    client::{Client, Failure, TRY, grpc},
    options::Member,
    wire::{self, Done, Event, WatchAnswer, WatchCreate, WatchRequest},
};

/// A member that says nothing for this time is asked for a sign of life ...
const QUIET: Duration = Duration::from_secs(1);
/// ... and given up after this time.
const DEAD: Duration = Duration::from_secs(3);

/// A stream of changes.
pub(super) struct Watch<'a> {
    client: &'a Client,
    member: usize,
    answers: Streaming<WatchAnswer>,
    requests: mpsc::Sender<wire::Watch>,
    heard: Instant,
}

impl Client {
    /// Follows keys from a revision on.
    pub(super) async fn watch(&self, keys: [Vec<u8>; 2], start_revision: i64) -> Result<Watch<'_>, Failure> {
        let (number, member) = self.current();
        let (requests, receiver) = mpsc::channel(4);
        let [key, until] = keys;
        let create = WatchRequest::Create(WatchCreate { key, until, start_revision });
        let opened = match timeout(TRY, open(member, create, receiver)).await {
            Ok(opened) => opened.map_err(Failure::from),
            Err(_) => Err(Failure::silent("no answer to a watch")),
        };
        match opened {
            Ok(answers) => {
                Ok(Watch { client: self, member: number, answers, requests, heard: Instant::now() })
            }
            Err(failure) => {
                self.pass_over(number);
                Err(failure)
            }
        }
    }
}

async fn open(
    member: &Member,
    create: WatchRequest,
    later: mpsc::Receiver<wire::Watch>,
) -> Result<Streaming<WatchAnswer>, Status> {
    let mut grpc = grpc(&member.channel);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let later = stream::unfold(later, |mut later| async { Some((later.recv().await?, later)) });
    let first = wire::Watch { request: Some(create) };
    let mut request = Request::new(stream::once(async { first }).chain(later));
    // A member that has lost its leader ends the stream: it would not hear of anything any more.
    request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
    let path = PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
    Ok(grpc.streaming(request, path, ProstCodec::default()).await?.into_inner())
}

impl Watch<'_> {
    /// The next changes, all of one or more revisions. After a failure, other members are asked.
    pub(super) async fn next(&mut self) -> Result<Vec<Event>, Failure> {
        let next = self.receive().await;
        if next.is_err() {
            self.client.pass_over(self.member);
        }
        next
    }

    async fn receive(&mut self) -> Result<Vec<Event>, Failure> {
        loop {
            match timeout(QUIET, self.answers.message()).await {
                Ok(answer) => {
                    self.heard = Instant::now();
                    let Some(answer) = answer? else { return Err(Failure::silent("a watch has ended")) };
                    if answer.canceled || answer.compact_revision > 0 {
                        let reason = format!("a watch was ended: {}", answer.cancel_reason);
                        return Err(Failure::silent(reason));
                    }
                    if !answer.events.is_empty() {
                        return Ok(answer.events);
                    }
                }
                Err(_) if self.heard.elapsed() > DEAD => {
                    return Err(Failure::silent("no sign of life from a watch"));
                }
                Err(_) => {
                    let request = Some(WatchRequest::Progress(Done {}));
                    // If the queue is full, nobody reads it.
                    self.requests.try_send(wire::Watch { request }).ok();
                }
            }
        }
    }
}
