//! Firewalls: what is planned, and the order in which it changes.

use std::collections::BTreeSet;

use switch_common::{table::port::Port, verdict::Direction};

use super::*;
use crate::{
    agent::{
        dataplane::Dataplane,
        diff::diff,
        image::{Holder, Routes, TableImage},
        slots,
    },
    classifier::{compile, fits},
    model::{RuleAction, Service, ValidPolicy, ValidRule},
};

type Policies = BTreeMap<String, Arc<ValidPolicy>>;

fn policy(default: RuleAction, priority: u32) -> Arc<ValidPolicy> {
    let rule = ValidRule {
        name: priority.to_string(),
        priority,
        direction: Direction::In,
        action: RuleAction::Allow,
        peer: None,
        service: Service::Any,
        log: false,
        staged: false,
    };
    Arc::new(ValidPolicy { tier: 100, default, stateful: true, log: false, rules: vec![rule] })
}

/// Policies `f0` to `f3`, of which there are many versions.
pub(super) fn policies() -> impl Strategy<Value = Policies> {
    let default = prop_oneof![Just(RuleAction::Allow), Just(RuleAction::Drop), Just(RuleAction::Reject)];
    collection::vec((default, 1u32..4), 4).prop_map(|policies| {
        let policies = policies.into_iter().enumerate();
        policies.map(|(number, (default, rule))| (format!("f{number}"), policy(default, rule))).collect()
    })
}

/// The policies of a port: some of those.
pub(super) fn chain() -> impl Strategy<Value = Vec<String>> {
    subsequence(vec![0, 1, 2, 3], 0..=3)
        .prop_map(|numbers: Vec<u8>| numbers.into_iter().map(|number| format!("f{number}")).collect())
}

/// Slots that a row names.
fn named(row: &Port) -> BTreeSet<u32> {
    row.policies.iter().copied().chain([row.fallback]).filter(|slot| *slot != 0).map(u32::from).collect()
}

/// A port with a firewall names policies, and policies that are there; and the datapath asks for it.
fn assert_sound(fake: &Fake, seen: &str) {
    for (ifindex, row) in &fake.ports {
        let named = named(row);
        assert_eq!(row.is(port::FIREWALL), !named.is_empty(), "{ifindex} {seen}");
        assert!(!row.is(port::FIREWALL) || fake.config.firewalls == 1, "{ifindex} {seen}");
        assert!(named.iter().all(|slot| fake.policies.contains_key(slot)), "{ifindex} {seen}");
    }
}

/// A port whose frames can come to one with a firewall is tracked, once the network is flooded to both.
fn assert_tracked(image: &TableImage) {
    let networks = |row: &Port| -> BTreeSet<u16> {
        (1..4095).filter(|vlan| row.form(*vlan) != port::Form::Absent).collect()
    };
    let guarded = image.ports.values().filter(|row| row.is(port::FIREWALL));
    let guarded: BTreeSet<u16> = guarded.flat_map(&networks).collect();
    for row in image.ports.values() {
        assert_eq!(row.is(port::TRACKED), !networks(row).is_disjoint(&guarded));
    }
}

proptest! {
    /// Whatever the agent has done when it dies, ports with a firewall have their policies.
    #[test]
    fn a_port_never_names_a_policy_that_is_missing(
        steps in collection::vec(step(), 1..4),
        faults in collection::vec(any::<bool>(), 0..30),
    ) {
        let mut fake = Fake::default();
        for step in steps {
            // Tables of another size come with programs of their own, which are not attached yet.
            let desired = Arc::new(Validated { rule_capacity: 1024, ..Validated::clone(&step.desired) });
            fake.prepare(crate::agent::dataplane::Sizes::of(&desired)).unwrap();
            let now = fake.observe(&step.facts, &Routes::default()).unwrap();
            let mut reconciler = Reconciler::new(fake.clone(), HOST);
            let image = reconciler.reconcile(&desired, &step.facts).plan.image;
            assert_tracked(&image);
            for op in diff(&now, &image) {
                // Hooks may refuse: what matters here are the tables.
                drop(fake.apply(&op, &step.facts));
                assert_sound(&fake, &op.to_string());
            }
            let mut reconciler = Reconciler::new(std::mem::take(&mut fake), HOST);
            reconciler.dataplane_mut().faults.clone_from(&faults);
            reconciler.reconcile(&desired, &step.facts);
            fake = std::mem::take(reconciler.dataplane_mut());
            fake.faults.clear();
        }
    }

    /// However often operations fail: a port with a firewall has its policies.
    #[test]
    fn faults_leave_no_port_without_its_policies(
        steps in collection::vec(step(), 1..4),
        faults in collection::vec(any::<bool>(), 0..60),
    ) {
        let mut reconciler = Reconciler::new(Fake::default(), HOST);
        for step in steps {
            let desired = Arc::new(Validated { rule_capacity: 1024, ..Validated::clone(&step.desired) });
            reconciler.dataplane_mut().faults.clone_from(&faults);
            reconciler.reconcile(&desired, &step.facts);
            for row in reconciler.dataplane().ports.values() {
                let policies = &reconciler.dataplane().policies;
                prop_assert!(named(row).iter().all(|slot| policies.contains_key(slot)));
            }
        }
    }
}

