//! Why a store refuses.

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote since the caller read.
    #[error(
        "the configuration is at generation {actual}, not {expected}: somebody else changed it; try again"
    )]
    Conflict {
        /// Generation that the caller had read.
        expected: u64,
        /// Generation of the store.
        actual: u64,
    },
    /// Another installation has this name.
    #[error("{name} is alive at another installation ({instance}); stop it, or give this one another --host")]
    Taken {
        /// The name.
        name: String,
        /// The installation that has it.
        instance: String,
    },
    /// What is here is a copy of what managers have.
    #[error("this host follows the managers at {managers}")]
    Follows {
        /// The managers.
        managers: String,
    },
    /// The file was written by a newer version.
    #[error(
        "{path} has schema {found}, this version reads up to {supported}; run the version that wrote it, or a newer one"
    )]
    NewerSchema {
        /// File of the store.
        path: String,
        /// Schema of the file.
        found: u64,
        /// Newest schema that is known here.
        supported: u64,
    },
    /// Another process has the file open.
    #[error("{path} is in use by another dvs; stop it, or choose another --state-dir")]
    InUse {
        /// File of the store.
        path: String,
    },
    /// The file is not one of ours, or was damaged.
    #[error(
        "{path} is damaged or no store of dvs ({details}); it was left as it is: restore a backup, or move it \
         away, start again and apply a file that `dvs export` wrote"
    )]
    Corrupt {
        /// File of the store.
        path: String,
        /// What the storage engine found.
        details: String,
    },
    /// The storage engine failed.
    #[error("cannot {action} {path}: {source}")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// File of the store.
        path: String,
        /// The engine's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk is full.
    #[error("{path} cannot be written, as its disk is full")]
    NoRoom {
        /// File of the store.
        path: String,
    },
    /// An option makes no sense.
    #[error("--{field} {value:?}: {reason}")]
    Option {
        /// Name of the option.
        field: &'static str,
        /// What it was.
        value: String,
        /// What is wrong with it, and the remedy.
        reason: String,
    },
    /// Nobody answers; nothing was written.
    #[error("{place} cannot be reached: {reason}")]
    Unreachable {
        /// The store.
        place: String,
        /// What was tried last.
        reason: String,
    },
    /// A write was sent, and there was no answer.
    #[error("{place} does not answer ({reason}); whether the change was made is not known")]
    Unknown {
        /// The store.
        place: String,
        /// What was tried last.
        reason: String,
    },
    /// There is no room.
    #[error(
        "{place} is full ({reason}): compact and defragment it (etcdctl compact, etcdctl defrag), then disarm its \
         alarm (etcdctl alarm disarm)"
    )]
    Full {
        /// The store.
        place: String,
        /// What it says.
        reason: String,
    },
    /// The store is copied by its own tools.
    #[error(
        "{place} is not copied by dvs: use etcdctl snapshot save, or dvs export for the configuration alone"
    )]
    NoBackup {
        /// The store.
        place: String,
    },
    /// What is kept is not what was written.
    #[error("{what} in {path} is damaged: {source}; restore a backup")]
    Damaged {
        /// The document or record.
        what: String,
        /// The store.
        path: String,
        /// What the parser says.
        source: serde_json::Error,
    },
}
