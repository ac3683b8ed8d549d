//! The database of a store, which is opened anew after an error of the disk: its engine takes nothing more then, also
//! when there is room again.

use std::sync::{PoisonError, RwLock};

use redb::{Database, DatabaseError};

/// Opens the database.
pub(super) type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The database, and how to open it. There is none while it cannot be opened.
pub(super) struct Handle {
    open: Open,
    database: RwLock<Option<Database>>,
}

impl Handle {
    /// Opens it for the first time.
    pub(super) fn new(open: Open) -> Result<Self, DatabaseError> {
        let database = RwLock::new(Some(open()?));
        Ok(Self { open, database })
    }

    /// Works with the database, if there is one that takes work.
    pub(super) fn with<T>(
        &self,
        run: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database.as_ref().map_or(Err(redb::Error::PreviousIo), run)
    }

    /// Opens it anew.
    pub(super) fn renew(&self) -> Result<(), redb::Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // It lets go of the file first.
        *database = None;
        *database = Some((self.open)()?);
        Ok(())
    }
}
