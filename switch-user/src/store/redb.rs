//! A store in one file of this host.

mod backup;
mod handle;
mod history;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError,
    backends::InMemoryBackend,
};
use serde_json::Value;
use tokio::sync::watch;

use self::handle::{Handle, Open};
use super::{
    Batch, Key, Record, Snapshot, Store, StoreError,
    schema::{self, GENERATION, META, MIGRATIONS, Migration, OBJECTS},
};

/// Memory for pages of the file: the whole configuration of a large host.
const CACHE_BYTES: usize = 4 << 20;

/// A document as it stands in the file.
type Row = (Key, Vec<u8>);

/// Documents in a redb file.
pub struct RedbStore {
    handle: Handle,
    path: String,
    /// Where a copy has room.
    directory: PathBuf,
    generation: watch::Sender<u64>,
}

impl RedbStore {
    /// Opens the file, or creates it; a file of an older version is brought to the layout of this one.
    ///
    /// # Errors
    /// If the file is of a newer version, damaged, in use, or cannot be read or written. It is
    /// left as it is then.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, MIGRATIONS)
    }

    /// A store that lives as long as the process: for tests and for trying things out.
    ///
    /// # Errors
    /// If the storage engine fails.
    pub fn in_memory() -> Result<Self, StoreError> {
        let open = || builder().create_with_backend(InMemoryBackend::new());
        Self::with(Box::new(open), ("memory".to_owned(), std::env::temp_dir()), MIGRATIONS)
    }

    fn open_with(path: &Path, migrations: &[Migration]) -> Result<Self, StoreError> {
        let text = path.display().to_string();
        let directory = path.parent().unwrap_or(Path::new(".")).to_owned();
        let path = path.to_owned();
        Self::with(Box::new(move || builder().create(&path)), (text, directory), migrations)
    }

    fn with(
        open: Open,
        (path, directory): (String, PathBuf),
        migrations: &[Migration],
    ) -> Result<Self, StoreError> {
        let handle = Handle::new(open).map_err(|error| refused(error, path.clone()))?;
        let store = Self { handle, path, directory, generation: watch::Sender::new(0) };
        store.migrate(migrations)?;
        let generation = store.attempt("read", read_generation)?;
        store.generation.send_replace(generation);
        Ok(store)
    }

    fn migrate(&self, migrations: &[Migration]) -> Result<(), StoreError> {
        let supported = migrations.len() as u64;
        let found = self.attempt("prepare", |database| {
            let transaction = database.begin_write()?;
            let found = schema::version(&transaction)?;
            if found < supported {
                schema::migrate(&transaction, found, migrations)?;
                transaction.commit()?;
            } else {
                transaction.abort()?;
            }
            Ok(found)
        })?;
        if found > supported {
            return Err(StoreError::NewerSchema { path: self.path.clone(), found, supported });
        }
        Ok(())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other errors of the engine mean the same to a user"
    )]
    fn attempt<T>(
        &self,
        action: &'static str,
        run: impl Fn(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let outcome = match self.handle.with(&run) {
            Err(redb::Error::PreviousIo) => self.renew().and_then(|()| self.handle.with(&run)),
            outcome => outcome,
        };
        outcome.map_err(|error| match error {
            redb::Error::Corrupted(details) => StoreError::Corrupt { path: self.path.clone(), details },
            redb::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                StoreError::NoRoom { path: self.path.clone() }
            }
            source => StoreError::Engine { action, path: self.path.clone(), source: source.into() },
        })
    }

    /// Opens the file anew after an error of the disk. What was written last may be in it or not.
    fn renew(&self) -> Result<(), redb::Error> {
        self.handle.renew()?;
        let generation = self.handle.with(read_generation)?;
        self.generation.send_if_modified(|known| std::mem::replace(known, generation) != generation);
        tracing::info!("{} is opened anew", self.path);
        Ok(())
    }

    fn damaged(&self, what: String, source: serde_json::Error) -> StoreError {
        StoreError::Damaged { what, path: self.path.clone(), source }
    }
}

