//! What the ways from a root lead to.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::{
    content::{Content, Found},
    graph::{Entry, Graph, Question},
    ways::{Role, Root, Step, Target},
};
use crate::model::{Labels, Object, ObjectId};

/// What was asked.
pub(super) type Asked = HashSet<Arc<Question>>;

/// Everything that ways from a root lead to, and how that was found.
#[derive(Debug, Default)]
pub(super) struct Closure {
    pub(super) content: Arc<Content>,
    pub(super) asked: Asked,
    /// Objects and what they are in the view for, as a set of bits.
    seen: HashMap<Arc<ObjectId>, u8>,
}

impl Closure {
    /// Follows all ways.
    pub(super) fn new(graph: &Graph, root: &Root) -> Self {
        let mut closure = Self::default();
        let mut walk = Walk::new(graph, None, &mut closure);
        for step in root.ways() {
            walk.step(&step, None);
        }
        walk.finish();
        closure
    }

    /// Follows the ways to what answers questions besides; returns what was asked for that, or `None` if it makes
    /// no difference.
    pub(super) fn grow(
        &mut self,
        graph: &Graph,
        joins: &[(Question, Arc<ObjectId>)],
    ) -> Option<Vec<Arc<Question>>> {
        let mut walk = Walk::new(graph, None, self);
        for (question, id) in joins {
            if walk.closure.asked.contains(question) {
                walk.join(question, id);
            }
        }
        walk.finish()
    }

    /// What would be in it besides if these ports belonged to the HA group.
    pub(super) fn besides(&self, graph: &Graph, ports: &[ObjectId]) -> Arc<Content> {
        let mut more = Self::default();
        let mut walk = Walk::new(graph, Some(self), &mut more);
        for port in ports {
            walk.visit(port, Role::Whole);
        }
        walk.finish();
        more.content
    }

    /// Exchanges the contents of objects and bindings where no way has changed.
    pub(super) fn renew(&mut self, graph: &Graph, questions: &[&Question]) {
        let content = Arc::make_mut(&mut self.content);
        for question in questions {
            if let Question::Object(id) = question {
                content.renew(graph, id);
            } else if let Question::Binding(port) = question {
                content.rebind(graph, port);
            }
        }
    }

    /// Loses an object that leads nowhere else; false if it has not got it.
    pub(super) fn lose(&mut self, leaf: &Entry) -> bool {
        self.asked.remove(&leaf.question);
        self.seen.remove(&leaf.id);
        self.content.has(&leaf.id) && {
            Arc::make_mut(&mut self.content).remove(&leaf.id);
            true
        }
    }

    fn is(&self, id: &ObjectId, roles: &[Role]) -> bool {
        let known = self.roles(id);
        roles.iter().any(|role| known & bit(*role) != 0)
    }

    /// What an object is in it for.
    fn roles(&self, id: &ObjectId) -> u8 {
        self.seen.get(id).copied().unwrap_or_default()
    }
}

const fn bit(role: Role) -> u8 {
    1 << role as u8
}

struct Walk<'w> {
    graph: &'w Graph,
    /// What is known already is not found.
    known: Option<&'w Closure>,
    closure: &'w mut Closure,
    /// What is found.
    found: Found,
    /// What is asked that was not asked before.
    asked: Vec<Arc<Question>>,
    todo: Vec<(Arc<Entry>, Role)>,
}

impl<'w> Walk<'w> {
    fn new(graph: &'w Graph, known: Option<&'w Closure>, closure: &'w mut Closure) -> Self {
        Self { graph, known, closure, found: Found::default(), asked: Vec::new(), todo: Vec::new() }
    }

    /// Goes to the end, and puts what was found into the content; returns what was asked, or `None` if there is
    /// nothing new at all.
    fn finish(mut self) -> Option<Vec<Arc<Question>>> {
        while let Some((entry, role)) = self.todo.pop() {
            for step in entry.ways.iter().filter(|step| step.when == role) {
                self.step(step, Some(&entry.document.object));
            }
        }
        if !self.found.is_empty() {
            Arc::make_mut(&mut self.closure.content).add(self.found);
        } else if self.asked.is_empty() {
            return None;
        }
        Some(self.asked)
    }

    fn step(&mut self, step: &Step, from: Option<&Object>) {
        match &step.to {
            Target::One(question) => self.follow(question, step.role),
            Target::All(questions) => self.follow_all(questions, step.role),
            Target::Selecting(question) => {
                if let Some(Object::Port(port)) = from {
                    self.select(question, &port.label, step.role);
                }
            }
        }
    }

    fn ask(&mut self, question: &Arc<Question>) {
        if self.closure.asked.insert(Arc::clone(question)) {
            self.asked.push(Arc::clone(question));
        }
    }

    fn follow(&mut self, question: &Arc<Question>, role: Role) {
        if let Question::Object(id) = &**question {
            self.visit(id, role);
            return;
        }
        self.ask(question);
        let graph = self.graph;
        for id in graph.set(question) {
            self.visit(id, role);
        }
    }

