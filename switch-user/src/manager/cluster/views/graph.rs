//! All objects and bindings, with the ways from one to others: what views are made of.
//!
//! A view is the answers to questions, starting with one about the host. So a change can only touch the views
//! whose host has asked something that has another answer afterwards.

use std::{collections::BTreeSet, sync::Arc};

use foldhash::{HashMap, HashSet};

use super::{
    BindingChange,
    ways::{Role, Step, found_by, ways},
};
use crate::{
    api::Binding,
    model::{Document, Kind, Object, ObjectId},
};

/// A question about the whole. The answers to all but the first two are sets of objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Question {
    /// Which ways lead on from this object?
    Object(ObjectId),
    /// Where is this port?
    Binding(String),
    /// Hosts of this HA group.
    HostsOf(String),
    /// Ports that are bound to hosts of this HA group, or are to go there.
    PortsOf(String),
    /// Hosts that tunnels can lead to.
    Underlays,
    /// Ports of this network.
    PortsIn(String),
    /// Uplinks of this host alone, or of all hosts.
    UplinksOf(Option<String>),
    /// Networks with this VLAN.
    NetworksIn(u32),
    /// Networks of this router.
    NetworksOf(String),
    /// Routes of this router.
    RoutesOf(String),
    /// Groups that list this port.
    GroupsListing(String),
    /// Groups whose selector has this label first.
    GroupsSelecting(String, String),
    /// Groups that this group is in.
    GroupsWith(String),
    /// Ports with this label.
    PortsWith(String, String),
    /// Policies of this group.
    PoliciesOf(String),
    /// Rules of this policy.
    RulesOf(String),
}

impl Question {
    /// What the objects of a set are in a view for whose host has asked for it; of some sets those only that have
    /// more in common with something else in the view.
    pub(super) fn role(&self) -> Role {
        match self {
            Self::HostsOf(_)
            | Self::Underlays
            | Self::UplinksOf(_)
            | Self::PortsWith(..)
            | Self::Object(_)
            | Self::Binding(_) => Role::Named,
            Self::PortsIn(_) => Role::Placed,
            Self::GroupsListing(_) | Self::GroupsSelecting(..) | Self::GroupsWith(_) => Role::Applied,
            Self::PortsOf(_)
            | Self::NetworksIn(_)
            | Self::NetworksOf(_)
            | Self::RoutesOf(_)
            | Self::PoliciesOf(_)
            | Self::RulesOf(_) => Role::Whole,
        }
    }

    /// The question about an object.
    pub(super) fn object(kind: Kind, name: impl Into<String>) -> Self {
        Self::Object(ObjectId::new(kind, name))
    }
}

/// An object, and where it leads.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: Arc<ObjectId>,
    /// The question about it, and the one where it is if it is a port: shared by all who ask.
    pub(super) question: Arc<Question>,
    pub(super) place: Option<Arc<Question>>,
    pub(super) document: Document,
    pub(super) ways: Vec<Step>,
}

impl Entry {
    fn new(object: Object, mut share: impl FnMut(&mut Arc<Question>)) -> Self {
        let mut ways = ways(&object);
        ways.iter_mut().flat_map(Step::questions).for_each(&mut share);
        let id = object.id();
        let place = (id.kind == Kind::Port).then(|| Arc::new(Question::Binding(id.name.clone())));
        let question = Arc::new(Question::Object(id.clone()));
        Self { id: Arc::new(id), question, place, document: object.document(), ways }
    }
}

impl Entry {
    /// The device that a port names.
    fn device(&self) -> Option<(String, Arc<ObjectId>)> {
        let Object::Port(port) = &self.document.object else { return None };
        Some((port.device.clone()?, Arc::clone(&self.id)))
    }

    /// True for an object that nobody names, and that leads only to what it was found by: a route to its router, and
    /// a rule to its policy unless it has a group of peers.
    fn is_leaf(&self) -> bool {
        match &self.document.object {
            Object::Route(_) => true,
            Object::Rule(rule) => rule.peer.group().is_none(),
            Object::Switch(_)
            | Object::Router(_)
            | Object::Network(_)
            | Object::Host(_)
            | Object::Uplink(_)
            | Object::Port(_)
            | Object::Group(_)
            | Object::Policy(_) => false,
        }
    }
}

/// What a change touches.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Questions with other answers: views are made anew where they were asked.
    pub(super) questions: HashSet<Question>,
    /// Questions with one answer more, with that answer: views grow where they were asked. Of a port's place this is
    /// the port that has one.
    pub(super) joins: Vec<(Question, Arc<ObjectId>)>,
    /// Objects that are gone and led nowhere else than back: views lose them, and nothing besides.
    pub(super) leaves: Vec<Arc<Entry>>,
    /// Objects and bindings whose content alone is another one, which changes no way.
    pub(super) contents: HashSet<Question>,
}

