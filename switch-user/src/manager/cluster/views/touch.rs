//! From what a change touches to the views that it concerns, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::watch;

use super::{
    Guest, HostName, Views,
    closure::{Asked, Closure},
    graph::{Question, Touched, ha_group},
    ways::Root,
};
use crate::model::{Kind, ObjectId};

impl Views {
    /// Brings the views up to date that were made from what was touched, and tells their hosts.
    pub(super) fn touch(&mut self, touched: &Touched) -> BTreeSet<HostName> {
        let new = self.come_and_go(touched);
        let anew = self.asked(touched.questions.iter());
        for root in &anew {
            self.make(root);
        }
        let mut changed = anew.clone();
        changed.extend(self.lose(touched));
        for root in self.asked(touched.joins.iter().map(|(question, _)| question)).difference(&anew) {
            if self.grow(root, &touched.joins) {
                changed.insert(Arc::clone(root));
            }
        }
        for (root, questions) in self.renewed(touched, &anew) {
            if let Some(closure) = self.closures.get_mut(&root) {
                closure.renew(&self.graph, &questions);
            }
            changed.insert(root);
        }
        let mut concerned: BTreeSet<HostName> = changed.iter().flat_map(|root| self.guests(root)).collect();
        concerned.extend(new);
        for guest in concerned.iter().filter_map(|host| self.hosts.get(host)) {
            guest.news.send_replace(());
        }
        concerned
    }

    /// Takes leaves out of the views that have them; returns those.
    fn lose(&mut self, touched: &Touched) -> BTreeSet<Arc<Root>> {
        let mut changed = BTreeSet::new();
        for leaf in &touched.leaves {
            for root in self.interest.drop(&leaf.question) {
                if self.closures.get_mut(&root).is_some_and(|closure| closure.lose(leaf)) {
                    changed.insert(root);
                }
            }
        }
        changed
    }

    /// The roots for which these questions were asked.
    fn asked<'q>(&self, questions: impl Iterator<Item = &'q Question>) -> BTreeSet<Arc<Root>> {
        questions.flat_map(|question| self.interest.roots(question)).cloned().collect()
    }

    /// Objects and bindings with other contents, by the roots that have them and are not made anew.
    fn renewed<'t>(
        &self,
        touched: &'t Touched,
        anew: &BTreeSet<Arc<Root>>,
    ) -> BTreeMap<Arc<Root>, Vec<&'t Question>> {
        let mut renewed: BTreeMap<Arc<Root>, Vec<&Question>> = BTreeMap::new();
        for question in &touched.contents {
            for root in self.interest.roots(question).filter(|root| !anew.contains(*root)) {
                renewed.entry(Arc::clone(root)).or_default().push(question);
            }
        }
        renewed
    }

    /// The hosts that see what a root leads to.
    fn guests(&self, root: &Root) -> Vec<HostName> {
        match root {
            Root::Group(group) => {
                let question = Question::HostsOf(group.clone());
                let hosts = self.graph.set(&question);
                hosts.map(|id| HostName::from(id.name.as_str())).collect()
            }
            Root::Host(host) => vec![HostName::from(host.as_str())],
        }
    }

    /// Hosts that are new or changed; those that are gone are forgotten.
    fn come_and_go(&mut self, touched: &Touched) -> BTreeSet<HostName> {
        let mut new = BTreeSet::new();
        for question in touched.questions.iter().chain(&touched.contents) {
            let Question::Object(id) = question else { continue };
            if id.kind == Kind::Host {
                let host = HostName::from(id.name.as_str());
                if let Some(group) = ha_group(self.graph.get(id)) {
                    self.come(&host, group);
                    new.insert(host);
                } else {
                    self.go(&host);
                }
            }
        }
        new
    }

    /// A host is in this HA group.
    fn come(&mut self, host: &HostName, group: String) {
        let group = self.root(Root::Group(group));
        if let Some(guest) = self.hosts.get_mut(host) {
            let former = std::mem::replace(&mut guest.group, group);
            self.leave(&former);
            return;
        }
        let own = self.root(Root::Host(host.to_string()));
        let guest = Guest { group, own, concerned: 0, news: watch::Sender::default() };
        self.hosts.insert(Arc::clone(host), guest);
    }

    /// A host is gone.
    fn go(&mut self, host: &HostName) {
        let Some(Guest { group, own, .. }) = self.hosts.remove(host) else { return };
        self.drop_root(&own);
        self.leave(&group);
    }

    /// The root, with its closure.
    fn root(&mut self, root: Root) -> Arc<Root> {
        let root = Arc::new(root);
        if !self.closures.contains_key(&root) {
            self.closures.insert(Arc::clone(&root), Closure::default());
            self.make(&root);
        }
        root
    }

    /// Forgets what an HA group is to know if it has no hosts.
    fn leave(&mut self, group: &Arc<Root>) {
        if self.guests(group).is_empty() {
            self.drop_root(group);
        }
    }

    fn drop_root(&mut self, root: &Arc<Root>) {
        if let Some(closure) = self.closures.remove(root) {
            self.interest.change(root, &closure.asked, &Asked::default());
        }
    }

    fn make(&mut self, root: &Arc<Root>) {
        let Some(closure) = self.closures.get_mut(root) else { return };
        let old = std::mem::replace(closure, Closure::new(&self.graph, root));
        self.interest.change(root, &old.asked, &closure.asked);
    }

    /// Adds what is new; false if nothing is.
    fn grow(&mut self, root: &Arc<Root>, joins: &[(Question, Arc<ObjectId>)]) -> bool {
        let closure = self.closures.get_mut(root);
        let Some(asked) = closure.and_then(|closure| closure.grow(&self.graph, joins)) else { return false };
        for question in &asked {
            self.interest.ask(root, question);
        }
        true
    }
}
