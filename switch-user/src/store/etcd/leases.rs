//! Entries that expire by themselves, with leases of etcd.

mod batch;
mod renewals;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::watch as channel, task::JoinHandle};

use self::{batch::Queue, renewals::Renewals};
use super::{
    EtcdOptions, StoreError,
    client::{Client, Failure},
    follow::Backoff,
    keys::{get, reading},
    wire::{Compare, Event, KeyValue, Put, Range, Request, Target, Transaction},
};
use crate::store::{Entries, Entry, Leases};

/// How often an entry is tried to be written while others write it too.
const ATTEMPTS: usize = 8;
/// A host that reports more often than so many times before its time is over has its lease renewed less often.
const MOMENTS: u32 = 6;

/// Entries in etcd: each one has a lease, and goes when the lease is over. Any manager may renew it.
pub struct EtcdLeases {
    inner: Arc<Inner>,
    tasks: [JoinHandle<()>; 3],
}

/// What the leases and their task share.
struct Inner {
    client: Client,
    prefix: String,
    kept: Mutex<BTreeMap<String, Kept>>,
    entries: channel::Sender<Entries>,
    queue: Queue,
    renewals: Renewals,
}

/// An entry as it is known.
#[derive(Clone)]
struct Kept {
    entry: Arc<Entry>,
    /// Seconds of its lease.
    seconds: i64,
    lease: i64,
    mod_revision: i64,
    /// When it was renewed here last.
    renewed: Option<Instant>,
}

/// An entry as it stands in its key.
#[derive(Serialize, Deserialize)]
struct Text {
    instance: String,
    seconds: i64,
    said: Value,
}

impl EtcdLeases {
    /// Reads the entries below `prefix`, and follows them from then on. If etcd cannot be reached, that is logged,
    /// and tried until it can.
    ///
    /// # Errors
    /// If an option makes no sense, or etcd refuses.
    pub async fn open(options: &EtcdOptions, prefix: &str) -> Result<Self, StoreError> {
        let prefix = format!("{}/", prefix.trim_end_matches('/'));
        let (kept, entries) = (Mutex::default(), channel::Sender::new(Entries::default()));
        let (queue, wishes) = Queue::new();
        let (renewals, leases) = Renewals::new();
        let inner = Arc::new(Inner { client: Client::new(options)?, prefix, kept, entries, queue, renewals });
        let mut backoff = Backoff::default();
        while let Err(failure) = inner.read_all().await {
            if !failure.again {
                return Err(inner.client.unanswered(failure));
            }
            backoff.pause(&inner.client.name(), &failure.reason).await;
        }
        let (writer, renewer) = (Arc::clone(&inner), Arc::clone(&inner));
        let tasks = [
            tokio::spawn(follow(Arc::clone(&inner))),
            tokio::spawn(async move { batch::run(&writer.client, wishes).await }),
            tokio::spawn(async move { renewals::run(&renewer.client, leases).await }),
        ];
        Ok(Self { inner, tasks })
    }
}

impl Drop for EtcdLeases {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Leases for EtcdLeases {
    fn keep<'a>(
        &'a self,
        name: &'a str,
        entry: &'a Entry,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let seconds = i64::try_from(timeout.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        Box::pin(async move {
            match self.inner.keep(name, entry, seconds).await {
                Ok(None) => Ok(()),
                Ok(Some(instance)) => Err(StoreError::Taken { name: name.into(), instance }),
                Err(failure) => Err(self.inner.client.unanswered(failure)),
            }
        })
    }

    fn watch(&self) -> channel::Receiver<Entries> {
        self.inner.entries.subscribe()
    }
}

