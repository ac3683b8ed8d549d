//! `dvs store`: backup and restore.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Subcommand;

use super::{output::Streams, run, session::Session};
use crate::{
    client::Client,
    model::{Desired, validate},
    store::{RedbStore, Store},
};

/// Commands of the store.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Copy the store of the running agent, with its history, into a file.
    ///
    /// The copy is of one moment, and nobody waits for it.
    #[command(after_help = "Example: dvs store backup /var/backups/dvs.redb")]
    Backup {
        /// File to write; it must not exist.
        file: PathBuf,
    },
    /// Make a copy that dvs store backup wrote the store of a host on which no agent runs.
    ///
    /// The copy is checked first. The store that was there is kept beside it as store.redb.old.
    #[command(after_help = "Example: dvs store restore /var/backups/dvs.redb")]
    Restore {
        /// File to read.
        file: PathBuf,
        /// Directory of the agent's configuration.
        #[arg(long, value_name = "DIR", env = "DVS_STATE_DIR", default_value = run::STATE_DIR)]
        state_dir: PathBuf,
    },
}

/// Copies the store into a file that is either whole or not there.
pub(super) async fn backup(file: &Path, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let create = File::options().write(true).create_new(true).mode(0o600).open(file);
    let mut target = create.with_context(|| format!("cannot create {}", file.display()))?;
    let written = receive(&session.client, &mut target).await;
    if let Err(error) = written.with_context(|| format!("cannot write {}", file.display())) {
        fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
        return Err(error);
    }
    writeln!(session.streams.output, "the store is copied to {}", file.display())?;
    Ok(ExitCode::SUCCESS)
}

async fn receive(client: &Client, target: &mut File) -> anyhow::Result<()> {
    let mut chunks = client.backup().await?;
    while let Some(chunk) = chunks.chunk().await? {
        target.write_all(&chunk)?;
    }
    Ok(target.sync_all()?)
}

/// Makes a copy the store. Nothing is changed if it is no good.
pub(super) fn restore(file: &Path, state: &Path, streams: &mut Streams<'_>) -> anyhow::Result<ExitCode> {
    let _lock = run::lock(state)?;
    let [store, new, old] = ["store.redb", "store.redb.new", "store.redb.old"].map(|name| state.join(name));
    // Checked as a copy: opening a store of an older version changes it.
    fs::copy(file, &new).with_context(|| format!("cannot copy {} to {}", file.display(), new.display()))?;
    let generation = match check(&new) {
        Ok(generation) => generation,
        Err(error) => {
            fs::remove_file(&new).with_context(|| format!("cannot remove {}", new.display()))?;
            return Err(error.context(format!("{} is no store that can be restored", file.display())));
        }
    };
    if store.exists() {
        fs::rename(&store, &old).with_context(|| format!("cannot rename {}", store.display()))?;
    }
    fs::rename(&new, &store).with_context(|| format!("cannot rename {}", new.display()))?;
    File::open(state)?.sync_all()?;
    writeln!(streams.output, "{} is generation {generation} of {}", store.display(), file.display())?;
    Ok(ExitCode::SUCCESS)
}

/// The generation of a store, if all that is in it makes sense.
fn check(file: &Path) -> anyhow::Result<u64> {
    // To the engine an empty file is a new store.
    anyhow::ensure!(fs::metadata(file)?.len() > 0, "the file is empty");
    let store = RedbStore::open(file)?;
    let snapshot = store.get()?;
    let sentences = |problems: Vec<crate::model::Problem>| {
        anyhow::Error::msg(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let desired = Desired::from_documents(snapshot.documents.values()).map_err(sentences)?;
    validate(&desired).map_err(sentences)?;
    store.last(usize::MAX)?;
    Ok(snapshot.generation)
}
