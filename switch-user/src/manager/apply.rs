//! The configuration as a whole.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    author::Writer,
    extract::{Body, Params, Refused},
    object::Written,
    write::Options,
};
use crate::{
    api::{ApplyRequest, ChangeSet, ObjectList},
    model::{Desired, Object, Problem, Reason, read},
};

/// Routes of the whole.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(apply)).routes(routes!(export))
}

/// How to apply.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of its own")]
struct ApplyParams {
    /// Tell what would change, and which connections that would cut, and change nothing.
    dry_run: bool,
    /// Remove the objects that are not in the list.
    prune: bool,
    /// Take devices that do not exist on the host (yet).
    allow_missing: bool,
    /// The write is meant, even if it shuts off every port.
    yes: bool,
}

/// Creates or replaces objects: all of them, or none if anything is wrong.
///
/// The answer of `/v1/export` is taken too; its `generation` means nothing here.
#[utoipa::path(post, path = "/v1/apply", operation_id = "apply", tag = "configuration",
    request_body = ApplyRequest, params(ApplyParams), responses(
    (status = 200, description = "The objects are as they were sent.", body = ChangeSet),
    Refused,
))]
async fn apply(Writer(manager): Writer, Params(params): Params<ApplyParams>, Body(body): Body) -> Written {
    let objects = objects(&body).map_err(ApiError::Invalid)?;
    // It may be many times as large as what it says.
    drop(body);
    let edit = move |old: &Desired| {
        let mut new = if params.prune { Desired::default() } else { old.clone() };
        objects.iter().cloned().for_each(|object| new.put(object));
        Ok(new)
    };
    let ApplyParams { dry_run, allow_missing, yes, .. } = params;
    let options = Options { allow_missing, dry_run, yes };
    Ok(Json(manager.write(options, edit).await?))
}

fn objects(body: &Value) -> Result<Vec<Object>, Vec<Problem>> {
    let Some(list) = body.get("objects").and_then(Value::as_array) else {
        return Err(vec![Problem::absent("the body", "objects", Reason::NoObjects)]);
    };
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for (index, value) in list.iter().enumerate() {
        match read::object(value, &format!("object {}", index + 1)) {
            Ok(object) if seen.insert(object.id()) => objects.push(object),
            Ok(object) => problems.push(Problem::absent(object.id(), "", Reason::ObjectTwice)),
            Err(found) => problems.extend(found),
        }
    }
    let unknown = body.as_object().into_iter().flatten();
    let unknown = unknown.filter(|(name, _)| !["objects", "generation"].contains(&name.as_str()));
    problems.extend(
        unknown.map(|(name, value)| Problem::new("the body", name, value.clone(), Reason::NoObjects)),
    );
    if problems.is_empty() { Ok(objects) } else { Err(problems) }
}

/// Lists all objects, in the form that `/v1/apply` takes.
#[utoipa::path(get, path = "/v1/export", operation_id = "export", tag = "configuration", responses(
    (status = 200, description = "All objects.", body = ObjectList),
    Refused,
))]
async fn export(State(manager): State<Manager>) -> Result<Json<ObjectList>, ApiError> {
    let known = manager.desired().await?;
    let objects = known.desired.objects().map(Object::document).collect();
    Ok(Json(ObjectList { generation: known.generation, objects }))
}
