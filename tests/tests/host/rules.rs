//! Compiled rules against rules asked one after the other.

use std::{cell::RefCell, collections::BTreeSet, net::IpAddr, sync::Arc};

use dvs_tests::{
    random::{self, policy, question},
    sim::{MemTables, Sim, SimPacket},
    topology::{Topology, objects},
};
use proptest::prelude::*;
use switch_common::{
    addr::ip_words,
    table::rules::{self, BLOCK, Header, Side},
    verdict::{Direction, DropReason},
};
use switch_ebpf::{
    classify::{self, Found, NONE, Seen, Subject},
    tables::Tables,
};
use switch_user::{
    agent::image::TableImage,
    classifier::{
        self,
        linear::{self, Packet, Question},
    },
    model::{RuleAction, Service, ValidPolicy, ValidRule},
};

use super::number;

/// The policy does not stand where it was compiled for.
const HEAD: u32 = 5;

/// Staged rules that were passed by.
struct Passed<'a>(&'a RefCell<Vec<u64>>);

impl Seen for Passed<'_> {
    fn staged<T: Tables>(&mut self, _: &T, id: u64, _: u64) {
        self.0.borrow_mut().push(id);
    }
}

fn tables(policy: &ValidPolicy) -> MemTables {
    let mut tables = MemTables::new(&TableImage::default());
    tables.rules = vec![rules::Row::default(); HEAD as usize];
    tables.rules.extend(classifier::compile("p", policy));
    tables
}

/// The number of the rule that the datapath finds and what it does, and the staged rules before it.
fn found(tables: &MemTables, question: &Question) -> (Found, Vec<u64>) {
    let subject = match question.packet {
        Packet::Other(ethertype) => {
            Subject { service: rules::ethertype(ethertype).into(), ..Subject::default() }
        }
        Packet::Ip { peer, protocol, source, destination } => Subject {
            family: if peer.is_ipv4() { 4 } else { 6 },
            peer: ip_words(peer),
            service: rules::service(protocol, destination).into(),
            source: source.into(),
        },
    };
    let header: &Header =
        classify::header(tables, HEAD).unwrap_or_else(|| unreachable!("the policy is there"));
    let [inward, outward] = &header.sides;
    let side: &Side = if question.direction == Direction::In { inward } else { outward };
    let passed = RefCell::default();
    let found = classify::search::<SimPacket, _, _>(tables, HEAD, side, &subject, Passed(&passed));
    (found, passed.into_inner())
}

fn expected(policy: &ValidPolicy, question: &Question) -> (Found, Vec<u64>) {
    let staged = linear::staged(policy, question);
    let staged = staged.into_iter().map(|rule| classifier::rule_id("p", rule)).collect();
    let decision = linear::decide(&[("p", policy)], question);
    let Some((name, decision)) = decision.and_then(|decision| Some((decision.rule?, decision))) else {
        return (Found { id: 0, what: NONE }, staged);
    };
    let action = match decision.action {
        RuleAction::Allow => rules::ALLOW,
        RuleAction::Drop => rules::DROP,
        RuleAction::Reject => rules::REJECT,
    };
    let what = action | if decision.log { rules::LOG } else { 0 };
    (Found { id: classifier::rule_id("p", name), what }, staged)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn compiled_rules_decide_as_rules_do_one_by_one(
        policy in policy(0..80),
        questions in prop::collection::vec(question(), 40),
    ) {
        let tables = tables(&policy);
        for question in questions {
            prop_assert_eq!(found(&tables, &question), expected(&policy, &question), "{:?}", question);
        }
    }
}

