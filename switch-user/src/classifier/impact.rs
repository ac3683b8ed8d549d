//! What another configuration would do to connections that are there.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    net::IpAddr,
};

use switch_common::verdict::Direction;

use super::{
    ask::{self, Connection},
    linear::{self, Decision, Packet, Question},
};
use crate::model::{RuleAction, Service, ValidPolicy, Validated};

/// Two configurations, of which the second is not in force yet.
pub struct Impact<'a> {
    before: Side<'a>,
    after: Side<'a>,
    /// Ports that would ask other rules than they do.
    concerned: BTreeSet<&'a str>,
}

impl<'a> Impact<'a> {
    /// The impact of `after`, where `before` is in force.
    pub fn new(before: &'a Validated, after: &'a Validated) -> Self {
        let changed =
            after.policies.iter().filter(|(name, policy)| before.policies.get(*name) != Some(*policy));
        let changed: BTreeSet<&str> = changed.map(|(name, _)| name.as_str()).collect();
        let concerned = after.ports.iter().filter(|(name, port)| {
            before.ports.get(*name).is_none_or(|former| former.policies != port.policies)
                || port.policies.iter().any(|policy| changed.contains(policy.as_str()))
        });
        let concerned = concerned.map(|(name, _)| name.as_str()).collect();
        Self { before: Side::new(before), after: Side::new(after), concerned }
    }

    /// The ports that would ask other rules than they do. Only their connections can be cut.
    pub fn ports(&self) -> &BTreeSet<&'a str> {
        &self.concerned
    }

    /// The port that would refuse a connection which passes now, and what decides there. Where no state is
    /// kept, its answers are asked for too, if there were any.
    pub fn cut<'c>(
        &mut self,
        connection: &Connection<'c>,
        answered: bool,
    ) -> Option<(&'c str, Decision<'a>)> {
        let answers = connection.answers().map(|(_, answer)| answer);
        let ends = connection.questions().zip(answers);
        let ends: Vec<_> =
            ends.map(|((port, question), answer)| (port, question, answered.then_some(answer))).collect();
        let concerned = ends.iter().filter(|(port, ..)| self.concerned.contains(port));
        let refused = concerned.copied().find_map(|(port, question, answer)| {
            Some((port, self.after.refusal(port, &question, answer)?))
        })?;
        let passes = ends
            .into_iter()
            .all(|(port, question, answer)| self.before.refusal(port, &question, answer).is_none());
        passes.then_some(refused)
    }
}

/// One of the configurations.
struct Side<'a> {
    valid: &'a Validated,
    /// By the names of their policies: many ports have the same.
    chains: BTreeMap<&'a [String], Chain<'a>>,
}

impl<'a> Side<'a> {
    const fn new(valid: &'a Validated) -> Self {
        Self { valid, chains: BTreeMap::new() }
    }

    /// What refuses a packet at a port, or the answer to it if no state is kept.
    fn refusal(&mut self, port: &str, question: &Question, answer: Option<Question>) -> Option<Decision<'a>> {
        let valid = self.valid;
        let names = &valid.ports.get(port)?.policies;
        let chain = self.chains.entry(names).or_insert_with(|| Chain::new(ask::chain(valid, port)));
        let refuses = |decision: &Decision<'_>| decision.action != RuleAction::Allow;
        let decision = chain.decide(question)?;
        if refuses(&decision) {
            return Some(decision);
        }
        let answer = answer.filter(|_| !decision.stateful)?;
        chain.decide(&answer).filter(refuses)
    }
}

/// What tells questions of a chain apart: direction, peer, protocol, ports.
type Key = (bool, IpAddr, u8, u16, u16);

/// The policies of a port. Rules are asked one by one, and there may be thousands, so what they have
/// answered is kept.
struct Chain<'a> {
    policies: Vec<(&'a str, &'a ValidPolicy)>,
    /// A rule asks for source ports, of which each connection has another one.
    sources: bool,
    known: HashMap<Key, Option<Decision<'a>>>,
}

impl<'a> Chain<'a> {
    fn new(policies: Vec<(&'a str, &'a ValidPolicy)>) -> Self {
        let rules = policies.iter().flat_map(|(_, policy)| &policy.rules);
        let mut services = rules.map(|rule| &rule.service);
        let sources =
            services.any(|service| matches!(service, Service::Ports { source, .. } if !source.is_empty()));
        Self { policies, sources, known: HashMap::new() }
    }

    fn decide(&mut self, question: &Question) -> Option<Decision<'a>> {
        let Packet::Ip { peer, protocol, source, destination } = question.packet else {
            return linear::decide(&self.policies, question);
        };
        let source = if self.sources { source } else { 0 };
        let key = (question.direction == Direction::In, peer, protocol, source, destination);
        match self.known.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown.insert(linear::decide(&self.policies, question)),
        }
    }
}