    /// Follows the way to what answers all questions.
    fn follow_all(&mut self, questions: &[Arc<Question>], role: Role) {
        for question in questions {
            self.ask(question);
        }
        for id in self.graph.common(questions) {
            self.visit(id, role);
        }
    }

    /// Follows the way to the groups that select these labels.
    fn select(&mut self, question: &Arc<Question>, labels: &Labels, role: Role) {
        self.ask(question);
        let graph = self.graph;
        for id in graph.set(question) {
            let Some(entry) = graph.get(id) else { continue };
            self.ask(&entry.question);
            if selects(entry, labels) {
                self.visit(id, role);
            }
        }
    }

    /// Follows the way to one that answers a question since a moment ago.
    fn join(&mut self, question: &Question, id: &ObjectId) {
        match question {
            Question::Binding(_) => self.put(id),
            Question::PortsWith(..) => self.join_members(id),
            Question::GroupsSelecting(..) => self.join_selecting(id),
            Question::Object(_)
            | Question::HostsOf(_)
            | Question::PortsOf(_)
            | Question::Underlays
            | Question::PortsIn(_)
            | Question::UplinksOf(_)
            | Question::NetworksIn(_)
            | Question::NetworksOf(_)
            | Question::RoutesOf(_)
            | Question::GroupsListing(_)
            | Question::GroupsWith(_)
            | Question::PoliciesOf(_)
            | Question::RulesOf(_) => self.visit(id, question.role()),
        }
    }

    /// A port has a place.
    fn put(&mut self, id: &ObjectId) {
        let Some(entry) = self.graph.get(id) else { return };
        if self.closure.is(id, &[Role::Whole, Role::Placed]) {
            self.place(entry, false);
        }
        if self.closure.is(id, &[Role::Placed]) {
            self.visit(id, Role::Named);
        }
    }

    /// A port is a member of the groups that select its labels, of which those matter that are needed as a whole.
    fn join_members(&mut self, id: &ObjectId) {
        let Some(Object::Port(port)) = self.graph.get(id).map(|entry| &entry.document.object) else { return };
        let graph = self.graph;
        let first = |(key, value): (&str, &str)| Question::GroupsSelecting(key.to_owned(), value.to_owned());
        let is_member = port.label.iter().map(first).any(|question| {
            let mut groups = graph.set(&question).filter(|group| self.closure.is(group, &[Role::Whole]));
            groups.any(|group| graph.get(group).is_some_and(|group| selects(group, &port.label)))
        });
        if is_member {
            self.visit(id, Role::Named);
        }
    }

    /// A group applies if it selects ports that are needed as a whole.
    fn join_selecting(&mut self, id: &ObjectId) {
        let Some(entry) = self.graph.get(id) else { return };
        self.ask(&entry.question);
        let Object::Group(group) = &entry.document.object else { return };
        let labels = group.selector.iter();
        let labels: Vec<Arc<Question>> =
            labels.map(|(key, value)| Arc::new(Question::PortsWith(key.clone(), value.clone()))).collect();
        if self.graph.common(&labels).any(|port| self.closure.is(port, &[Role::Whole])) {
            self.visit(id, Role::Applied);
        }
    }

    fn visit(&mut self, id: &ObjectId, role: Role) {
        let Some(entry) = self.graph.get(id) else {
            // It may come.
            self.ask(&Arc::new(Question::Object(id.clone())));
            return;
        };
        let known = self.known.map_or(0, |known| known.roles(id));
        let roles = self.closure.seen.entry(Arc::clone(&entry.id)).or_insert(known);
        if *roles & bit(role) != 0 {
            return;
        }
        let first = *roles == 0;
        let placed = *roles & (bit(Role::Whole) | bit(Role::Placed)) != 0;
        *roles |= bit(role);
        if first {
            self.ask(&entry.question);
        }
        self.todo.push((Arc::clone(entry), role));
        match role {
            Role::Named => self.found.entries.push(Arc::clone(entry)),
            Role::Whole => {
                self.visit(&entry.id, Role::Named);
                self.place(entry, placed);
            }
            Role::Applied => {}
            Role::Placed => {
                if self.place(entry, placed) {
                    self.visit(&entry.id, Role::Named);
                }
            }
        }
    }

    /// A port is in the view with its place, once; false if it has none.
    fn place(&mut self, entry: &Arc<Entry>, known: bool) -> bool {
        let Some(place) = &entry.place else { return false };
        self.ask(place);
        let Some(binding) = self.graph.binding(&entry.id.name) else { return false };
        if !known {
            self.found.bindings.push((Arc::clone(&entry.id), Arc::clone(binding)));
        }
        true
    }
}

/// True for a group whose selector selects these labels.
fn selects(entry: &Entry, labels: &Labels) -> bool {
    let Object::Group(group) = &entry.document.object else { return false };
    labels.are_selected_by(&group.selector)
}