impl Store for RedbStore {
    fn get(&self) -> Result<Snapshot, StoreError> {
        let (generation, rows) = self.attempt("read", read)?;
        let parse = |(key, bytes): Row| match serde_json::from_slice(&bytes) {
            Ok(document) => Ok((key, document)),
            Err(source) => Err(self.damaged(format!("document {}/{}", key.kind, key.name), source)),
        };
        let documents = rows.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Snapshot { generation, documents })
    }

    fn put(&self, expected: u64, batch: &Batch, author: &str) -> Result<u64, StoreError> {
        let (actual, written) = self.attempt("write", |database| write(database, expected, batch, author))?;
        if !written {
            return Err(StoreError::Conflict { expected, actual });
        }
        // Two writers may come here in either order; the number only grows.
        self.generation.send_if_modified(|known| {
            let newer = *known <= expected;
            *known = (*known).max(expected + 1);
            newer
        });
        Ok(expected + 1)
    }

    fn since(&self, generation: u64) -> Result<Option<Vec<Record>>, StoreError> {
        let (oldest, rows) = self.attempt("read", |database| history::since(database, generation))?;
        // A generation that is not there yet is of a store before this one, of which a copy was restored.
        if generation < oldest || generation > *self.generation.borrow() {
            return Ok(None);
        }
        self.records(rows).map(Some)
    }

    fn last(&self, count: usize) -> Result<Vec<Record>, StoreError> {
        let rows = self.attempt("read", |database| history::last(database, count))?;
        self.records(rows)
    }

    fn oldest(&self) -> Result<u64, StoreError> {
        self.attempt("read", |database| history::oldest(&database.begin_read()?))
    }

    fn backup(&self) -> Result<File, StoreError> {
        let copied = self.attempt("copy", |database| Ok(backup::copy(database, &self.directory)))?;
        copied.map_err(|source| StoreError::Engine { action: "copy", path: self.path.clone(), source })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }
}

fn read_generation(database: &Database) -> Result<u64, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    Ok(meta.get(GENERATION)?.map_or(0, |row| row.value()))
}

fn read(database: &Database) -> Result<(u64, Vec<Row>), redb::Error> {
    let transaction = database.begin_read()?;
    let generation = transaction.open_table(META)?.get(GENERATION)?.map_or(0, |row| row.value());
    let mut documents = Vec::new();
    for row in transaction.open_table(OBJECTS)?.iter()? {
        let (key, document) = row?;
        let (kind, name) = key.value();
        documents.push((Key { kind: kind.into(), name: name.into() }, document.value().to_vec()));
    }
    Ok((generation, documents))
}

/// The generation that was found, and whether the batch was written on top of it.
fn write(
    database: &Database,
    expected: u64,
    batch: &Batch,
    author: &str,
) -> Result<(u64, bool), redb::Error> {
    let transaction = database.begin_write()?;
    let actual = transaction.open_table(META)?.get(GENERATION)?.map_or(0, |row| row.value());
    if actual != expected {
        transaction.abort()?;
        return Ok((actual, false));
    }
    let mut objects = transaction.open_table(OBJECTS)?;
    let write = |key: &Key| replace(&mut objects, key, batch.get(key).and_then(Option::as_ref));
    let record = Record::new(expected + 1, author, batch, write)?;
    drop(objects);
    history::add(&transaction, &record)?;
    transaction.open_table(META)?.insert(GENERATION, expected + 1)?;
    transaction.commit()?;
    Ok((actual, true))
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    // Without the check, opening a damaged file may panic.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// Writes or removes a document; returns what was there before.
fn replace(
    objects: &mut redb::Table<'_, (&str, &str), &[u8]>,
    Key { kind, name }: &Key,
    document: Option<&Value>,
) -> Result<Option<Value>, redb::Error> {
    let key = (kind.as_str(), name.as_str());
    let old = match document {
        Some(document) => objects.insert(key, document.to_string().as_bytes())?,
        None => objects.remove(key)?,
    };
    // A damaged document is found by whoever reads it; writing it anew is a way out.
    Ok(old.and_then(|old| serde_json::from_slice(old.value()).ok()))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other errors of the engine mean the same to a user")]
fn refused(error: DatabaseError, path: String) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path },
        DatabaseError::Storage(StorageError::Corrupted(details)) => StoreError::Corrupt { path, details },
        DatabaseError::Storage(StorageError::Io(source)) if source.kind() == io::ErrorKind::InvalidData => {
            StoreError::Corrupt { path, details: source.to_string() }
        }
        source => StoreError::Engine { action: "open", path, source: source.into() },
    }
}

#[cfg(test)]
mod tests;
