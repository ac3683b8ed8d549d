//! The view of a host: everything that the ways from it lead to.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    graph::{Entry, Graph, Question},
    ways::{Role, Step, Target},
};
use crate::{
    api::Binding,
    model::{Kind, Object, ObjectId},
};

/// What a host is to know. Copied often and changed seldom, so it is in lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    /// Objects by kind and name.
    pub(super) entries: Vec<Arc<Entry>>,
    /// Bindings of the ports that the host has or may take over, by the ports' names.
    pub(super) bindings: Vec<(Arc<ObjectId>, Arc<Binding>)>,
}

impl Content {
    /// Takes the object as it is in the graph.
    pub(super) fn renew(&mut self, graph: &Graph, id: &ObjectId) {
        let place = self.entries.binary_search_by(|entry| (*entry.id).cmp(id));
        if let (Ok(place), Some(entry)) = (place, graph.get(id)) {
            self.entries[place] = Arc::clone(entry);
        }
    }

    /// Takes the binding of a port as it is in the graph.
    pub(super) fn rebind(&mut self, graph: &Graph, port: &str) {
        let id = ObjectId::new(Kind::Port, port);
        let place = self.bindings.binary_search_by(|(port, _)| (**port).cmp(&id));
        match (place, graph.binding(port)) {
            (Ok(place), Some(binding)) => self.bindings[place].1 = Arc::clone(binding),
            (Ok(place), None) => drop(self.bindings.remove(place)),
            (Err(place), Some(binding)) => self.bindings.insert(place, (Arc::new(id), Arc::clone(binding))),
            (Err(_), None) => {}
        }
    }
}

/// What a view was made from.
pub(super) type Asked = HashSet<Arc<Question>>;

/// Makes the view of a host; says what was asked for it.
pub(super) fn closure(graph: &Graph, host: &str) -> (Content, Asked) {
    let mut walk = Walk {
        graph,
        content: Content::default(),
        asked: Asked::new(),
        seen: HashMap::new(),
        todo: Vec::new(),
    };
    walk.visit(&ObjectId::new(Kind::Host, host), Role::Whole);
    while let Some((entry, role)) = walk.todo.pop() {
        for step in entry.ways.iter().filter(|step| step.when == role) {
            walk.step(step);
        }
    }
    let Walk { mut content, asked, .. } = walk;
    content.entries.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    content.bindings.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    (content, asked)
}

struct Walk<'g> {
    graph: &'g Graph,
    content: Content,
    asked: Asked,
    /// Objects and what they are in the view for, as a set of bits.
    seen: HashMap<Arc<ObjectId>, u8>,
    todo: Vec<(Arc<Entry>, Role)>,
}

impl Walk<'_> {
    fn step(&mut self, step: &Step) {
        match &step.to {
            Target::One(question) => self.follow(question, step.role),
            Target::All(questions) => self.follow_all(questions, step.role),
            Target::Selecting(question, labels) => self.select(question, labels, step.role),
        }
    }

    fn ask(&mut self, question: &Arc<Question>) {
        self.asked.insert(Arc::clone(question));
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
        let graph = self.graph;
        let Some(fewest) = questions.iter().min_by_key(|question| graph.size(question)) else { return };
        let ids = graph.set(fewest).filter(|id| questions.iter().all(|question| graph.answers(id, question)));
        for id in ids {
            self.visit(id, role);
        }
    }

    /// Follows the way to the groups that select these labels.
    fn select(&mut self, question: &Arc<Question>, labels: &BTreeMap<String, String>, role: Role) {
        self.ask(question);
        let graph = self.graph;
        for id in graph.set(question) {
            let Some(entry) = graph.get(id) else { continue };
            self.ask(&entry.question);
            let Object::Group(group) = &entry.document.object else { continue };
            if group.selector.iter().all(|(key, value)| labels.get(key) == Some(value)) {
                self.visit(id, role);
            }
        }
    }

    fn visit(&mut self, id: &ObjectId, role: Role) {
        let Some(entry) = self.graph.get(id) else {
            // It may come.
            self.ask(&Arc::new(Question::Object(id.clone())));
            return;
        };
        let roles = self.seen.entry(Arc::clone(&entry.id)).or_default();
        let bit = |role: Role| 1 << role as u8;
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
            Role::Named => self.content.entries.push(Arc::clone(entry)),
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
            self.content.bindings.push((Arc::clone(&entry.id), Arc::clone(binding)));
        }
        true
    }
}
