//! Every write: read, edit, validate, compare-and-swap, and again if somebody was faster.

use super::{ApiError, State};
use crate::{
    api::ChangeSet,
    model::{Change, Desired, Object, changes, validate},
    store::{Batch, Key, Snapshot, StoreError},
};

/// How often a write starts again before it gives up.
const ATTEMPTS: usize = 16;

/// What a write may do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// Take devices that do not exist.
    pub(super) allow_missing: bool,
    /// Only tell what would change.
    pub(super) dry_run: bool,
}

impl From<super::extract::WriteParams> for Options {
    fn from(params: super::extract::WriteParams) -> Self {
        Self { allow_missing: params.allow_missing, dry_run: false }
    }
}

impl State {
    /// The configuration and its generation.
    pub(super) async fn desired(&self) -> Result<(u64, Desired), ApiError> {
        self.blocking(|state| parse(&state.store.get()?)).await
    }

    /// Makes the configuration what `edit` says, or changes nothing.
    pub(super) async fn write(
        &self,
        options: Options,
        edit: impl Fn(&Desired) -> Result<Desired, ApiError> + Send + 'static,
    ) -> Result<ChangeSet, ApiError> {
        self.blocking(move |state| state.retry(options, &edit)).await
    }

    /// Runs what may wait for the disk or the kernel.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let state = self.clone();
        tokio::task::spawn_blocking(move || run(&state)).await?
    }

    fn retry(
        &self,
        options: Options,
        edit: &dyn Fn(&Desired) -> Result<Desired, ApiError>,
    ) -> Result<ChangeSet, ApiError> {
        for _ in 0..ATTEMPTS {
            match self.attempt(options, edit) {
                Err(ApiError::Store(StoreError::Conflict { .. })) => {}
                outcome => return outcome,
            }
        }
        Err(ApiError::Busy)
    }

    fn attempt(
        &self,
        options: Options,
        edit: &dyn Fn(&Desired) -> Result<Desired, ApiError>,
    ) -> Result<ChangeSet, ApiError> {
        let (generation, old) = parse(&self.store.get()?)?;
        let new = edit(&old)?;
        let changes = changes(&old, &new);
        if changes.is_empty() {
            return Ok(ChangeSet { generation, changes });
        }
        self.check(options, &old, &new)?;
        if options.dry_run {
            return Ok(ChangeSet { generation, changes });
        }
        let generation = self.store.put(generation, &batch(&new, &changes))?;
        tracing::info!(generation, changes = changes.len(), "configuration changed");
        Ok(ChangeSet { generation, changes })
    }

    fn check(&self, options: Options, old: &Desired, new: &Desired) -> Result<(), ApiError> {
        let mut problems = validate(new).err().unwrap_or_default();
        if !options.allow_missing {
            problems.extend(new.missing_devices(old, &self.host.devices()));
        }
        if problems.is_empty() { Ok(()) } else { Err(ApiError::Invalid(problems)) }
    }
}

fn parse(snapshot: &Snapshot) -> Result<(u64, Desired), ApiError> {
    let desired = Desired::from_documents(snapshot.documents.values()).map_err(ApiError::Damaged)?;
    Ok((snapshot.generation, desired))
}

fn batch(new: &Desired, changes: &[Change]) -> Batch {
    let row = |change: &Change| {
        let key = Key { kind: change.kind.name().into(), name: change.name.clone() };
        let document = new.get(&change.id()).map(Object::document);
        (key, document.map(|document| document.to_value()))
    };
    changes.iter().map(row).collect()
}
