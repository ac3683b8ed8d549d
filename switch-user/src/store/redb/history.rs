//! The history in the file: a record a write.

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};

use super::{RedbStore, StoreError};
use crate::store::{
    KEPT_RECORDS, Record,
    schema::{GENERATION, META, RECORDS},
};

/// A record as it stands in the file.
pub(super) type Row = (u64, Vec<u8>);

/// Adds the newest record; the oldest go when there are too many.
pub(super) fn add(transaction: &WriteTransaction, record: &Record) -> Result<(), redb::Error> {
    let mut records = transaction.open_table(RECORDS)?;
    records.insert(record.generation, record.to_bytes().as_slice())?;
    while let Some(oldest) = first(&records)?.filter(|oldest| oldest + KEPT_RECORDS <= record.generation) {
        records.remove(oldest)?;
    }
    Ok(())
}

fn first(records: &impl ReadableTable<u64, &'static [u8]>) -> Result<Option<u64>, redb::Error> {
    Ok(records.first()?.map(|(generation, _)| generation.value()))
}

/// The oldest generation that the records lead back to.
pub(super) fn oldest(transaction: &ReadTransaction) -> Result<u64, redb::Error> {
    let generation = transaction.open_table(META)?.get(GENERATION)?.map_or(0, |row| row.value());
    Ok(first(&transaction.open_table(RECORDS)?)?.map_or(generation, |first| first - 1))
}

/// The oldest generation that the records lead back to, and the records after `generation`.
pub(super) fn since(database: &Database, generation: u64) -> Result<(u64, Vec<Row>), redb::Error> {
    let transaction = database.begin_read()?;
    let records = transaction.open_table(RECORDS)?;
    let rows = records.range(generation.saturating_add(1)..)?;
    Ok((oldest(&transaction)?, rows.map(row).collect::<Result<_, redb::Error>>()?))
}

/// The newest records, newest first.
pub(super) fn last(database: &Database, count: usize) -> Result<Vec<Row>, redb::Error> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    records.iter()?.rev().take(count).map(row).collect()
}

fn row(
    row: Result<(redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, &[u8]>), redb::StorageError>,
) -> Result<Row, redb::Error> {
    let (generation, record) = row?;
    Ok((generation.value(), record.value().to_vec()))
}

impl RedbStore {
    /// Reads records.
    pub(super) fn records(&self, rows: Vec<Row>) -> Result<Vec<Record>, StoreError> {
        let parse = |(generation, bytes): Row| {
            Record::from_bytes(generation, &bytes)
                .map_err(|source| self.damaged(format!("record {generation}"), source))
        };
        rows.into_iter().map(parse).collect()
    }
}
