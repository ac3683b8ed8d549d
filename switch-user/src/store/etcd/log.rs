//! What a store is in etcd: a log of records, and now and then a base of all documents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    client::{Client, Failure},
    keys::{Keys, get, removal},
    state::State,
    wire::{Compare, DESCENDING, KeyValue, Put, Range, Target},
};
use crate::store::{Key, Record, StoreError};

/// A value of this size has room in a request (1.5 MiB) beside all that may come with it.
const INLINE: usize = 512 << 10;
/// Size of a part.
const PART: usize = 1 << 20;
/// Keys in an answer.
const PAGE: i64 = 32;

/// A store in etcd.
pub(super) struct Log {
    pub(super) client: Client,
    pub(super) keys: Keys,
}

/// Why the log cannot be read.
pub(super) enum LogError {
    /// Etcd does not answer.
    Failure(Failure),
    /// Not all that is needed is there any more: somebody has written a base.
    Gap,
    /// What is there was not written by us.
    Corrupt(String),
}

impl From<Failure> for LogError {
    fn from(failure: Failure) -> Self {
        if failure.is_compacted() { Self::Gap } else { Self::Failure(failure) }
    }
}

/// A value as it stands in a key: a line with the writer's mark and the number of parts, and the rest, if it is
/// not in parts.
pub(super) struct Entry {
    /// Nobody else has this mark, and nobody has it twice.
    pub(super) id: String,
    pub(super) parts: usize,
    bytes: Vec<u8>,
}

impl Entry {
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let end = value.iter().position(|octet| *octet == b'\n')?;
        let (id, parts) = std::str::from_utf8(&value[..end]).ok()?.split_once(' ')?;
        Some(Self { id: id.into(), parts: parts.parse().ok()?, bytes: value[end + 1..].to_vec() })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        [format!("{} {}\n", self.id, self.parts).into_bytes(), self.bytes.clone()].concat()
    }
}

/// The newest base: all documents at a generation.
#[derive(Serialize, Deserialize)]
pub(super) struct Base {
    pub(super) generation: u64,
    id: String,
    parts: usize,
}

impl Log {
    /// The generation, and the revision of etcd at which it was read.
    pub(super) async fn head(&self) -> Result<(u64, i64), LogError> {
        let answer = self.client.look(get(self.keys.head(), 0)).await?;
        let revision = answer.header.unwrap_or_default().revision;
        let Some(kv) = answer.kvs.first() else { return Ok((0, revision)) };
        let text = String::from_utf8_lossy(&kv.value);
        let generation = text.parse().map_err(|_| LogError::Corrupt(format!("generation {text:?}")))?;
        Ok((generation, revision))
    }

    /// Everything, as of one revision, and that revision.
    pub(super) async fn load(&self) -> Result<(State, i64), LogError> {
        let (generation, revision) = self.head().await?;
        let base = self.base(revision).await?.map(|(base, _)| base);
        let mut state = match &base {
            Some(base) => State::new(base.generation, self.documents(base, revision).await?),
            None => State::default(),
        };
        let mut from = state.generation;
        while from < generation {
            let records = self.records(from, revision).await?;
            for record in &records {
                if !state.replay(record) {
                    return Err(LogError::Gap);
                }
            }
            if state.generation == from {
                return Err(LogError::Gap);
            }
            from = state.generation;
        }
        Ok((state, revision))
    }

    /// The newest base, and when it was written; 0 for the newest revision.
    pub(super) async fn base(&self, revision: i64) -> Result<Option<(Base, i64)>, LogError> {
        let answer = self.client.range(get(self.keys.base(), revision)).await?;
        let Some(kv) = answer.kvs.into_iter().next() else { return Ok(None) };
        let base = serde_json::from_slice(&kv.value);
        let base = base.map_err(|error| LogError::Corrupt(format!("the base: {error}")))?;
        Ok(Some((base, kv.mod_revision)))
    }

    async fn documents(&self, base: &Base, revision: i64) -> Result<BTreeMap<Key, Box<str>>, LogError> {
        let bytes = self.parts(base.generation, &base.id, (base.parts, revision)).await?;
        let documents: Vec<(String, String, Box<str>)> = serde_json::from_slice(&bytes)
            .map_err(|error| LogError::Corrupt(format!("base {}: {error}", base.generation)))?;
        let row = |(kind, name, document)| (Key { kind, name }, document);
        Ok(documents.into_iter().map(row).collect())
    }

    /// Some of the records after a generation, oldest first: as many as go into an answer.
    pub(super) async fn records(&self, after: u64, revision: i64) -> Result<Vec<Record>, LogError> {
        let [_, until] = self.keys.changes(None);
        let key = self.keys.change(after.saturating_add(1));
        let answer = self.client.range(Range { key, until, limit: PAGE, revision, ..Range::default() });
        self.read_all(answer.await?.kvs, revision).await
    }

