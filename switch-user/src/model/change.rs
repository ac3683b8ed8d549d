//! The difference between two configurations.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Desired, Few, Kind, Object, ObjectId, Table};

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It comes into being.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
}

/// One object's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What happens to it.
    pub action: Action,
    /// What it is.
    pub kind: Kind,
    /// Its name; empty for the switch.
    pub name: String,
    /// Fields with another value than before; for a new object those it sets, for a removed one none.
    pub fields: Vec<String>,
}

impl Change {
    /// The object that changes.
    pub fn id(&self) -> ObjectId {
        ObjectId::new(self.kind, &self.name)
    }
}

/// What makes `new` out of `old`, by kind and name.
pub fn changes(old: &Desired, new: &Desired) -> Vec<Change> {
    let switch = [change(Kind::Switch, "", old.switch.as_ref(), new.switch.as_ref(), Object::Switch)];
    let routers = differences(Kind::Router, &old.routers, &new.routers, Object::Router);
    let networks = differences(Kind::Network, &old.networks, &new.networks, Object::Network);
    let hosts = differences(Kind::Host, &old.hosts, &new.hosts, Object::Host);
    let uplinks = differences(Kind::Uplink, &old.uplinks, &new.uplinks, Object::Uplink);
    let ports = of_table(Kind::Port, &old.ports, &new.ports, Object::Port);
    let paths = differences(Kind::Route, &old.routes, &new.routes, Object::Route);
    let groups = differences(Kind::Group, &old.groups, &new.groups, Object::Group);
    let policies = differences(Kind::Policy, &old.policies, &new.policies, Object::Policy);
    let rules = differences(Kind::Rule, &old.rules, &new.rules, Object::Rule);
    let switch = switch.into_iter().flatten().collect();
    [switch, routers, networks, hosts, uplinks, ports, paths, groups, policies, rules].concat()
}

/// The changes of one kind. Only what differs is copied, as most of a large configuration is the same.
fn differences<T: Clone + PartialEq>(
    kind: Kind,
    old: &Few<T>,
    new: &Few<T>,
    object: fn(T) -> Object,
) -> Vec<Change> {
    if Arc::ptr_eq(old, new) {
        return Vec::new();
    }
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().filter_map(|name| change(kind, name, old.get(name), new.get(name), object)).collect()
}

/// The same of a table, where even looking at what is the same would take long.
fn of_table<T: Clone + PartialEq>(
    kind: Kind,
    old: &Table<T>,
    new: &Table<T>,
    object: fn(T) -> Object,
) -> Vec<Change> {
    let names = old.apart(new).into_iter();
    names.filter_map(|name| change(kind, name, old.get(name), new.get(name), object)).collect()
}

fn change<T: Clone + PartialEq>(
    kind: Kind,
    name: &str,
    old: Option<&T>,
    new: Option<&T>,
    object: fn(T) -> Object,
) -> Option<Change> {
    let action = match (old, new) {
        (None, Some(_)) => Action::Create,
        (Some(_), None) => Action::Delete,
        (Some(old), Some(new)) if old != new => Action::Update,
        _ => return None,
    };
    let fields = |value: &T| fields(Some(object(value.clone())));
    let old = old.map(fields).unwrap_or_default();
    let fields = new.map(|new| differing(&old, &fields(new))).unwrap_or_default();
    Some(Change { action, kind, name: name.into(), fields })
}

/// The fields of an object by name, without kind and those that make up its name.
pub fn fields(object: Option<Object>) -> Map<String, Value> {
    let Some(object) = object else { return Map::new() };
    let key = object.id().kind.key();
    let Value::Object(mut fields) = object.document().to_value() else { return Map::new() };
    fields
        .retain(|name, _| !["apiVersion", "kind"].contains(&name.as_str()) && !key.contains(&name.as_str()));
    fields
}

fn differing(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::from_text as desired;

    #[test]
    fn changes_name_action_object_and_fields() {
        let old = desired(
            "- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, mtu: 1500}
- {apiVersion: dvs/v1, kind: Network, name: green, vlan: 20}
- {apiVersion: dvs/v1, kind: Port, name: p1, network: blue}",
        );
        let new = desired(
            "- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 11}
- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 30}
- {apiVersion: dvs/v1, kind: Port, name: p1, network: blue}",
        );
        let seen: Vec<_> = changes(&old, &new)
            .into_iter()
            .map(|change| (change.action, change.id().to_string(), change.fields.join(" ")))
            .collect();
        let row = |action, id: &str, fields: &str| (action, id.to_owned(), fields.to_owned());
        assert_eq!(
            seen,
            [
                row(Action::Update, "Network blue", "mtu vlan"),
                row(Action::Delete, "Network green", ""),
                row(Action::Create, "Network red", "vlan"),
            ]
        );
    }

    #[test]
    fn nothing_changes_into_itself() {
        let same = desired("{apiVersion: dvs/v1, kind: Port, name: p1, trunk: 10}");
        assert_eq!(changes(&same, &same), []);
    }
}
