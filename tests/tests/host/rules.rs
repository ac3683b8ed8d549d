//! Compiled rules against rules asked one after the other.

use std::{cell::RefCell, net::IpAddr, ops::RangeInclusive, sync::Arc};

use dvs_tests::sim::{MemTables, SimPacket};
use ipnet::IpNet;
use proptest::{prelude::*, sample::select};
use switch_common::{
    addr::ip_words,
    table::rules::{self, BLOCK, Header, Side},
    verdict::Direction,
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

/// The policy does not stand where it was compiled for.
const HEAD: u32 = 5;

fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = select(vec!["0.0.0.0", "10.0.0.0", "10.0.0.7", "10.0.1.0", "10.128.0.1", "255.255.255.255"]);
    let v6 = select(vec![
        "::",
        "::1",
        "fd00::",
        "fd00::7",
        "fd00:0:0:1::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]);
    prop_oneof![v4, v6].prop_map(|text| text.parse().unwrap())
}

fn prefix() -> impl Strategy<Value = IpNet> {
    (address(), 0u8..=128).prop_map(|(address, length)| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        IpNet::new(address, length % (longest + 1)).unwrap().trunc()
    })
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![select(vec![0, 1, 80, 443, 1024, 65535]), any::<u16>()]
}

fn ranges() -> impl Strategy<Value = Vec<RangeInclusive<u16>>> {
    prop::collection::vec((port(), port()), 0..3).prop_map(|mut ends| {
        for (low, high) in &mut ends {
            if low > high {
                std::mem::swap(low, high);
            }
        }
        ends.sort_unstable();
        let mut ranges: Vec<RangeInclusive<u16>> = Vec::new();
        for (low, high) in ends {
            match ranges.last_mut() {
                Some(last) if u32::from(low) <= u32::from(*last.end()) + 1 => {
                    *last = *last.start()..=high.max(*last.end());
                }
                _ => ranges.push(low..=high),
            }
        }
        ranges
    })
}

fn service() -> impl Strategy<Value = Service> {
    prop_oneof![
        Just(Service::Any),
        select(vec![0, 1, 6, 17, 47, 58, 132, 255]).prop_map(Service::Protocol),
        (select(vec![6, 17, 132]), ranges(), ranges())
            .prop_map(|(protocol, destination, source)| Service::Ports { protocol, destination, source }),
        (select(vec![1, 58]), select(vec![0, 3, 8, 128, 255]), prop::option::of(0u8..3))
            .prop_map(|(protocol, kind, code)| Service::Icmp { protocol, kind, code }),
        select(vec![0x0600, 0x88cc, 0xffff]).prop_map(Service::Ethertype),
    ]
}

fn rule() -> impl Strategy<Value = ValidRule> {
    let action = select(vec![RuleAction::Allow, RuleAction::Drop, RuleAction::Reject]);
    let peer = prop::option::of(prop::collection::vec(prefix(), 0..4));
    let staged = prop::bool::weighted(0.1);
    (select(vec![Direction::In, Direction::Out]), action, peer, service(), any::<bool>(), staged).prop_map(
        |(direction, action, peer, service, log, staged)| ValidRule {
            name: String::new(),
            priority: 0,
            direction,
            action,
            peer: peer.filter(|_| !matches!(service, Service::Ethertype(_))).map(|mut prefixes| {
                IpNet::aggregate(&prefixes).clone_into(&mut prefixes);
                Arc::new(prefixes)
            }),
            service,
            log,
            staged,
        },
    )
}

fn policy(rules: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = ValidPolicy> {
    prop::collection::vec(rule(), rules).prop_map(|mut rules| {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule.name = format!("r{number}");
        }
        ValidPolicy { tier: 0, default: RuleAction::Drop, stateful: true, log: false, rules }
    })
}

fn question() -> impl Strategy<Value = Question> {
    let ports = (port(), port());
    let ip = (address(), select(vec![0, 1, 6, 17, 47, 58, 132, 255]), ports, 0u16..4).prop_map(
        |(peer, protocol, (source, destination), code)| {
            let icmp = matches!(protocol, 1 | 58);
            let destination =
                if icmp { [0, 3, 8, 128][usize::from(code)] << 8 | destination % 4 } else { destination };
            let source = if icmp { 0 } else { source };
            Packet::Ip { peer, protocol, source, destination }
        },
    );
    let other = select(vec![0x0600, 0x88cc, 0x88cd, 0xffff]).prop_map(Packet::Other);
    (select(vec![Direction::In, Direction::Out]), prop_oneof![8 => ip, 1 => other])
        .prop_map(|(direction, packet)| Question { direction, packet })
}

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
    let header: &Header = classify::header(tables, HEAD).unwrap();
    let [inward, outward] = &header.sides;
    let side: &Side = if question.direction == Direction::In { inward } else { outward };
    let passed = RefCell::default();
    let found = classify::search::<SimPacket, _, _>(tables, HEAD, side, &subject, Passed(&passed));
    (found, passed.into_inner())
}

fn expected(policy: &ValidPolicy, question: &Question) -> (Found, Vec<u64>) {
    let staged = linear::staged(policy, question);
    let staged = staged.into_iter().map(|rule| classifier::rule_id("p", rule)).collect();
    let decision = linear::decide(&[("p", policy)], question).unwrap();
    let Some(name) = decision.rule else { return (Found { id: 0, what: NONE }, staged) };
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
        let tables = tables(&policy);
        for question in questions {
            prop_assert_eq!(found(&tables, &question), expected(&policy, &question), "{:?}", question);
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
    let last = rules.len() as u16 - 1;
    let policy = ValidPolicy { tier: 0, default: RuleAction::Drop, stateful: true, log: false, rules };
    let tables = tables(&policy);
    for destination in [0, last, last + 1] {
        let packet = Packet::Ip { peer: [10, 0, 0, 1].into(), protocol: 6, source: 1, destination };
        let question = Question { direction: Direction::In, packet };
        assert_eq!(found(&tables, &question), expected(&policy, &question), "{destination}");
    }
}