/// Ports `p0` and so on at devices of the same numbers from 1 on, all with these policies.
fn filtered(ports: u32, chain: &[&str], policies: Policies) -> Validated {
    let chain: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let port = |number: u32| ValidPort { policies: chain.clone(), ..access(&format!("d{number}")) };
    let ports = (0..ports).map(|number| (format!("p{number}"), port(number))).collect();
    Validated { ports, policies, ..Validated::clone(&one_port(access("d0"))) }
}

fn devices(count: u32) -> Facts {
    (0..count).map(|number| device(number + 1, &format!("d{number}"), Kind::Tap)).collect()
}

fn two() -> Policies {
    let two = [("hard", policy(RuleAction::Drop, 1)), ("soft", policy(RuleAction::Allow, 2))];
    two.map(|(name, policy)| (name.to_owned(), policy)).into()
}

fn slot(image: &TableImage, name: &str) -> u16 {
    let holder = Holder::Policy(name.into());
    let (slot, _) = image.names.iter().find(|(_, other)| **other == holder).unwrap();
    u16::try_from(*slot).unwrap()
}

#[test]
fn a_port_with_policies_becomes_this_row() {
    let mut desired = filtered(3, &["soft", "hard"], two());
    desired.ports.get_mut("p1").unwrap().policies.clear();
    let other = Attachment::Access { vlan: vlan(20), qinq: false };
    *desired.ports.get_mut("p2").unwrap() = ValidPort { attachment: other, ..access("d2") };
    let image = Reconciler::new(Fake::default(), HOST).reconcile(&Arc::new(desired), &devices(3)).plan.image;
    let [soft, hard] = ["soft", "hard"].map(|name| slot(&image, name));
    let row = image.ports[&1];
    assert_eq!(row.policies, [soft, hard, 0, 0, 0, 0, 0, 0]);
    assert_eq!(row.fallback, hard, "the strictest default holds");
    assert!(row.is(port::FIREWALL | port::TRACKED));
    let flags = [2, 3].map(|ifindex| image.ports[&ifindex].flags & (port::FIREWALL | port::TRACKED));
    assert_eq!(flags, [port::TRACKED, 0], "in the same network, and in another one");
    assert_eq!((image.config.firewalls, image.policies.len()), (1, 2));
}

#[test]
fn policies_of_ports_without_a_device_take_no_rows() {
    let mut desired = filtered(1, &["hard"], two());
    let away = ValidPort { policies: vec!["soft".into()], ..access("gone") };
    desired.ports.insert("p9".into(), away);
    let image = Reconciler::new(Fake::default(), HOST).reconcile(&Arc::new(desired), &devices(1)).plan.image;
    assert!(image.policies.keys().eq([&u32::from(slot(&image, "hard"))]));
}

#[test]
fn many_ports_share_a_policy_and_a_changed_rule_is_one_write() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    reconciler.reconcile(&Arc::new(filtered(200, &["hard"], two())), &devices(200));
    let written = |log: &[Op]| log.iter().filter(|op| matches!(op, Op::Policy(..))).count();
    assert_eq!(written(&reconciler.dataplane().log), 1);
    reconciler.dataplane_mut().log.clear();
    let mut changed = two();
    changed.insert("hard".into(), policy(RuleAction::Drop, 7));
    reconciler.reconcile(&Arc::new(filtered(200, &["hard"], changed)), &devices(200));
    let log = &reconciler.dataplane().log;
    assert!(matches!(log.as_slice(), [Op::Policy(..), Op::Epoch]), "{log:?}");
}