/// Where a port is, and since when.
#[derive(Debug)]
struct Placed {
    binding: Arc<Binding>,
    /// Number of the change of bindings that put it there, or of a later one.
    number: u64,
    /// HA groups that may have it, each once: that of its host, and that of the host that it is to go to.
    groups: Vec<String>,
}

/// All objects and bindings.
#[derive(Debug, Default)]
pub(super) struct Graph {
    objects: HashMap<Arc<ObjectId>, Arc<Entry>>,
    sets: HashMap<Arc<Question>, BTreeSet<Arc<ObjectId>>>,
    bindings: HashMap<String, Placed>,
    /// Devices, each with the ports that name it.
    devices: BTreeSet<(String, Arc<ObjectId>)>,
    /// Ports that are bound to a host.
    bound: HashMap<String, BTreeSet<String>>,
    /// Ports that are to go elsewhere.
    planned: BTreeSet<String>,
    /// Ports that are bound and do not exist.
    orphans: BTreeSet<String>,
}

impl Graph {
    /// An object.
    pub(super) fn get(&self, id: &ObjectId) -> Option<&Arc<Entry>> {
        self.objects.get(id)
    }

    /// Kinds and names of all objects.
    pub(super) fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.objects.keys().map(|id| &**id)
    }

    /// The objects that answer a question.
    pub(super) fn set(&self, question: &Question) -> impl Iterator<Item = &Arc<ObjectId>> {
        self.sets.get(question).into_iter().flatten()
    }

    /// How many objects answer a question.
    fn size(&self, question: &Question) -> usize {
        self.sets.get(question).map_or(0, BTreeSet::len)
    }

    /// The objects that answer all of these questions; none without a question.
    pub(super) fn common(&self, questions: &[Arc<Question>]) -> impl Iterator<Item = &Arc<ObjectId>> {
        let fewest = questions.iter().min_by_key(|question| self.size(question));
        let fewest = fewest.into_iter().flat_map(|question| self.set(question));
        fewest.filter(|id| questions.iter().all(|question| self.answers(id, question)))
    }

    /// True if the object answers the question.
    fn answers(&self, id: &ObjectId, question: &Question) -> bool {
        self.sets.get(question).is_some_and(|set| set.contains(id))
    }

    /// Where a port is.
    pub(super) fn binding(&self, port: &str) -> Option<&Arc<Binding>> {
        self.bindings.get(port).map(|placed| &placed.binding)
    }

    /// Whoever knows the bindings of this number knows where the port is; 0 if it is nowhere.
    pub(super) fn binding_number(&self, port: &str) -> u64 {
        self.bindings.get(port).map_or(0, |placed| placed.number)
    }

    /// All bindings, those of ports that are gone among them.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (&String, &Arc<Binding>)> {
        self.bindings.iter().map(|(port, placed)| (port, &placed.binding))
    }

    /// The ports that name a device.
    pub(super) fn ports_for(&self, device: &str) -> impl Iterator<Item = &Arc<ObjectId>> {
        let first = (device.to_owned(), Arc::new(ObjectId::new(Kind::Port, "")));
        let from = self.devices.range(first..);
        from.take_while(move |(other, _)| other == device).map(|(_, port)| port)
    }

    /// The ports that are bound to a host.
    pub(super) fn bound(&self, host: &str) -> impl Iterator<Item = &String> {
        self.bound.get(host).into_iter().flatten()
    }

    /// The ports that are to go elsewhere.
    pub(super) fn planned(&self) -> impl Iterator<Item = &String> {
        self.planned.iter()
    }

    /// The ports that are bound and do not exist.
    pub(super) fn orphans(&self) -> impl Iterator<Item = &String> {
        self.orphans.iter()
    }

    /// Puts an object, or removes it.
    pub(super) fn change(&mut self, id: &ObjectId, object: Option<Object>, touched: &mut Touched) {
        let new = object.map(|object| Arc::new(Entry::new(object, |question| self.share(question))));
        let old = self.objects.remove(id);
        if let Some(device) = old.as_deref().and_then(Entry::device) {
            self.devices.remove(&device);
        }
        if let Some(new) = &new {
            self.objects.insert(Arc::clone(&new.id), Arc::clone(new));
        }
        if let (Some(old), None) = (&old, &new)
            && old.is_leaf()
        {
            for question in found_by(&old.document.object) {
                self.forget(&question, id);
            }
            touched.leaves.push(Arc::clone(old));
            return;
        }
        let question = Question::Object(id.clone());
        match (&old, &new) {
            (Some(old), Some(new)) if old.ways == new.ways => drop(touched.contents.insert(question)),
            _ => drop(touched.questions.insert(question)),
        }
        let answered = |entry: &Option<Arc<Entry>>| -> BTreeSet<Question> {
            entry.iter().flat_map(|entry| found_by(&entry.document.object)).collect()
        };
        let (before, after) = (answered(&old), answered(&new));
        for question in before.difference(&after) {
            self.leave(question, id, touched);
        }
        for (question, entry) in after.difference(&before).zip(new.iter().cycle()) {
            self.join(question.clone(), Arc::clone(&entry.id), touched);
        }
        if id.kind == Kind::Host {
            self.regroup(&id.name, touched);
        }
        if id.kind == Kind::Port {
            self.adopt(&id.name);
            self.devices.extend(new.as_deref().and_then(Entry::device));
        }
    }

    /// Takes a question as it is known already, since very many ask the same.
    fn share(&self, question: &mut Arc<Question>) {
        let known = if let Question::Object(id) = &**question {
            self.get(id).map(|entry| &entry.question)
        } else {
            self.sets.get_key_value(question).map(|(known, _)| known)
        };
        if let Some(known) = known {
            *question = Arc::clone(known);
        }
    }

    /// Notes whether a port is bound that does not exist.
    fn adopt(&mut self, port: &str) {
        let exists = self.objects.contains_key(&ObjectId::new(Kind::Port, port));
        if self.bindings.contains_key(port) && !exists {
            self.orphans.insert(port.to_owned());
        } else {
            self.orphans.remove(port);
        }
    }

    /// Binds a port, or frees it, by the change of this number.
    pub(super) fn bind(&mut self, (port, binding): BindingChange, number: u64, touched: &mut Touched) {
        let port = port.as_str();
        let old = self.bindings.remove(port);
        let place = Question::Binding(port.to_owned());
        match (&old, &binding) {
            (Some(_), None) => drop(touched.questions.insert(place.clone())),
            (None, Some(_)) => touched.joins.push((place.clone(), Arc::new(ObjectId::new(Kind::Port, port)))),
            _ => {}
        }
        touched.contents.insert(place);
        if let Some(old) = &old {
            self.bound.entry(old.binding.host.clone()).or_default().remove(port);
        }
        self.planned.remove(port);
        let before = old.map(|placed| placed.groups).unwrap_or_default();
        if let Some(binding) = binding {
            self.bound.entry(binding.host.clone()).or_default().insert(port.to_owned());
            if binding.target.is_some() {
                self.planned.insert(port.to_owned());
            }
            let placed = Placed { binding: Arc::new(binding), number, groups: before.clone() };
            self.bindings.insert(port.to_owned(), placed);
        }
        self.adopt(port);
        self.move_port(port, &before, touched);
    }

    /// A host goes from one HA group to another, and its ports with it.
    fn regroup(&mut self, host: &str, touched: &mut Touched) {
        let target = |port: &String| {
            let placed = self.bindings.get(port)?;
            placed.binding.target.as_ref().filter(|target| target.host == host)
        };
        let coming = self.planned.iter().filter(|port| target(port).is_some());
        let ports: Vec<String> = self.bound(host).chain(coming).cloned().collect();
        for port in ports {
            let before = self.bindings.get(&port).map(|placed| placed.groups.clone()).unwrap_or_default();
            self.move_port(&port, &before, touched);
        }
    }

    /// A port goes from these HA groups to those of its binding.
    fn move_port(&mut self, port: &str, before: &[String], touched: &mut Touched) {
        let after = self.bindings.get(port).map(|placed| self.groups(&placed.binding)).unwrap_or_default();
        let id = ObjectId::new(Kind::Port, port);
        for group in before.iter().filter(|group| !after.contains(group)) {
            self.leave(&Question::PortsOf(group.clone()), &id, touched);
        }
        for group in after.iter().filter(|group| !before.contains(group)) {
            self.join(Question::PortsOf(group.clone()), Arc::new(id.clone()), touched);
        }
        if let Some(placed) = self.bindings.get_mut(port) {
            placed.groups = after;
        }
    }

    /// The HA groups that may have a port with this binding.
    fn groups(&self, binding: &Binding) -> Vec<String> {
        let group = |host: &String| ha_group(self.get(&ObjectId::new(Kind::Host, host)));
        let target = binding.target.as_ref().and_then(|target| group(&target.host));
        let own = group(&binding.host).filter(|own| target.as_ref() != Some(own));
        own.into_iter().chain(target).collect()
    }

    fn join(&mut self, question: Question, id: Arc<ObjectId>, touched: &mut Touched) {
        touched.joins.push((question.clone(), Arc::clone(&id)));
        if let Some(set) = self.sets.get_mut(&question) {
            set.insert(id);
        } else {
            self.sets.insert(Arc::new(question), BTreeSet::from([id]));
        }
    }

    fn leave(&mut self, question: &Question, id: &ObjectId, touched: &mut Touched) {
        touched.questions.insert(question.clone());
        self.forget(question, id);
    }

    fn forget(&mut self, question: &Question, id: &ObjectId) {
        if let Some(set) = self.sets.get_mut(question) {
            set.remove(id);
            if set.is_empty() {
                self.sets.remove(question);
            }
        }
    }
}

/// The HA group of a host.
pub(super) fn ha_group(entry: Option<&Arc<Entry>>) -> Option<String> {
    if let Object::Host(host) = &entry?.document.object { Some(host.ha_group.clone()) } else { None }
}