/// What became of an entry that was to be written.
enum Outcome {
    /// It is there.
    Done,
    /// Somebody else has written it, or it is gone.
    Other(Option<Kept>),
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, name: &str) -> Vec<u8> {
        format!("{}{name}", self.prefix).into()
    }

    /// Makes or renews an entry; returns the instance that has the name, if it is another one.
    async fn keep(&self, name: &str, entry: &Entry, seconds: i64) -> Result<Option<String>, Failure> {
        let mut known = self.kept().get(name).cloned();
        for _ in 0..ATTEMPTS {
            if known.as_ref().is_some_and(|known| known.entry.instance != entry.instance) {
                // What is known may be old.
                known = self.read(name).await?;
            }
            if let Some(other) = known.as_ref().filter(|known| known.entry.instance != entry.instance) {
                return Ok(Some(other.entry.instance.clone()));
            }
            match self.renew(name, (entry, seconds), known.as_ref()).await? {
                Outcome::Done => return Ok(None),
                Outcome::Other(found) => known = found,
            }
        }
        Err(Failure::silent(format!("others keep writing {name}")))
    }

    /// Renews the entry as it is known, or makes it.
    async fn renew(
        &self,
        name: &str,
        (entry, seconds): (&Entry, i64),
        known: Option<&Kept>,
    ) -> Result<Outcome, Failure> {
        let lease = known.filter(|known| known.seconds == seconds).map(|known| known.lease);
        let lease = match lease {
            Some(lease) if self.is_renewed(name, (lease, seconds)).await? => Some(lease),
            Some(_) | None => None,
        };
        if lease.is_some() && known.is_some_and(|known| known.entry.said == entry.said) {
            return Ok(Outcome::Done);
        }
        let new = match lease {
            Some(lease) => lease,
            None => self.client.grant(seconds).await?,
        };
        let outcome = self.write(name, (entry, seconds, new), known).await;
        // A lease that has no entry, or has one no more, is of no use. Without an answer it may have one.
        let idle = match &outcome {
            Ok(Outcome::Done) => known.map(|known| known.lease).filter(|old| *old != new),
            Ok(Outcome::Other(_)) => Some(new).filter(|_| lease.is_none()),
            Err(_) => None,
        };
        if let Some(idle) = idle {
            // Otherwise it ends by itself.
            self.client.revoke(idle).await.ok();
        }
        outcome
    }

    /// Renews a lease, unless that was done a moment ago; false if it is over.
    async fn is_renewed(&self, name: &str, (lease, seconds): (i64, i64)) -> Result<bool, Failure> {
        let renewed = self.kept().get(name).filter(|kept| kept.lease == lease).and_then(|kept| kept.renewed);
        let moment = Duration::from_secs(seconds.unsigned_abs()) / MOMENTS;
        if renewed.is_some_and(|renewed| renewed.elapsed() < moment) {
            return Ok(true);
        }
        let now = Instant::now();
        let renewed = self.renewals.renew(&self.client, lease).await?;
        if let Some(kept) = self.kept().get_mut(name).filter(|kept| kept.lease == lease) {
            kept.renewed = renewed.then_some(now);
        }
        Ok(renewed)
    }

    async fn write(
        &self,
        name: &str,
        (entry, seconds, lease): (&Entry, i64, i64),
        known: Option<&Kept>,
    ) -> Result<Outcome, Failure> {
        let key = self.key(name);
        let text = Text { instance: entry.instance.clone(), seconds, said: entry.said.clone() };
        // Texts and numbers always have a form in JSON.
        let value = serde_json::to_vec(&text).unwrap_or_default();
        let target = known.map_or(Target::Version(0), |known| Target::ModRevision(known.mod_revision));
        let put = Put { key: key.clone(), value, lease };
        if let Some(revision) = self.queue.write(put.clone(), target.clone()).await? {
            self.note(name, (entry, seconds, lease), revision);
            return Ok(Outcome::Done);
        }
        let transaction = Transaction {
            compare: vec![Compare::equal(key.clone(), target)],
            success: vec![Request::Put(put).into()],
            failure: vec![reading(key.clone())],
        };
        let answer = match self.client.transact(transaction).await {
            // The lease ended a moment ago, and the entry with it.
            Err(failure) if failure.is_not_found() => return Ok(Outcome::Other(self.read(name).await?)),
            answer => answer?,
        };
        let revision = answer.header.unwrap_or_default().revision;
        if answer.succeeded {
            self.note(name, (entry, seconds, lease), revision);
            return Ok(Outcome::Done);
        }
        let found = answer.answers.first().and_then(|answer| answer.range.as_ref()?.kvs.first());
        let found = found.and_then(|kv| self.parse(kv)).map(|(_, kept)| kept);
        // If an answer got lost, it is our own lease that is there.
        Ok(if found.as_ref().is_some_and(|found| found.lease == lease && found.entry.said == entry.said) {
            Outcome::Done
        } else {
            Outcome::Other(found)
        })
    }

    async fn read(&self, name: &str) -> Result<Option<Kept>, Failure> {
        let answer = self.client.range(get(self.key(name), 0)).await?;
        Ok(answer.kvs.first().and_then(|kv| self.parse(kv)).map(|(_, kept)| kept))
    }

    /// The entry in a key; what is not ours is passed over.
    fn parse(&self, kv: &KeyValue) -> Option<(String, Kept)> {
        let name = std::str::from_utf8(&kv.key).ok()?.strip_prefix(&self.prefix)?.to_owned();
        let Text { instance, seconds, said } = serde_json::from_slice(&kv.value).ok()?;
        let entry = Arc::new(Entry { instance, said });
        let (lease, mod_revision) = (kv.lease, kv.mod_revision);
        Some((name, Kept { entry, seconds, lease, mod_revision, renewed: None }))
    }

    /// Notes an entry that was written here.
    fn note(&self, name: &str, (entry, seconds, lease): (&Entry, i64, i64), mod_revision: i64) {
        let entry = Arc::new(entry.clone());
        self.put(name, Kept { entry, seconds, lease, mod_revision, renewed: None });
    }

    /// True if this is no news of the entry: most are of what was written here.
    fn knows(&self, name: &str, revision: i64) -> bool {
        self.kept().get(name).is_some_and(|known| known.mod_revision >= revision)
    }

    /// Notes an entry, unless a newer one is known.
    fn put(&self, name: &str, mut kept: Kept) {
        let mut all = self.kept();
        let known = all.get(name);
        if known.is_some_and(|known| known.mod_revision >= kept.mod_revision) {
            return;
        }
        kept.renewed = known.filter(|known| known.lease == kept.lease).and_then(|known| known.renewed);
        let entry = Arc::clone(&kept.entry);
        if known.is_none_or(|known| known.entry != entry) {
            self.entries.send_modify(|entries| drop(Arc::make_mut(entries).insert(name.into(), entry)));
        }
        all.insert(name.into(), kept);
    }

    /// Forgets an entry that was removed at this revision.
    fn remove(&self, name: &str, revision: i64) {
        let mut all = self.kept();
        if all.get(name).is_some_and(|known| known.mod_revision <= revision) {
            all.remove(name);
            self.entries.send_modify(|entries| drop(Arc::make_mut(entries).remove(name)));
        }
    }

    fn range(&self) -> [Vec<u8>; 2] {
        // The octet after the slash at the end.
        let mut end = self.prefix.clone().into_bytes();
        end.pop();
        end.push(b'/' + 1);
        [self.prefix.clone().into(), end]
    }

    /// Reads all entries; returns the revision as of which they are.
    async fn read_all(&self) -> Result<i64, Failure> {
        let [key, until] = self.range();
        let answer = self.client.look(Range { key, until, ..Range::default() }).await?;
        let revision = answer.header.unwrap_or_default().revision;
        let found: BTreeMap<String, Kept> = answer.kvs.iter().filter_map(|kv| self.parse(kv)).collect();
        let gone: Vec<String> =
            self.kept().keys().filter(|name| !found.contains_key(*name)).cloned().collect();
        for name in gone {
            self.remove(&name, revision);
        }
        for (name, kept) in found {
            self.put(&name, kept);
        }
        Ok(revision)
    }

    fn take(&self, Event { kind, kv }: Event) {
        let Some(kv) = kv else { return };
        let name = std::str::from_utf8(&kv.key).ok().and_then(|key| key.strip_prefix(&self.prefix));
        let Some(name) = name else { return };
        if kind != 0 {
            self.remove(name, kv.mod_revision);
        } else if !self.knows(name, kv.mod_revision)
            && let Some((name, kept)) = self.parse(&kv)
        {
            self.put(&name, kept);
        }
    }

    /// Reads all entries and follows them from there, until something goes wrong.
    async fn round(&self, backoff: &mut Backoff) -> Result<(), Failure> {
        let revision = self.read_all().await?;
        *backoff = Backoff::default();
        // When it ends, another member will do; if none does, reading fails.
        if let Ok(mut watch) = self.client.watch(self.range(), revision + 1).await {
            while let Ok(events) = watch.next().await {
                for event in events {
                    self.take(event);
                }
            }
        }
        Backoff::breath().await;
        Ok(())
    }
}

/// Follows the entries for as long as this is not dropped.
async fn follow(inner: Arc<Inner>) {
    let mut backoff = Backoff::default();
    loop {
        if let Err(failure) = inner.round(&mut backoff).await {
            backoff.pause(&inner.client.name(), &failure.reason).await;
        }
    }
}
