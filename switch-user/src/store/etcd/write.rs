//! Writes: a transaction that takes effect once, whatever becomes of the answer.

use super::{
    Inner,
    client::Failure,
    keys::{reading, removal, writing},
    log::{Base, Entry, Log, LogError},
    wire::{Compare, Request, Transaction, TransactionAnswer},
};
use crate::store::{Batch, Record, StoreError};

impl Inner {
    /// Writes the batch if the store is at `expected`.
    pub(super) async fn write(&self, expected: u64, batch: &Batch, author: &str) -> Result<u64, StoreError> {
        self.reach(expected).await?;
        let record = self.record(expected, batch, author)?;
        let id = self.next_id();
        let generation = record.generation;
        let entry = self.log.entry(generation, &id, record.to_bytes()).await;
        let entry = entry.map_err(|failure| self.log.client.unanswered(failure))?;
        let outcome = self.log.append(expected, &entry).await;
        match outcome.map_err(|failure| self.log.client.unwritten(failure))? {
            Appended::Done => {
                self.replay(&record);
                Ok(generation)
            }
            Appended::Behind(actual) => {
                if entry.parts > 0 {
                    self.log.drop_parts(generation, &id).await;
                }
                // Whoever reads again is to see what was in the way.
                self.reach(actual).await?;
                Err(StoreError::Conflict { expected, actual })
            }
            Appended::Forgotten(actual) => Err(StoreError::Unknown {
                place: self.log.client.name(),
                reason: format!("it is at generation {actual}, and does not remember {generation}"),
            }),
        }
    }

    /// The record of a write on top of `expected`, at which the store must still be.
    fn record(&self, expected: u64, batch: &Batch, author: &str) -> Result<Record, StoreError> {
        let state = self.state();
        if state.generation != expected {
            return Err(StoreError::Conflict { expected, actual: state.generation });
        }
        let record = Record::new(expected + 1, author, batch, |key| state.document(key));
        record.map_err(|(key, source)| self.damaged(&key, source))
    }
}

/// What became of a write.
pub(super) enum Appended {
    /// It is the newest one, or was.
    Done,
    /// Somebody else was first; the store is at this generation.
    Behind(u64),
    /// The store is at this generation, and the record is not kept that would tell whose it was.
    Forgotten(u64),
}

impl Log {
    /// Makes the entry the next record, if the store is at `expected`. An answer may get lost and the transaction be
    /// sent again; then the record that is there has our mark.
    async fn append(&self, expected: u64, entry: &Entry) -> Result<Appended, Failure> {
        let generation = expected + 1;
        let change = self.keys.change(generation);
        let transaction = Transaction {
            compare: vec![self.keys.is_at(expected)],
            success: vec![
                writing(self.keys.head(), generation.to_string().into()),
                writing(change.clone(), entry.write()),
            ],
            failure: vec![reading(self.keys.head()), reading(change)],
        };
        let answer = self.client.transact(transaction).await?;
        if answer.succeeded {
            return Ok(Appended::Done);
        }
        let [head, there] = [0, 1].map(|step| value(&answer, step));
        let actual = head.and_then(|head| std::str::from_utf8(head).ok()?.parse().ok()).unwrap_or_default();
        Ok(match there.and_then(Entry::read) {
            Some(there) if there.id == entry.id => Appended::Done,
            None if actual > expected => Appended::Forgotten(actual),
            Some(_) | None => Appended::Behind(actual),
        })
    }

    /// Makes a base the newest one, if the condition holds, and removes all up to a generation.
    pub(super) async fn replace_base(
        &self,
        condition: Compare,
        base: &Base,
        old: u64,
    ) -> Result<bool, LogError> {
        let value = serde_json::to_vec(base).map_err(|error| LogError::Corrupt(error.to_string()))?;
        let delete = |keys| Request::Delete(removal(keys)).into();
        let transaction = Transaction {
            compare: vec![condition],
            success: vec![
                writing(self.keys.base(), value.clone()),
                delete(self.keys.changes(Some(old + 1))),
                delete(self.keys.parts_before(old + 1)),
            ],
            failure: vec![reading(self.keys.base())],
        };
        let answer = self.client.transact(transaction).await?;
        // If an answer got lost, it is ours that is there.
        Ok(answer.succeeded || answer_is(&answer, &value))
    }
}

fn answer_is(answer: &TransactionAnswer, expected: &[u8]) -> bool {
    value(answer, 0) == Some(expected)
}

/// The value of the key that a step has read.
fn value(answer: &TransactionAnswer, step: usize) -> Option<&[u8]> {
    Some(answer.answers.get(step)?.range.as_ref()?.kvs.first()?.value.as_slice())
}
