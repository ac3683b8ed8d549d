//! Every write: read, edit, validate, compare-and-swap, and again if somebody was faster.

use super::{
    ApiError,
    extract::WriteParams,
    known::{Known, Manager},
};
use crate::{
    api::ChangeSet,
    model::{Change, Desired, Object, changes, validate_changes},
    store::{Batch, Key, StoreError},
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

impl From<WriteParams> for Options {
    fn from(params: WriteParams) -> Self {
        Self { allow_missing: params.allow_missing, dry_run: false }
    }
}

/// Makes a configuration out of the one before.
type Edit = dyn Fn(&Desired) -> Result<Desired, ApiError>;

impl Manager {
    /// Makes the configuration what `edit` says, or changes nothing.
    pub(super) async fn write(
        &self,
        options: Options,
        edit: impl Fn(&Desired) -> Result<Desired, ApiError> + Send + 'static,
    ) -> Result<ChangeSet, ApiError> {
        self.blocking(move |manager| manager.retry(options, &edit)).await
    }

    fn retry(&self, options: Options, edit: &Edit) -> Result<ChangeSet, ApiError> {
        let mut known = self.newest()?;
        for _ in 0..ATTEMPTS {
            match self.attempt(options, &known, edit) {
                Err(ApiError::Store(StoreError::Conflict { .. })) => known = self.read()?,
                outcome => return outcome,
            }
        }
        Err(ApiError::Busy)
    }

    fn attempt(&self, options: Options, old: &Known, edit: &Edit) -> Result<ChangeSet, ApiError> {
        let new = edit(&old.desired)?;
        let changes = changes(&old.desired, &new);
        if changes.is_empty() {
            return Ok(ChangeSet { generation: old.generation, changes });
        }
        self.check(options, &old.desired, &new, &changes)?;
        if options.dry_run {
            return Ok(ChangeSet { generation: old.generation, changes });
        }
        let generation = self.store.put(old.generation, &batch(&new, &changes))?;
        self.remember(generation, new);
        tracing::info!(generation, changes = changes.len(), "configuration changed");
        Ok(ChangeSet { generation, changes })
    }

    fn check(
        &self,
        options: Options,
        old: &Desired,
        new: &Desired,
        changes: &[Change],
    ) -> Result<(), ApiError> {
        let mut problems = validate_changes(new, changes).err().unwrap_or_default();
        if !options.allow_missing {
            problems.extend(new.missing_devices(old, &self.host.devices()));
        }
        if problems.is_empty() { Ok(()) } else { Err(ApiError::Invalid(problems)) }
    }
}

fn batch(new: &Desired, changes: &[Change]) -> Batch {
    let row = |change: &Change| {
        let key = Key { kind: change.kind.name().into(), name: change.name.clone() };
        let document = new.get(&change.id()).map(Object::document);
        (key, document.map(|document| document.to_value()))
    };
    changes.iter().map(row).collect()
}
