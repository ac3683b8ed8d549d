//! A copy of the file while it is in use.

use std::{
    error::Error,
    fs::File,
    io::{Seek, SeekFrom},
    path::Path,
};

use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, Value,
    WriteTransaction, backends::FileBackend,
};

use super::builder;
use crate::store::schema::{META, OBJECTS, RECORDS};

/// Copies all tables as of one moment into a file that has no name. Writers do not wait for it.
pub(super) fn copy(database: &Database, directory: &Path) -> Result<File, Box<dyn Error + Send + Sync>> {
    let from = database.begin_read()?;
    let mut file = tempfile::tempfile_in(directory)?;
    let copy = builder().create_with_backend(FileBackend::new(file.try_clone()?)?)?;
    let to = copy.begin_write()?;
    table(&from, &to, META)?;
    table(&from, &to, OBJECTS)?;
    table(&from, &to, RECORDS)?;
    to.commit()?;
    drop(copy);
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn table<K: Key, V: Value>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<(), redb::Error> {
    let mut target = to.open_table(definition)?;
    for row in from.open_table(definition)?.iter()? {
        let (key, value) = row?;
        target.insert(key.value(), value.value())?;
    }
    Ok(())
}