/// How many ranges of addresses, services and source ports a rule names.
fn ranges(rule: &ValidRule) -> usize {
    let services = match &rule.service {
        Service::Ports { destination, source, .. } => destination.len().max(1) + source.len(),
        Service::Any | Service::Protocol(_) | Service::Icmp { .. } | Service::Ethertype(_) => 1,
    };
    rule.peer.as_ref().map_or(0, |prefixes| prefixes.len()) + services
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn a_policy_has_no_more_rows_than_its_rules_can_have(policy in policy(0..80)) {
        let most = classifier::most_rows(policy.rules.len(), policy.rules.iter().map(ranges).sum());
        prop_assert!(classifier::compile("p", &policy).len() <= most);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]
    #[test]
    fn so_do_rules_of_several_blocks(
        policy in policy(3 * BLOCK..5 * BLOCK),
        questions in prop::collection::vec(question(), 400),
    ) {
        let mut policy = policy;
        // As many as there may be: the first ones.
        let mut staged = [0; 2];
        for rule in &mut policy.rules {
            let count = &mut staged[usize::from(rule.direction == Direction::In)];
            rule.staged &= *count < rules::MAX_STAGED;
            *count += usize::from(rule.staged);
        }
        let most = classifier::most_rows(policy.rules.len(), policy.rules.iter().map(ranges).sum());
        prop_assert!(classifier::compile("p", &policy).len() <= most);
        let tables = tables(&policy);
        for question in questions {
            prop_assert_eq!(found(&tables, &question), expected(&policy, &question), "{:?}", question);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn packets_pass_as_rules_say((desired, questions) in random::firewall(1..4, 0..40)) {
        let topology = Topology::of(&desired, number);
        for question in questions {
            let (from, frame) = random::packet(&question);
            let sim = Sim::new(&topology);
            let fate = sim.fate(from, &frame, 0);
            let told = random::told(&desired, &question);
            prop_assert_eq!(random::reason(&fate), told.reason, "{:?}: {:?}", question, fate);
            if let Some(rejected) = told.rejected {
                prop_assert_eq!(random::is_rejected(&fate), rejected, "{:?}: {:?}", question, fate);
            }
            prop_assert_eq!(random::hits(&topology, sim.tables.hits.keys()), told.hits, "{:?}", question);
        }
    }
}

fn ip(peer: impl Into<IpAddr>, protocol: u8) -> Question {
    let packet = Packet::Ip { peer: peer.into(), protocol, source: 0, destination: 0 };
    Question { direction: Direction::In, packet }
}

#[test]
fn a_rule_for_addresses_of_one_family_is_none_for_the_other() {
    for (prefix, inside, outside) in [("fd00::/8", "fd00::7", "::"), ("10.0.0.0/8", "10.0.0.7", "0.0.0.0")] {
        let rule = ValidRule {
            name: "r0".into(),
            priority: 0,
            direction: Direction::In,
            action: RuleAction::Allow,
            peer: Some(Arc::new(vec![prefix.parse().unwrap()])),
            service: Service::Any,
            log: false,
            staged: false,
        };
        let policy =
            ValidPolicy { tier: 0, default: RuleAction::Drop, stateful: true, log: false, rules: vec![rule] };
        let tables = tables(&policy);
        for (peer, known) in [(inside, true), (outside, false), ("192.0.2.1", false), ("2001:db8::1", false)]
        {
            for protocol in [0, 6, 255] {
                let question = ip(peer.parse::<IpAddr>().unwrap(), protocol);
                assert_eq!(found(&tables, &question).0.what != NONE, known, "{question:?}");
                assert_eq!(found(&tables, &question), expected(&policy, &question), "{question:?}");
            }
        }
    }
}

#[test]
fn a_policy_without_rules_has_its_default() {
    for (default, reason) in
        [("allow", None), ("drop", Some(DropReason::PolicyIn)), ("reject", Some(DropReason::PolicyIn))]
    {
        let policy =
            format!("- {{apiVersion: dvs/v1, kind: Policy, name: p0, appliesTo: here, default: {default}}}");
        let desired = objects(&format!("{}{policy}", random::PORTS));
        let topology = Topology::of(&desired, number);
        for question in
            [ip([10, 0, 0, 7], 0), ip([0xfd00, 0, 0, 0, 0, 0, 0, 7], 6), ip([0; 4], 17), ip([0_u16; 8], 255)]
        {
            let (from, frame) = random::packet(&question);
            let sim = Sim::new(&topology);
            assert_eq!(random::reason(&sim.fate(from, &frame, 0)), reason, "{default} {question:?}");
            let counted = random::hits(&topology, sim.tables.hits.keys());
            assert_eq!(counted, BTreeSet::from([classifier::default_id("p0", Direction::In)]));
        }
    }
}

/// Rules that nothing but the last one matches: the search passes all blocks.
#[test]
fn the_last_of_many_rules_is_found() {
    let rule = |number: u16| ValidRule {
        name: format!("r{number}"),
        priority: number.into(),
        direction: Direction::In,
        action: RuleAction::Allow,
        peer: None,
        service: Service::Ports { protocol: 6, destination: vec![number..=number], source: vec![] },
        log: false,
        staged: false,
    };
    let rules: Vec<ValidRule> = (0..u16::try_from(rules::MAX_RULES).unwrap()).map(rule).collect();
    let last = u16::try_from(rules.len()).unwrap() - 1;
    let policy = ValidPolicy { tier: 0, default: RuleAction::Drop, stateful: true, log: false, rules };
    let tables = tables(&policy);
    for destination in [0, last, last + 1] {
        let packet = Packet::Ip { peer: [10, 0, 0, 1].into(), protocol: 6, source: 1, destination };
        let question = Question { direction: Direction::In, packet };
        assert_eq!(found(&tables, &question), expected(&policy, &question), "{destination}");
    }
}
