//! What a host is told: its view, or what has become of it.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use super::{
    content::{Bound, Content},
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
        let pairs = pairs(&self.own.entries, &self.group.entries, |entry| &entry.id);
        pairs.filter_map(|(own, group)| group.or(own))
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
        let entries = pairs(&before.entries, &self.entries, |entry| &entry.id);
        for pair in entries {
            match pair {
                (Some(old), None) => {
                    event.remove.push(ObjectName { kind: old.id.kind, name: old.id.name.clone() });
                }
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

fn changed(before: &[Bound], after: &[Bound]) -> BTreeMap<String, Option<Binding>> {
    let pairs = pairs(before, after, |(id, _)| id);
    let news = pairs.filter_map(|(old, new)| match (old, new) {
        (Some((id, _)), None) => Some((id.name.clone(), None)),
        (old, Some((id, binding))) if old.is_none_or(|(_, old)| old != binding) => {
            Some((id.name.clone(), Some((**binding).clone())))
        }
        _ => None,
    });
    news.collect()
}

/// The items of two ordered lists, those of the same object together.
fn pairs<'a, T>(
    before: &'a [T],
    after: &'a [T],
    id: impl Fn(&T) -> &Arc<ObjectId>,
) -> impl Iterator<Item = (Option<&'a T>, Option<&'a T>)> {
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) if Arc::ptr_eq(id(old), id(new)) => Ordering::Equal,
            (Some(old), Some(new)) => id(old).cmp(id(new)),
        };
        Some(match order {
            Ordering::Less => (before.next(), None),
            Ordering::Greater => (None, after.next()),
            Ordering::Equal => (before.next(), after.next()),
        })
    })
}
