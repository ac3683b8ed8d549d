//! What was changed, when and by whom, and the way back.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    author::Writer,
    extract::{Params, Refused},
    object::Written,
    write::Options,
};
use crate::{
    api::{ChangeSet, History, HistoryEntry, HistoryRow},
    model::{Action, Desired, Kind, Object, ObjectId, read},
    report::rfc3339,
    store::{Key, Record, Row},
};

/// Writes that are told unless another number is wanted.
const USUAL: usize = 20;

/// Routes of the history.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(history)).routes(routes!(rollback))
}

/// Which writes to tell.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct HistoryParams {
    /// How many at most: 20 if left out.
    limit: Option<usize>,
    /// With the objects as they were before and after.
    objects: bool,
}

/// Lists the last writes, newest first.
#[utoipa::path(get, path = "/v1/history", operation_id = "history", tag = "configuration",
    params(HistoryParams), responses(
    (status = 200, description = "The last writes that are remembered.", body = History),
    Refused,
))]
async fn history(
    State(manager): State<Manager>,
    Params(params): Params<HistoryParams>,
) -> Result<Json<History>, ApiError> {
    let HistoryParams { limit, objects } = params;
    manager
        .blocking(move |manager| {
            let generation = *manager.store.watch().borrow();
            let records = manager.store.last(limit.unwrap_or(USUAL))?;
            let writes = records.into_iter().map(|record| entry(record, objects)).collect();
            Ok(Json(History { generation, oldest: manager.store.oldest()?, writes }))
        })
        .await
}

fn entry(record: Record, objects: bool) -> HistoryEntry {
    let Record { generation, time_ms, author, rows } = record;
    let changes = rows.into_iter().filter_map(|(key, row)| change(key, row, objects)).collect();
    HistoryEntry { generation, time: rfc3339(time_ms), author, changes }
}

/// A row as people see it; `None` if it did not change anything.
fn change(Key { kind, name }: Key, Row { old, new }: Row, objects: bool) -> Option<HistoryRow> {
    let action = match (&old, &new) {
        (None, None) => return None,
        (None, Some(_)) => Action::Create,
        (Some(_), Some(_)) => Action::Update,
        (Some(_), None) => Action::Delete,
    };
    Some(HistoryRow { action, kind, name, old: old.filter(|_| objects), new: new.filter(|_| objects) })
}

/// Where to go back to.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RollbackParams {
    /// The generation whose configuration is wanted.
    generation: u64,
    /// Take devices that do not exist on the host (any more).
    #[serde(default)]
    allow_missing: bool,
    /// Tell what would change, and which connections that would cut, and change nothing.
    #[serde(default)]
    dry_run: bool,
    /// The write is meant, even if it shuts off every port.
    #[serde(default)]
    yes: bool,
}

/// Makes the configuration what it was at a generation, as a new write.
#[utoipa::path(post, path = "/v1/rollback", operation_id = "rollback", tag = "configuration",
    params(RollbackParams), responses(
    (status = 200, description = "The configuration is what it was.", body = ChangeSet),
    Refused,
))]
async fn rollback(Writer(manager): Writer, Params(params): Params<RollbackParams>) -> Written {
    let RollbackParams { generation, allow_missing, dry_run, yes } = params;
    let history = manager.clone();
    let edit = move |old: &Desired| history.as_of(generation, old);
    Ok(Json(manager.write(Options { allow_missing, dry_run, yes }, edit).await?))
}

impl Manager {
    /// The configuration as it was at a generation, from a newer one. It does not matter if `newer` lacks the last
    /// writes: what they changed is taken back to what it was before them.
    fn as_of(&self, generation: u64, newer: &Desired) -> Result<Desired, ApiError> {
        let newest = *self.store.watch().borrow();
        if generation > newest {
            return Err(ApiError::NotYet { wanted: generation, newest });
        }
        let Some(records) = self.store.since(generation)? else {
            return Err(ApiError::NotKept { wanted: generation, oldest: self.store.oldest()? });
        };
        let rows = records.into_iter().rev().flat_map(|record| record.rows);
        let steps = steps(rows.map(|(key, row)| (key, row.old)))?;
        let mut desired = newer.clone();
        for step in steps {
            take(&mut desired, step);
        }
        Ok(desired)
    }
}

/// What an object becomes; `None` if it goes.
pub(super) type Step = (ObjectId, Option<Object>);

/// What documents of the store make of objects.
pub(super) fn steps(rows: impl Iterator<Item = (Key, Option<Value>)>) -> Result<Vec<Step>, ApiError> {
    let step = |(Key { kind, name }, document): (Key, Option<Value>)| {
        // A kind that is not known here has no objects that could go.
        let gone = Kind::from_name(&kind).map(|kind| Ok((ObjectId::new(kind, name), None)));
        document.map(|document| read(&document)).or(gone)
    };
    rows.filter_map(step).collect()
}

fn read(document: &Value) -> Result<Step, ApiError> {
    let object = read::object(document, "document").map_err(ApiError::Damaged)?;
    Ok((object.id(), Some(object)))
}

/// Takes a step.
pub(super) fn take(desired: &mut Desired, (id, object): Step) {
    match object {
        Some(object) => desired.put(object),
        None => drop(desired.remove(&id)),
    }
}
