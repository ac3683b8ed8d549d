//! Writes as they are remembered.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Batch, Key, Snapshot};

/// A write: what it changed, who made it and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The generation that it made.
    pub generation: u64,
    /// When, in milliseconds since 1970, by the clock of the manager that wrote.
    pub time_ms: u64,
    /// Who.
    pub author: String,
    /// The documents that it wrote or removed.
    pub rows: BTreeMap<Key, Row>,
}

/// A document before and after a write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What was there before; `None` for a new document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What is there since; `None` for a removed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// A record as it is kept: its generation is its key.
#[derive(Serialize, Deserialize)]
struct Kept<S, R> {
    time: u64,
    author: S,
    rows: Vec<KeptRow<S, R>>,
}

#[derive(Serialize, Deserialize)]
struct KeptRow<S, R> {
    kind: S,
    name: S,
    #[serde(flatten)]
    row: R,
}

impl Record {
    /// The write of `batch` that makes this generation; `old` tells what is there before.
    pub(super) fn new<E>(
        generation: u64,
        author: &str,
        batch: &Batch,
        mut old: impl FnMut(&Key) -> Result<Option<Value>, E>,
    ) -> Result<Self, E> {
        let row =
            |(key, new): (&Key, &Option<Value>)| Ok((key.clone(), Row { old: old(key)?, new: new.clone() }));
        let rows = batch.iter().map(row).collect::<Result<_, E>>()?;
        Ok(Self { generation, time_ms: now(), author: author.into(), rows })
    }

    /// The record as it is kept.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let rows = self.rows.iter().map(|(Key { kind, name }, row)| KeptRow { kind, name, row });
        let kept = Kept { time: self.time_ms, author: &self.author, rows: rows.collect() };
        // Texts and numbers always have a form in JSON.
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub(super) fn from_bytes(generation: u64, bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let Kept::<String, Row> { time, author, rows } = serde_json::from_slice(bytes)?;
        let row = |kept: KeptRow<_, _>| (Key { kind: kept.kind, name: kept.name }, kept.row);
        Ok(Self { generation, time_ms: time, author, rows: rows.into_iter().map(row).collect() })
    }
}

impl Snapshot {
    /// Makes the write again that the record tells.
    pub fn replay(&mut self, record: &Record) {
        for (key, row) in &record.rows {
            match &row.new {
                Some(document) => drop(self.documents.insert(key.clone(), document.clone())),
                None => drop(self.documents.remove(key)),
            }
        }
        self.generation = record.generation;
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
