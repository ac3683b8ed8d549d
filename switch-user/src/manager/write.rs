//! Every write: read, edit, validate, compare-and-swap, and again if somebody was faster.

use std::sync::PoisonError;

use super::{
    ApiError,
    extract::{RemoveParams, WriteParams},
    known::{Known, Manager},
};
use crate::{
    api::ChangeSet,
    model::{
        Change, Desired, Lockout, Object, Problem, Scope, Validated, changes, lockouts, validate_as,
        validate_part, warnings,
    },
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
    /// Do not ask whether it is meant.
    pub(super) yes: bool,
}

impl From<WriteParams> for Options {
    fn from(params: WriteParams) -> Self {
        let WriteParams { allow_missing, dry_run, yes } = params;
        Self { allow_missing, dry_run, yes }
    }
}

impl From<RemoveParams> for Options {
    fn from(params: RemoveParams) -> Self {
        let RemoveParams { dry_run, yes } = params;
        Self { allow_missing: false, dry_run, yes }
    }
}

/// Makes a configuration out of the one before.
pub(super) type Edit = dyn Fn(&Desired) -> Result<Desired, ApiError>;

impl Manager {
    /// Makes the configuration what `edit` says, or changes nothing.
    pub(super) async fn write(
        &self,
        options: Options,
        edit: impl Fn(&Desired) -> Result<Desired, ApiError> + Send + 'static,
    ) -> Result<ChangeSet, ApiError> {
        self.blocking(move |manager| manager.retry(options, &edit)).await
    }

    /// Tries again for as long as others are faster.
    pub(super) fn retry(&self, options: Options, edit: &Edit) -> Result<ChangeSet, ApiError> {
        self.is_writable()?;
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.newest()?;
        for _ in 0..ATTEMPTS {
            match self.attempt(options, &known, edit) {
                Err(ApiError::Store(StoreError::Conflict { .. })) => known = self.newer(known.generation)?,
                outcome => return outcome,
            }
        }
        Err(ApiError::Busy)
    }

    fn attempt(&self, options: Options, old: &Known, edit: &Edit) -> Result<ChangeSet, ApiError> {
        let new = edit(&old.desired)?;
        let changes = changes(&old.desired, &new);
        if changes.is_empty() {
            return Ok(ChangeSet { generation: old.generation, ..ChangeSet::default() });
        }
        let (valid, warnings) = self.check(options, &old.desired, &new, &changes)?;
        if options.dry_run {
            let set = ChangeSet { generation: old.generation, changes, warnings, ..ChangeSet::default() };
            return Ok(self.with_cuts(set, &old.desired, &valid));
        }
        let generation = self.store.put(old.generation, &batch(&new, &changes), &self.author.0)?;
        if self.cluster.is_none() {
            self.host.proven(generation, valid);
        }
        self.remember(generation, new);
        tracing::info!(generation, changes = changes.len(), "configuration changed");
        Ok(ChangeSet { generation, changes, warnings, ..ChangeSet::default() })
    }

    /// Adds the connections that a write would cut. Nobody is refused an answer because these are not known.
    fn with_cuts(&self, mut set: ChangeSet, old: &Desired, new: &Validated) -> ChangeSet {
        match self.cuts(old, new) {
            Ok(cuts) => (set.cuts, set.cuts_total) = (cuts.listed, Some(cuts.total)),
            Err(error) => set.warnings.push(format!("which connections it would cut is not known: {error}")),
        }
        set
    }

    /// The proven form, and of what; of many hosts' ports those are left out that changes are not about.
    fn prove(
        &self,
        options: Options,
        new: &Desired,
        changes: &[Change],
    ) -> Result<(Desired, Validated), Vec<Problem>> {
        if self.cluster.is_some() && !options.dry_run {
            return validate_part(new, changes, self.scope());
        }
        Ok((new.clone(), validate_as(new, changes, self.scope())?))
    }

    /// Refuses what makes no sense or is perhaps not meant; returns the proven form and warnings.
    fn check(
        &self,
        options: Options,
        old: &Desired,
        new: &Desired,
        changes: &[Change],
    ) -> Result<(Validated, Vec<String>), ApiError> {
        let outcome = self.prove(options, new, changes);
        let mut problems = outcome.as_ref().err().cloned().unwrap_or_default();
        // Only a host knows which devices there are; those of many hosts nobody knows before they report.
        let one = !options.allow_missing && self.cluster.is_none();
        if one {
            problems.extend(new.missing_devices(old, |devices| self.host.absent(devices)));
        }
        let Some((proven, valid)) = outcome.ok().filter(|_| problems.is_empty()) else {
            return Err(ApiError::Invalid(problems));
        };
        let mut warnings = warnings(&proven, &valid, changes);
        match new_lockout([old, new], &valid, self.scope()) {
            Some(lockout) if options.dry_run => warnings.push(lockout.to_string()),
            Some(lockout) if !options.yes => return Err(ApiError::Confirmation(lockout)),
            _ => {}
        }
        Ok((valid, warnings))
    }
}

/// A policy that now shuts off every port and did not before. `proven` has at least one of the ports.
fn new_lockout(configurations: [&Desired; 2], proven: &Validated, scope: Scope) -> Option<Lockout> {
    if lockouts(proven).is_empty() {
        return None;
    }
    let all = |desired| validate_as(desired, &[], scope).map(|valid| lockouts(&valid)).unwrap_or_default();
    let [before, mut found] = configurations.map(all);
    found.retain(|lockout| before.iter().all(|before| before.policy != lockout.policy));
    found.into_iter().next()
}

fn batch(new: &Desired, changes: &[Change]) -> Batch {
    let row = |change: &Change| {
        let key = Key { kind: change.kind.name().into(), name: change.name.clone() };
        let document = new.get(&change.id()).map(Object::document);
        (key, document.map(|document| document.to_value()))
    };
    changes.iter().map(row).collect()
}
