//! What a host is told: its view, or what has become of it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    content::{ById, Content},
    graph::Entry,
};
use crate::{
    api::{Binding, ObjectName, ViewEvent, view_digest},
    model::{Document, ObjectId},
};

/// What a host is to know: with all hosts of its HA group, and alone. Some objects are in both.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    pub(super) group: Arc<Content>,
    pub(super) own: Arc<Content>,
}

impl Sight {
    /// All of it.
    pub(super) fn complete(&self) -> ViewEvent {
        ViewEvent {
            complete: true,
            put: self.documents().cloned().collect(),
            bindings: self
                .bindings()
                .map(|(port, binding)| (port.to_owned(), Some(binding.clone())))
                .collect(),
            ..ViewEvent::default()
        }
    }

    /// What tells it from others.
    pub(super) fn digest(&self) -> String {
        view_digest(self.documents(), self.bindings())
    }

    /// True if nothing has been made anew.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.group, &other.group) && Arc::ptr_eq(&self.own, &other.own)
    }

    /// What has to be told whoever knows the one before.
    pub(super) fn since(&self, before: &Self) -> ViewEvent {
        let mut event = self.group.told_since(&before.group);
        if !self.own.is_empty() || !before.own.is_empty() {
            let own = self.own.told_since(&before.own);
            event.put.extend(own.put);
            event.remove.extend(own.remove);
            event.remove.sort();
            event.remove.dedup();
            event.remove.retain(|name| {
                let id = ObjectId::new(name.kind, &name.name);
                !self.group.has(&id) && !self.own.has(&id)
            });
        }
        event
    }

    /// The documents by kind and name.
    pub(super) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.entries().map(|entry| &entry.document)
    }

    /// The objects by kind and name, with where they lead.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let own = self.own.entries.iter().filter(|(id, _)| !self.group.has(id));
        in_order(own, self.group.entries.iter()).map(|(_, entry)| entry)
    }

    fn bindings(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.group.bindings.iter().map(|(id, binding)| (id.name.as_str(), &**binding))
    }
}

impl Content {
    /// What has to be told whoever knows the one before; found out once for all who do.
    fn told_since(&self, before: &Arc<Self>) -> ViewEvent {
        if std::ptr::eq(self, &raw const **before) {
            return ViewEvent::default();
        }
        let (known, event) = self.news.get_or_init(|| (Arc::downgrade(before), self.since(before)));
        if std::ptr::eq(known.as_ptr(), &raw const **before) { event.clone() } else { self.since(before) }
    }

    fn since(&self, before: &Self) -> ViewEvent {
        let mut event = ViewEvent::default();
        for id in self.entries.apart(&before.entries) {
            match (before.entries.get(id), self.entries.get(id)) {
                (Some(_), None) => event.remove.push(ObjectName { kind: id.kind, name: id.name.clone() }),
                (old, Some(new))
                    if !old.is_some_and(|old| Arc::ptr_eq(old, new) || old.document == new.document) =>
                {
                    event.put.push(new.document.clone());
                }
                _ => {}
            }
        }
        event.bindings = changed(&before.bindings, &self.bindings);
        event
    }
}

fn changed(before: &ById<Binding>, after: &ById<Binding>) -> BTreeMap<String, Option<Binding>> {
    let pairs = after.apart(before).into_iter().map(|id| (id, before.get(id), after.get(id)));
    let news = pairs.filter(|(_, old, new)| old != new);
    news.map(|(id, _, new)| (id.name.clone(), new.map(|binding| Binding::clone(binding)))).collect()
}

/// What two tables have, in the order of the names.
fn in_order<'a, T: 'a>(
    one: impl Iterator<Item = (&'a Arc<ObjectId>, &'a T)>,
    other: impl Iterator<Item = (&'a Arc<ObjectId>, &'a T)>,
) -> impl Iterator<Item = (&'a Arc<ObjectId>, &'a T)> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some((first, _)), Some((second, _))) if first < second => one.next(),
        (_, Some(_)) => other.next(),
        (_, None) => one.next(),
    })
}