#[test]
fn a_policy_goes_after_the_ports_that_named_it() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    reconciler.reconcile(&Arc::new(filtered(2, &["hard", "soft"], two())), &devices(2));
    reconciler.dataplane_mut().log.clear();
    reconciler.reconcile(&Arc::new(filtered(2, &[], two())), &devices(2));
    let log = &reconciler.dataplane().log;
    let last = |is: fn(&Op) -> bool| log.iter().rposition(is).unwrap();
    let first = log.iter().position(|op| matches!(op, Op::Unpolicy(_))).unwrap();
    assert!(last(|op| matches!(op, Op::Port(..))) < first);
    assert!(last(|op| matches!(op, Op::Unpolicy(_))) < last(|op| matches!(op, Op::Unname(_))));
    assert!(last(|op| matches!(op, Op::Port(..))) < last(|op| matches!(op, Op::Config(_))));
}

/// Makes the operation fail that would be done as the `count`th, counted from 1.
fn fail(reconciler: &mut Reconciler<Fake>, count: usize) {
    let mut faults = vec![false; count];
    faults[0] = true;
    reconciler.dataplane_mut().faults = faults;
}

#[test]
fn a_port_whose_policy_does_not_fit_stays_as_it_is_but_its_frames_are_tracked() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let bare = filtered(2, &[], two());
    reconciler.reconcile(&Arc::new(bare.clone()), &devices(2));
    let before = reconciler.dataplane().ports.clone();
    let mut desired = bare;
    desired.ports.get_mut("p0").unwrap().policies = vec!["hard".into()];
    desired.ports.get_mut("p1").unwrap().policies = vec!["soft".into()];
    // Settings, two slots, and then the policies.
    fail(&mut reconciler, 4);
    let outcome = reconciler.reconcile(&Arc::new(desired.clone()), &devices(2));
    assert!(outcome.errors[0].starts_with("policy hard: "), "{:?}", outcome.errors);
    let row = |ifindex: u32| reconciler.dataplane().ports[&ifindex];
    assert_eq!(row(1), Port { flags: before[&1].flags | port::TRACKED, ..before[&1] });
    assert!(row(2).is(port::FIREWALL));
    assert_eq!(reconciler.reconcile(&Arc::new(desired), &devices(2)).errors, [""; 0]);
    assert!(reconciler.dataplane().ports[&1].is(port::FIREWALL));
}

#[test]
fn a_new_port_whose_policy_does_not_fit_does_not_open() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let desired = Arc::new(filtered(1, &["hard"], two()));
    // Settings, two slots, and then the policy.
    fail(&mut reconciler, 4);
    reconciler.reconcile(&desired, &devices(1));
    let fake = reconciler.dataplane();
    assert!(fake.ports.is_empty() && fake.links.is_empty() && fake.policies.is_empty());
    assert_eq!(reconciler.reconcile(&desired, &devices(1)).errors, [""; 0]);
    assert_eq!(reconciler.dataplane().ports.len(), 1);
}

#[test]
fn a_port_keeps_its_program_until_its_policies_are_in_the_other_table() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let desired = filtered(2, &["hard"], two());
    reconciler.reconcile(&Arc::new(desired.clone()), &devices(2));
    let larger = Arc::new(Validated { rule_capacity: 2048, ..desired });
    fail(&mut reconciler, 1);
    reconciler.reconcile(&larger, &devices(2));
    assert!(reconciler.dataplane().links.values().all(|state| *state == LinkState::Outdated));
    assert_eq!(reconciler.reconcile(&larger, &devices(2)).errors, [""; 0]);
    let log = &reconciler.dataplane().log;
    let written = log.iter().rposition(|op| matches!(op, Op::Policy(..))).unwrap();
    assert!(written < log.iter().position(|op| matches!(op, Op::Replace(_))).unwrap());
}

/// A policy of so many rules, each for a port of its own.
fn of_rules(rules: u16) -> Arc<ValidPolicy> {
    let rule = |number: u16| {
        let service =
            Service::Ports { protocol: 6, destination: vec![number * 2..=number * 2], source: vec![] };
        ValidRule { service, ..policy(RuleAction::Drop, number.into()).rules[0].clone() }
    };
    let rules = (1..=rules).map(rule).collect();
    Arc::new(ValidPolicy { rules, ..ValidPolicy::clone(&policy(RuleAction::Drop, 1)) })
}

fn rows(policy: &ValidPolicy) -> u32 {
    u32::try_from(compile("f", policy).len()).unwrap()
}

/// True for what a user may configure with so many rows.
fn is_valid(policies: &Policies, capacity: u32) -> bool {
    let rows: Vec<u32> = policies.values().map(|policy| rows(policy)).collect();
    fits(rows.iter().copied(), rows.iter().copied().max().unwrap_or_default(), capacity)
}

/// Rows of the tables of these tests, of which users may use all that is valid.
const ROWS: u32 = 512;

