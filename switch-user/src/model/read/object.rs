//! From a tree to an object.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::model::{Kind, Object, ObjectId, Problem, Reason, field::Takes, object::API_VERSION};

/// Reads an object that says itself what it is; `label` names it in errors as long as its kind and
/// name are not known.
///
/// # Errors
/// Everything that is wrong with it.
pub fn object(value: &Value, label: &str) -> Result<Object, Vec<Problem>> {
    let map = value.as_object().ok_or_else(|| not_an_object(value, label))?;
    let kind = match map.get("kind") {
        Some(Value::String(name)) => Kind::from_name(name),
        Some(_) | None => None,
    };
    let Some(kind) = kind else {
        let reason = Reason::WrongKind { expected: Kind::ALL.to_vec() };
        return Err(vec![problem_at(map, label, "kind", reason)]);
    };
    if !map.contains_key("apiVersion") {
        return Err(vec![Problem::absent(label_of(kind, map), "apiVersion", Reason::UnknownVersion)]);
    }
    object_of(kind, value)
}

/// Reads an object of a kind that is known from elsewhere; it may say it again.
///
/// # Errors
/// Everything that is wrong with it.
pub fn object_of(kind: Kind, value: &Value) -> Result<Object, Vec<Problem>> {
    let map = value.as_object().ok_or_else(|| not_an_object(value, kind.name()))?;
    let label = label_of(kind, map);
    let mut problems = fields(kind, map, &label);
    for name in kind.required().iter().filter(|name| !map.contains_key(**name)) {
        let takes = kind.field(name).map_or(Takes::Name, |field| field.takes);
        problems.push(Problem::absent(&label, *name, Reason::MissingField(takes)));
    }
    let known = map.iter().filter(|(name, _)| kind.field(name).is_some());
    let known: Map<String, Value> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
    match kind {
        Kind::Switch => typed(kind, known, &label, problems).map(Object::Switch),
        Kind::Router => typed(kind, known, &label, problems).map(Object::Router),
        Kind::Network => typed(kind, known, &label, problems).map(Object::Network),
        Kind::Host => typed(kind, known, &label, problems).map(Object::Host),
        Kind::Uplink => typed(kind, known, &label, problems).map(Object::Uplink),
        Kind::Port => typed(kind, known, &label, problems).map(Arc::new).map(Object::Port),
        Kind::Route => typed(kind, known, &label, problems).map(Object::Route),
        Kind::Group => typed(kind, known, &label, problems).map(Object::Group),
        Kind::Policy => typed(kind, known, &label, problems).map(Object::Policy),
        Kind::Rule => typed(kind, known, &label, problems).map(Object::Rule),
    }
}

/// What is wrong with the names of the fields, and with what the object says of its own kind.
pub fn fields(kind: Kind, map: &Map<String, Value>, label: impl fmt::Display) -> Vec<Problem> {
    let refusal = |(name, value): (&String, &Value)| match name.as_str() {
        "kind" if value == kind.name() => None,
        "kind" => Some(Reason::WrongKind { expected: vec![kind] }),
        "apiVersion" if value == API_VERSION => None,
        "apiVersion" => Some(Reason::UnknownVersion),
        _ if kind.field(name).is_some() => None,
        _ => Some(Reason::UnknownField(kind)),
    };
    let refused = map.iter().filter_map(|field| Some((field, refusal(field)?)));
    refused.map(|((name, value), reason)| Problem::new(&label, name, value.clone(), reason)).collect()
}

/// Reads the fields; each one that cannot be read is noted and taken out, until the rest can be.
fn typed<T: DeserializeOwned>(
    kind: Kind,
    mut map: Map<String, Value>,
    label: &str,
    mut problems: Vec<Problem>,
) -> Result<T, Vec<Problem>> {
    loop {
        let tree = Value::Object(map);
        let error = match serde_path_to_error::deserialize::<_, T>(&tree) {
            Ok(object) if problems.is_empty() => return Ok(object),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let Some((name, problem)) = refused_field(kind, &tree, label, &error) else {
            // Only a missing field has no path, and that one is noted already.
            return Err(problems);
        };
        problems.push(problem);
        map = without(tree, &name);
    }
}

fn refused_field(
    kind: Kind,
    tree: &Value,
    label: &str,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> Option<(String, Problem)> {
    let mut segments = error.path().iter();
    let Some(Segment::Map { key: name }) = segments.next() else { return None };
    let mut value = tree.get(name)?;
    for segment in segments {
        value = match segment {
            Segment::Seq { index } => value.get(index)?,
            Segment::Map { key } => value.get(key)?,
            Segment::Enum { .. } | Segment::Unknown => break,
        };
    }
    let reason = kind.field(name)?.takes.refusal(value);
    Some((name.clone(), Problem::new(label, error.path().to_string(), value.clone(), reason)))
}

fn without(tree: Value, name: &str) -> Map<String, Value> {
    let Value::Object(mut map) = tree else { return Map::new() };
    map.remove(name);
    map
}

fn not_an_object(value: &Value, label: &str) -> Vec<Problem> {
    vec![Problem::new(label, "", value.clone(), Reason::NotAnObject)]
}

fn problem_at(map: &Map<String, Value>, label: &str, field: &str, reason: Reason) -> Problem {
    Problem { object: label.into(), field: field.into(), value: map.get(field).cloned(), reason }
}

/// Kind and, if it has a readable one, name.
fn label_of(kind: Kind, map: &Map<String, Value>) -> String {
    ObjectId::of_fields(kind, map).to_string()
}
