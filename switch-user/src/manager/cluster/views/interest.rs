//! Which hosts have asked what, so that a change finds the views that it concerns.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{closure::Asked, graph::Question};

/// The name of a host, as it is kept here many times.
pub(super) type HostName = Arc<str>;

/// Who has asked what.
#[derive(Debug, Default)]
pub(super) struct Interest(HashMap<Arc<Question>, BTreeSet<HostName>>);

impl Interest {
    /// A host's view was made from these questions, and is made from others.
    pub(super) fn change(&mut self, host: &HostName, old: &Asked, new: &Asked) {
        for question in old.difference(new) {
            if let Some(hosts) = self.0.get_mut(question) {
                hosts.remove(host);
                if hosts.is_empty() {
                    self.0.remove(question);
                }
            }
        }
        for question in new.difference(old) {
            self.0.entry(Arc::clone(question)).or_default().insert(Arc::clone(host));
        }
    }

    /// The hosts that have asked this.
    pub(super) fn hosts(&self, question: &Question) -> impl Iterator<Item = &HostName> {
        self.0.get(question).into_iter().flatten()
    }
}