/// Two ports and their policies, which take all that there is, and less.
fn crowded() -> impl Strategy<Value = Arc<Validated>> {
    let policies = collection::btree_map("[a-d]", 1u16..60, 1..4).prop_map(|policies| -> Policies {
        policies.into_iter().map(|(name, rules)| (name, of_rules(rules))).collect()
    });
    let policies = policies.prop_filter("too many rows", |policies| is_valid(policies, ROWS));
    policies.prop_flat_map(|policies| {
        let names: Vec<String> = policies.keys().cloned().collect();
        let chain = || subsequence(names.clone(), 0..=names.len());
        (chain(), chain(), Just(policies)).prop_map(|(one, two, policies)| {
            let mut desired = filtered(2, &[], policies);
            desired.rule_capacity = ROWS;
            desired.ports.get_mut("p0").unwrap().policies = one;
            desired.ports.get_mut("p1").unwrap().policies = two;
            Arc::new(desired)
        })
    })
}

proptest! {
    /// Whatever was configured before and wherever it was interrupted: what is valid is applied at once.
    #[test]
    fn what_is_valid_finds_room(
        steps in collection::vec((crowded(), collection::vec(prop::bool::weighted(0.2), 0..20)), 1..8),
    ) {
        let mut reconciler = Reconciler::new(Fake::default(), HOST);
        for (desired, faults) in steps {
            reconciler.dataplane_mut().faults = faults.clone();
            if !faults.is_empty() {
                reconciler.reconcile(&desired, &devices(2));
                continue;
            }
            let outcome = reconciler.reconcile(&desired, &devices(2));
            prop_assert_eq!(&outcome.errors, &[""; 0]);
            assert_at_goal(&reconciler, &outcome);
        }
    }
}

/// What is done to come from the one to the other, both of which are valid with so many rows.
fn ops(capacity: u32, before: Policies, after: Policies) -> Vec<Op> {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    for policies in [before, after] {
        reconciler.dataplane_mut().log.clear();
        assert!(is_valid(&policies, capacity));
        let names: Vec<String> = policies.keys().cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let desired = Validated { rule_capacity: capacity, ..filtered(1, &names, policies) };
        assert_eq!(reconciler.reconcile(&Arc::new(desired), &devices(1)).errors, [""; 0]);
    }
    reconciler
        .dataplane()
        .log
        .iter()
        .filter(|op| !matches!(op, Op::Name(..) | Op::Unname(_)))
        .cloned()
        .collect()
}

fn named_policies(policies: &[(&str, u16)]) -> Policies {
    policies.iter().map(|(name, rules)| ((*name).to_owned(), of_rules(*rules))).collect()
}

#[test]
fn what_shrinks_makes_room_for_what_grows() {
    let (small, large) = (rows(&of_rules(2)), rows(&of_rules(50)));
    let before = named_policies(&[("a", 2), ("b", 50)]);
    let after = named_policies(&[("a", 50), ("b", 2)]);
    let ops = ops(small + 3 * large + 1, before, after);
    let size = |op: &Op| if let Op::Policy(_, policy) = op { Some(policy.rows().len()) } else { None };
    let sizes: Vec<usize> = ops.iter().filter_map(size).collect();
    assert_eq!(sizes, [small, large].map(|rows| rows as usize));
    assert!(!ops.iter().any(|op| matches!(op, Op::Unport(_))), "{ops:?}");
}

#[test]
fn a_port_closes_only_where_there_is_no_room_for_what_it_had_and_what_it_gets() {
    let large = rows(&of_rules(50));
    let before = named_policies(&[("a", 50), ("b", 50)]);
    let after = named_policies(&[("c", 50), ("d", 50)]);
    // Both, a gap beside them, and the table's first row.
    let roomy = ops(5 * large + 1, before.clone(), after.clone());
    assert!(
        matches!(
            roomy.as_slice(),
            [Op::Policy(..), Op::Policy(..), Op::Port(..), Op::Unpolicy(_), Op::Unpolicy(_), Op::Epoch]
        ),
        "{roomy:?}"
    );
    let tight = ops(5 * large, before, after);
    assert!(
        matches!(
            tight.as_slice(),
            [
                Op::Unport(_),
                Op::Unpolicy(_),
                Op::Policy(..),
                Op::Policy(..),
                Op::Port(..),
                Op::Unpolicy(_),
                Op::Epoch
            ]
        ),
        "{tight:?}"
    );
}

#[test]
fn only_policies_of_ports_need_a_slot() {
    let desired = filtered(2, &["hard"], two());
    let wanted: BTreeSet<Holder> = slots::policies(&desired).collect();
    assert_eq!(wanted, [Holder::Policy("hard".into())].into());
}
