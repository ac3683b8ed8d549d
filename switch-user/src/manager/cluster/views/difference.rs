//! What a host is told: its view, or what has become of it.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use super::closure::Content;
use crate::{
    api::{Binding, ObjectName, ViewEvent, view_digest},
    model::{Document, ObjectId},
};

impl Content {
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

    /// What has to be told whoever knows the one before.
    pub(super) fn since(&self, before: &Self) -> ViewEvent {
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

    pub(super) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.entries.iter().map(|entry| &entry.document)
    }

    fn bindings(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.bindings.iter().map(|(id, binding)| (id.name.as_str(), &**binding))
    }
}

type Bound = (Arc<ObjectId>, Arc<Binding>);

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
            (Some(old), Some(new)) => id(old).cmp(id(new)),
        };
        Some(match order {
            Ordering::Less => (before.next(), None),
            Ordering::Greater => (None, after.next()),
            Ordering::Equal => (before.next(), after.next()),
        })
    })
}
