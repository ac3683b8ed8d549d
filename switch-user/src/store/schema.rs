//! The layout of the file and the way from older layouts to this one.

use redb::{ReadableTable, TableDefinition, TableError, WriteTransaction};

/// Documents by kind and name, in JSON.
pub(super) const OBJECTS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("objects");
/// Writes by the generation that they made, in JSON.
pub(super) const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("records");
/// Numbers about the whole: [`SCHEMA`] and [`GENERATION`].
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Row of [`META`]: how many of the migrations the file has seen.
pub(super) const SCHEMA: &str = "schema";
/// Row of [`META`]: number of the last write.
pub(super) const GENERATION: &str = "generation";

/// A step from one layout to the next.
pub(super) type Migration = fn(&WriteTransaction) -> Result<(), redb::Error>;

/// All steps in order: the first one makes the layout of version 1 in an empty file. A step is
/// never changed once it was released; a new layout is a new step at the end.
pub(super) const MIGRATIONS: &[Migration] = &[create_tables, create_history];

fn create_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(OBJECTS)?;
    transaction.open_table(META)?.insert(GENERATION, 0)?;
    Ok(())
}

/// The history of a file that has none begins with its next write.
fn create_history(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(RECORDS)?;
    Ok(())
}

/// The layout of the file; 0 for an empty one.
pub(super) fn version(transaction: &WriteTransaction) -> Result<u64, redb::Error> {
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(SCHEMA)?.map_or(0, |row| row.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Takes the steps that the file, at layout `version`, has not seen.
pub(super) fn migrate(
    transaction: &WriteTransaction,
    version: u64,
    migrations: &[Migration],
) -> Result<(), redb::Error> {
    let seen = usize::try_from(version).unwrap_or(usize::MAX);
    for migration in migrations.iter().skip(seen) {
        migration(transaction)?;
    }
    transaction.open_table(META)?.insert(SCHEMA, migrations.len() as u64)?;
    Ok(())
}