    /// The newest records, newest first.
    pub(super) async fn last(&self, count: usize) -> Result<Vec<Record>, LogError> {
        let [key, until] = self.keys.changes(None);
        let limit = i64::try_from(count).unwrap_or(i64::MAX);
        let range = Range { key, until, limit, sort_order: DESCENDING, ..Range::default() };
        let answer = self.client.range(range).await?;
        let revision = answer.header.unwrap_or_default().revision;
        self.read_all(answer.kvs, revision).await
    }

    /// The generation of the oldest record.
    pub(super) async fn oldest(&self) -> Result<Option<u64>, LogError> {
        let [key, until] = self.keys.changes(None);
        let answer = self.client.range(Range { key, until, limit: 1, ..Range::default() }).await?;
        Ok(answer.kvs.first().and_then(|kv| Keys::generation(&kv.key)))
    }

    async fn read_all(&self, kvs: Vec<KeyValue>, revision: i64) -> Result<Vec<Record>, LogError> {
        let mut records = Vec::new();
        for kv in kvs {
            records.push(self.read(&kv, revision).await?);
        }
        Ok(records)
    }

    /// The record in a key, with all its parts.
    pub(super) async fn read(&self, kv: &KeyValue, revision: i64) -> Result<Record, LogError> {
        let key = String::from_utf8_lossy(&kv.key).into_owned();
        let entry = Keys::generation(&kv.key).zip(Entry::read(&kv.value));
        let Some((generation, entry)) = entry else { return Err(LogError::Corrupt(key)) };
        let bytes = match entry.parts {
            0 => entry.bytes,
            parts => self.parts(generation, &entry.id, (parts, revision)).await?,
        };
        Record::from_bytes(generation, &bytes).map_err(|error| LogError::Corrupt(format!("{key}: {error}")))
    }

    async fn parts(
        &self,
        generation: u64,
        id: &str,
        (count, revision): (usize, i64),
    ) -> Result<Vec<u8>, LogError> {
        let mut bytes = Vec::new();
        for number in 0..count {
            let answer = self.client.range(get(self.keys.part(generation, id, number), revision)).await?;
            let Some(kv) = answer.kvs.into_iter().next() else { return Err(LogError::Gap) };
            bytes.extend(kv.value);
        }
        Ok(bytes)
    }

    /// What is to stand in a key. If it is too large for that, it is written in parts first.
    pub(super) async fn entry(&self, generation: u64, id: &str, bytes: Vec<u8>) -> Result<Entry, Failure> {
        let (parts, bytes) = match bytes.len() {
            ..INLINE => (0, bytes),
            _ => (self.put_parts(generation, id, &bytes).await?, Vec::new()),
        };
        Ok(Entry { id: id.into(), parts, bytes })
    }

    async fn put_parts(&self, generation: u64, id: &str, bytes: &[u8]) -> Result<usize, Failure> {
        for (number, part) in bytes.chunks(PART).enumerate() {
            let key = self.keys.part(generation, id, number);
            self.client.put(Put { key, value: part.into(), lease: 0 }).await?;
        }
        Ok(bytes.len().div_ceil(PART))
    }

    /// Removes parts that nobody names. If that fails, they go with their generation.
    pub(super) async fn drop_parts(&self, generation: u64, id: &str) {
        self.client.delete(removal(self.keys.parts(generation, id))).await.ok();
    }

    /// Writes the documents as a base, and removes what is older than the `keep` last records. Nothing happens if
    /// there is a new base already.
    pub(super) async fn write_base(&self, state: &State, id: &str, keep: u64) -> Result<(), LogError> {
        let (mut known, generation) =
            (Compare::equal(self.keys.base(), Target::Version(0)), state.generation);
        if let Some((base, revision)) = self.base(0).await? {
            if base.generation + keep > generation {
                return Ok(());
            }
            known = Compare::equal(self.keys.base(), Target::ModRevision(revision));
        }
        let rows = state.documents.iter();
        let documents: Vec<_> = rows.map(|(Key { kind, name }, document)| (kind, name, document)).collect();
        let bytes = serde_json::to_vec(&documents).map_err(|error| LogError::Corrupt(error.to_string()))?;
        let parts = self.put_parts(generation, id, &bytes).await?;
        let base = Base { generation, id: id.into(), parts };
        if !self.replace_base(known, &base, generation.saturating_sub(keep)).await? {
            self.drop_parts(generation, id).await;
        }
        Ok(())
    }
}

impl LogError {
    /// The error as the store's users see it, if nothing was written.
    pub(super) fn told(self, log: &Log) -> StoreError {
        match self {
            Self::Failure(failure) => log.client.unanswered(failure),
            Self::Gap => StoreError::Unreachable {
                place: log.client.name(),
                reason: "others write faster than it can be read".into(),
            },
            Self::Corrupt(details) => StoreError::Corrupt { path: log.client.name(), details },
        }
    }
}
