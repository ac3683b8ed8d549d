//! What the collections of all kinds have in common.

use axum::{Json, http::StatusCode};
use ipnet::IpNet;
use serde_json::{Map, Value};

use super::{
    ApiError, Manager,
    extract::{Body, RemoveParams, WriteParams},
    follow,
};
use crate::{
    api::{ChangeSet, ObjectList},
    model::{
        Desired, Document, FirewallReason, Kind, Object, ObjectId, Problem, Reason, RoutingReason, read,
    },
};

/// The answer to a write.
pub(super) type Written = Result<Json<ChangeSet>, ApiError>;

/// The object that an address names. A prefix may be written in many ways, of which one is the name's.
pub(super) fn id(kind: Kind, name: String) -> ObjectId {
    let route = || {
        let (router, prefix) = name.split_once('/')?;
        Some(format!("{router}/{}", prefix.parse::<IpNet>().ok()?))
    };
    let canonical = if kind == Kind::Route { route() } else { None };
    ObjectId { kind, name: canonical.unwrap_or(name) }
}

/// All objects of a kind.
pub(super) async fn list(manager: Manager, kind: Kind) -> Result<Json<ObjectList>, ApiError> {
    let known = manager.desired().await?;
    let objects = known.desired.objects().filter(|object| object.id().kind == kind);
    Ok(Json(ObjectList { generation: known.generation, objects: objects.map(Object::document).collect() }))
}

/// One object.
pub(super) async fn show(manager: Manager, id: ObjectId) -> Result<Json<Document>, ApiError> {
    let known = manager.desired().await?;
    known.desired.get(&id).map(|object| Json(object.document())).ok_or(ApiError::NotFound(id))
}

/// Creates an object.
pub(super) async fn create(
    manager: Manager,
    kind: Kind,
    params: WriteParams,
    Body(body): Body,
) -> Result<(StatusCode, Json<ChangeSet>), ApiError> {
    let object = read::object_of(kind, &body).map_err(ApiError::Invalid)?;
    let edit = move |old: &Desired| match old.get(&object.id()) {
        Some(_) => Err(ApiError::Exists(object.id())),
        None => Ok(with(old, object.clone())),
    };
    let status = if params.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(manager.write(params.into(), edit).await?)))
}

/// Creates an object or replaces it as a whole.
pub(super) async fn replace(
    manager: Manager,
    id: ObjectId,
    params: WriteParams,
    Body(mut body): Body,
) -> Written {
    if let Some(fields) = body.as_object_mut() {
        for (field, value) in id.key() {
            fields.entry(field).or_insert_with(|| value.into());
        }
    }
    let object = read_as(&id, &body)?;
    Ok(Json(manager.write(params.into(), move |old| Ok(with(old, object.clone()))).await?))
}

/// Changes fields of an object by a JSON merge patch (RFC 7396).
pub(super) async fn patch(manager: Manager, id: ObjectId, params: WriteParams, Body(body): Body) -> Written {
    if let Some(plugged) = follow::plug(&manager, &id, params, &body).await {
        return plugged;
    }
    let edit = move |old: &Desired| {
        let current = old.get(&id).ok_or_else(|| ApiError::NotFound(id.clone()))?;
        patched(old, current, &body)
    };
    Ok(Json(manager.write(params.into(), edit).await?))
}

/// The configuration `old` with the object changed as the merge patch says.
pub(super) fn patched(old: &Desired, current: Object, patch: &Value) -> Result<Desired, ApiError> {
    let id = current.id();
    let Value::Object(fields) = patch else {
        return Err(ApiError::Invalid(vec![Problem::new(&id, "", patch.clone(), Reason::NotAnObject)]));
    };
    // Before the merge, in which an unknown field that is null would vanish.
    let problems = read::fields(id.kind, fields, &id);
    if !problems.is_empty() {
        return Err(ApiError::Invalid(problems));
    }
    let mut document = current.document().to_value();
    merge(&mut document, patch);
    Ok(with(old, read_as(&id, &document)?))
}

/// Removes an object.
pub(super) async fn remove(manager: Manager, id: ObjectId, params: RemoveParams) -> Written {
    let edit = move |old: &Desired| {
        let mut new = old.clone();
        if !new.remove(&id) {
            return Err(ApiError::NotFound(id.clone()));
        }
        not_in_use(old, &id)?;
        Ok(new)
    };
    Ok(Json(manager.write(params.into(), edit).await?))
}

fn with(old: &Desired, object: Object) -> Desired {
    let mut new = old.clone();
    new.put(object);
    new
}

/// Reads an object that must be the one that the address names.
fn read_as(id: &ObjectId, value: &Value) -> Result<Object, ApiError> {
    let object = read::object_of(id.kind, value).map_err(ApiError::Invalid)?;
    let found = object.id();
    if found == *id {
        return Ok(object);
    }
    let pairs = id.key().zip(found.key());
    let wrong = pairs.filter(|((_, expected), (_, found))| expected != found).map(
        |((field, expected), (_, found))| {
            Problem::new(id, field, found.into(), Reason::WrongName { expected: expected.into() })
        },
    );
    Err(ApiError::Invalid(wrong.collect()))
}

/// Refuses to remove what others name, in better words than "there is no such network" at each of them.
fn not_in_use(old: &Desired, id: &ObjectId) -> Result<(), ApiError> {
    let users = old.users(id);
    if users.is_empty() {
        return Ok(());
    }
    let reason = match id.kind {
        Kind::Router => RoutingReason::RouterInUse(users).into(),
        Kind::Port => FirewallReason::PortInUse(users).into(),
        Kind::Group => FirewallReason::GroupInUse(users).into(),
        Kind::Policy => FirewallReason::PolicyInUse(users).into(),
        Kind::Host => Reason::HostInUse(users),
        Kind::Switch | Kind::Network | Kind::Uplink | Kind::Route | Kind::Rule => Reason::NetworkInUse(users),
    };
    Err(ApiError::Invalid(vec![Problem::absent(id, "", reason)]))
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    /// The examples of RFC 7396, appendix A, that concern objects.
    #[test]
    fn merge_patch_as_in_the_rfc() {
        for (mut target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({"a": "foo"}), json!({"a": {"b": "c"}}), json!({"a": {"b": "c"}})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            merge(&mut target, &patch);
            assert_eq!(target, expected, "{patch}");
        }
    }
}
