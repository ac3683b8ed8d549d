//! For whom has been asked what, so that a change finds the views that it concerns.

use std::sync::Arc;

use foldhash::HashMap;

use super::{closure::Asked, graph::Question, ways::Root};

/// For whom what was asked, in their order: most questions by one or a few, of very many.
#[derive(Debug, Default)]
pub(super) struct Interest(HashMap<Arc<Question>, Vec<Arc<Root>>>);

impl Interest {
    /// A view was made from these questions, and is made from others.
    pub(super) fn change(&mut self, root: &Arc<Root>, old: &Asked, new: &Asked) {
        for question in old.difference(new) {
            if let Some(roots) = self.0.get_mut(question) {
                roots.retain(|other| other != root);
                if roots.is_empty() {
                    self.0.remove(question);
                }
            }
        }
        for question in new.difference(old) {
            self.ask(root, question);
        }
    }

    /// A view is made from this question too.
    pub(super) fn ask(&mut self, root: &Arc<Root>, question: &Arc<Question>) {
        let roots = self.0.entry(Arc::clone(question)).or_default();
        if let Err(place) = roots.binary_search(root) {
            roots.insert(place, Arc::clone(root));
        }
    }

    /// Nothing is to be asked any more about this; returns the views for which it was.
    pub(super) fn drop(&mut self, question: &Question) -> Vec<Arc<Root>> {
        self.0.remove(question).unwrap_or_default()
    }

    /// The views for which this was asked.
    pub(super) fn roots(&self, question: &Question) -> impl Iterator<Item = &Arc<Root>> {
        self.0.get(question).into_iter().flatten()
    }
}
