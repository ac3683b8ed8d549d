//! Routing: what is planned, and the order in which it changes.

use std::{collections::BTreeSet, net::Ipv6Addr};

use ipnet::IpNet;
use switch_common::{
    addr::{IpWords, ip_words},
    table::{
        gateway::{Gateway, REVERSE_PATH},
        neighbour,
        route::{BLACKHOLE, CONNECTED, HOPS, Hop, Key4, Key6, LOCAL, Target, UNREACHABLE, VIA},
    },
    wire::vlan::{CUSTOMER, SERVICE},
};

use super::*;
use crate::{
    agent::{
        dataplane::Dataplane,
        image::{Holder, Routes},
        plan::routes::routes,
    },
    model::{NextHop, Subnet, ValidNetwork, ValidRoute, ValidRouter},
};

type Networks = BTreeMap<String, ValidNetwork>;
type Routers = BTreeMap<String, ValidRouter>;

/// Prefixes within each other, so that it matters which is the longest.
const PREFIXES: [&str; 8] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.0.128.0/17",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "::/0",
    "fd00:9::/32",
];

fn network(vlan: u16, router: Option<&str>) -> ValidNetwork {
    let subnet = |prefix: String, gateway: String| {
        let gateway = router.map(|_| gateway.parse().unwrap());
        Subnet { prefix: prefix.parse().unwrap(), gateway }
    };
    ValidNetwork {
        vlan: self::vlan(vlan),
        vni: None,
        mtu: None,
        subnets: vec![
            subnet(format!("10.0.{vlan}.0/24"), format!("10.0.{vlan}.1")),
            subnet(format!("fd00:{vlan}::/64"), format!("fd00:{vlan}::1")),
        ],
        router: router.map(str::to_owned),
        slaac: false,
        dns: vec![],
    }
}

fn hop(vlan: u16, last: u16, v6: bool) -> NextHop {
    let address = if v6 { format!("fd00:{vlan}::{last}") } else { format!("10.0.{vlan}.{last}") };
    NextHop { address: address.parse().unwrap(), network: format!("n{vlan}") }
}

/// Networks `n10` to `n30`, each in one of the routers `r1` and `r2`, or in none.
pub(super) fn routing() -> impl Strategy<Value = (Networks, Routers)> {
    let membership = prop_oneof![Just(None), Just(Some("r1")), Just(Some("r2"))];
    let route = (0..PREFIXES.len(), 0u8..5, collection::btree_set(2u16..6, 1..4));
    let kind = (any::<bool>(), collection::vec(route, 0..8));
    (collection::vec(membership, 3), kind.clone(), kind).prop_map(|(memberships, one, two)| {
        let vlans = [10, 20, 30].into_iter().zip(memberships);
        let networks: Networks =
            vlans.map(|(vlan, router)| (format!("n{vlan}"), network(vlan, router))).collect();
        let routers = [("r1", one), ("r2", two)].map(|(name, (reverse_path, wanted))| {
            let members = networks.values().filter(|network| network.router.as_deref() == Some(name));
            let vlans: Vec<u16> = members.map(|network| network.vlan.get()).collect();
            let routes = wanted.into_iter().map(|(prefix, kind, last)| {
                let prefix: IpNet = PREFIXES[prefix].parse().unwrap();
                let v6 = prefix.addr().is_ipv6();
                let hops = vlans.iter().flat_map(|vlan| last.iter().map(move |last| hop(*vlan, *last, v6)));
                let route = match kind {
                    0 => ValidRoute::Blackhole,
                    1 => ValidRoute::Unreachable,
                    _ if vlans.is_empty() => ValidRoute::Blackhole,
                    _ => ValidRoute::Via(hops.take(HOPS).collect()),
                };
                (prefix, route)
            });
            (name.to_owned(), ValidRouter { reverse_path, routes: routes.collect() })
        });
        (networks, BTreeMap::from(routers))
    })
}

/// Routes that lead to no target.
fn dangling(fake: &Fake) -> usize {
    let numbers = fake.routes4.values().chain(fake.routes6.values());
    numbers.filter(|number| !fake.targets.contains_key(number)).count()
}

/// What becomes of a packet from a network; `None` if it is not routed, or to nowhere.
fn judge4(fake: &Fake, network: u32, destination: [u8; 4]) -> Option<Target> {
    let vrf = fake.gateways.get(&network)?.vrf;
    let within = |key: &Key4| {
        let bits = key.bits - 32;
        let address = u32::from_be_bytes(key.address.to_ne_bytes()) ^ u32::from_be_bytes(destination);
        key.vrf == vrf.to_be() && address.checked_shr(32 - bits).unwrap_or_default() == 0
    };
    let routes = fake.routes4.iter().filter(|(key, _)| within(key));
    let (_, number) = routes.max_by_key(|(key, _)| key.bits)?;
    fake.targets.get(number).copied()
}

/// A list as operations of one member each.
fn singly(op: &Op) -> Vec<Op> {
    if let Op::Routes4(rows) = op {
        rows.iter().map(|row| Op::Routes4(vec![*row])).collect()
    } else if let Op::Routes6(rows) = op {
        rows.iter().map(|row| Op::Routes6(vec![*row])).collect()
    } else if let Op::Unroutes4(keys) = op {
        keys.iter().map(|key| Op::Unroutes4(vec![*key])).collect()
    } else if let Op::Unroutes6(keys) = op {
        keys.iter().map(|key| Op::Unroutes6(vec![*key])).collect()
    } else {
        vec![op.clone()]
    }
}

/// Does the operations one by one, and looks after each where packets would go.
fn replay(before: &Fake, after: &Fake, ops: &[Op], facts: &Facts) {
    let packets: Vec<(u32, [u8; 4])> = [10, 20, 30]
        .into_iter()
        .flat_map(|network| {
            [
                [10, 0, 10, 1],
                [10, 0, 20, 9],
                [10, 0, 200, 1],
                [10, 1, 2, 3],
                [10, 1, 3, 1],
                [10, 9, 9, 9],
                [8; 4],
            ]
            .map(|destination| (network, destination))
        })
        .collect();
    let mut fake = before.clone();
    for op in ops.iter().flat_map(singly) {
        fake.apply(&op, facts).unwrap();
        assert_eq!(dangling(&fake), 0, "after {op}");
        for (network, destination) in &packets {
            let verdict = |fake| judge4(fake, *network, *destination);
            let now = verdict(&fake);
            let known = now.is_none() || now == verdict(before) || now == verdict(after);
            assert!(known, "from {network} to {destination:?} after {op}: {now:?}");
        }
    }
}

proptest! {
    /// Whatever prefix of the operations is done when the agent dies: no route leads to a target that
    /// is not there, and no packet goes where neither configuration sends it.
    #[test]
    fn routing_changes_without_a_gap(first in step(), second in step()) {
        let mut reconciler = Reconciler::new(Fake::default(), HOST);
        for step in [first, second] {
            follow_kernel(reconciler.dataplane_mut(), &Facts::default(), &step.facts);
            reconciler.dataplane_mut().log.clear();
            // The sizes are changed before the rows are.
            reconciler.dataplane_mut().prepare(crate::agent::dataplane::Sizes::of(&step.desired)).unwrap();
            let before = reconciler.dataplane().clone();
            let epoch = before.epoch;
            reconciler.reconcile(&step.desired, &step.facts);
            let after = reconciler.dataplane();
            replay(&before, after, &after.log, &step.facts);
            let judged = after.log.iter().rposition(Op::is_judged);
            let moved = after.log.iter().rposition(|op| *op == Op::Epoch);
            prop_assert!(judged <= moved, "{:?}", after.log);
            prop_assert_eq!(after.epoch > epoch, judged.is_some());
        }
    }

    /// The routes of a former plan are used for as long as they are right.
    #[test]
    fn routes_that_were_planned_before_are_the_right_ones(steps in collection::vec(step(), 1..6)) {
        let mut reconciler = Reconciler::new(Fake::default(), HOST);
        for step in steps {
            let image = reconciler.reconcile(&step.desired, &step.facts).plan.image;
            let slots = image.names.iter().map(|(slot, holder)| (holder.clone(), *slot)).collect();
            prop_assert_eq!(image.routes, routes(&step.desired, &slots));
        }
    }
}

fn words(address: &str) -> IpWords {
    ip_words(address.parse().unwrap())
}

/// One router with two networks and a route of each kind.
fn routed() -> Arc<Validated> {
    let mut desired = Validated::clone(&one_port(access("v1")));
    let via = ValidRoute::Via(vec![hop(20, 3, false), hop(20, 2, false)]);
    let routes = [
        ("10.8.0.0/16", via.clone()),
        ("10.9.0.0/16", via),
        ("10.10.0.0/16", ValidRoute::Blackhole),
        ("fd00:9::/32", ValidRoute::Unreachable),
    ];
    let routes = routes.into_iter().map(|(prefix, route)| (prefix.parse().unwrap(), route)).collect();
    desired.routers.insert("r1".into(), ValidRouter { reverse_path: true, routes });
    desired.networks.insert("n10".into(), ValidNetwork { mtu: Some(1400), ..network(10, Some("r1")) });
    desired.networks.insert("n20".into(), network(20, Some("r1")));
    desired.networks.insert("n30".into(), network(30, None));
    Arc::new(desired)
}

#[test]
fn a_router_becomes_these_rows() {
    let mut desired = Validated::clone(&routed());
    desired.ports.insert(
        "p2".into(),
        ValidPort { attachment: Attachment::Access { vlan: vlan(20), qinq: true }, ..access("v2") },
    );
    let facts = Facts::default();
    let image = Reconciler::new(Fake::default(), HOST).reconcile(&Arc::new(desired), &facts).plan.image;
    let (vrf, _) = image.names.iter().find(|(_, holder)| **holder == Holder::Router("r1".into())).unwrap();
    let gateway = |vlan: u16, mtu, tpid| Gateway {
        vrf: *vrf,
        mtu,
        tpid,
        flags: REVERSE_PATH,
        reserved: 0,
        ipv4: words(&format!("10.0.{vlan}.1")),
        ipv6: words(&format!("fd00:{vlan}::1")),
    };
    let rows = [(10, gateway(10, 1400, CUSTOMER)), (20, gateway(20, u32::MAX, SERVICE))];
    assert_eq!(image.gateways, BTreeMap::from(rows));

    let Routes { v4, v6, targets } = image.routes;
    let lead4 = |address: &str, bits| targets[&v4[&Key4::new(*vrf, words(address), bits)]];
    let lead6 = |address: &str, bits| targets[&v6[&Key6::new(*vrf, words(address), bits)]];
    let target = |kind, hops: &[Hop]| {
        let mut target = Target { kind, count: u32::try_from(hops.len()).unwrap(), ..Target::default() };
        target.hops[..hops.len()].copy_from_slice(hops);
        target
    };
    let own4 = |address| Hop { network: 20, address, own: words("10.0.20.1") };
    let own6 = Hop { network: 20, address: [0; 2], own: words("fd00:20::1") };
    assert_eq!(lead4("10.0.20.0", 24), target(CONNECTED, &[own4([0; 2])]));
    assert_eq!(lead4("10.0.20.1", 32), target(LOCAL, &[own4([0; 2])]));
    assert_eq!(lead6("fd00:20::", 64), target(CONNECTED, &[own6]));
    assert_eq!(lead6("fd00:20::1", 128), target(LOCAL, &[own6]));
    let hops = ["10.0.20.2", "10.0.20.3"].map(|address| own4(words(address)));
    assert_eq!(lead4("10.8.0.0", 16), target(VIA, &hops));
    assert_eq!(lead4("10.10.0.0", 16), target(BLACKHOLE, &[]));
    assert_eq!(lead6("fd00:9::", 32), target(UNREACHABLE, &[]));
    assert_eq!((v4.len(), v6.len(), targets.len()), (7, 5, 8 + 3), "two routes share one target");
}

#[test]
fn a_million_routes_are_not_planned_or_compared_for_another_port() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let before = reconciler.reconcile(&routed(), &Facts::default()).plan.image.routes;
    let mut desired = Validated::clone(&routed());
    desired.ports.insert("p2".into(), access("v2"));
    let after = reconciler.reconcile(&Arc::new(desired), &Facts::default()).plan.image.routes;
    assert!(Arc::ptr_eq(&before.v4, &after.v4) && Arc::ptr_eq(&before.v6, &after.v6));
}

#[test]
fn a_crowded_table_makes_room_before_it_takes_more() {
    let many = |from: u8| {
        let mut desired = Validated::clone(&routed());
        let prefix = |number: u32| {
            let [_, b, c, d] = number.to_be_bytes();
            IpNet::new([from, b, c, d].into(), 32).unwrap()
        };
        let routes = (0..600_000).map(|number| (prefix(number), ValidRoute::Blackhole)).collect();
        desired.routers.insert("r1".into(), ValidRouter { reverse_path: true, routes });
        Arc::new(desired)
    };
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    reconciler.reconcile(&many(50), &Facts::default());
    reconciler.dataplane_mut().log.clear();
    // In the fake a batch of removals takes as long as the square of its size, so look at the plan only.
    let now = reconciler.dataplane_mut().observe(&Facts::default(), &Routes::default()).unwrap();
    let goal = Reconciler::new(Fake::default(), HOST).reconcile(&many(60), &Facts::default()).plan.image;
    let ops = crate::agent::diff::diff(&now, &goal);
    let first = ops.iter().position(|op| matches!(op, Op::Routes4(_))).unwrap();
    let last = ops.iter().rposition(|op| matches!(op, Op::Unroutes4(_))).unwrap();
    assert!(last < first);
    assert_eq!(ops.iter().filter(|op| matches!(op, Op::Routes4(_))).count(), 10);
}

fn neighbours(port: ValidPort) -> BTreeSet<(u32, IpAddr)> {
    let mut desired = Validated::clone(&routed());
    desired.ports.insert("p1".into(), port);
    let facts = [device(7, "v1", Kind::Veth)].into_iter().collect();
    let image = Reconciler::new(Fake::default(), HOST).reconcile(&Arc::new(desired), &facts).plan.image;
    assert!(image.neighbours.values().all(|owner| *owner == mac(1)));
    let address = |key: &neighbour::Key| switch_common::addr::ip_from_words(key.family, key.address);
    image.neighbours.keys().map(|key| (key.network, address(key))).collect()
}

#[test]
fn the_addresses_of_a_port_with_one_mac_are_known() {
    let port = ValidPort {
        macs: vec![mac(1)],
        ips: ["10.0.10.5", "192.0.2.1"].map(|ip| ip.parse().unwrap()).to_vec(),
        ..access("v1")
    };
    let link_local = IpAddr::from(Ipv6Addr::from(mac(1).link_local()));
    let ip = |text: &str| text.parse().unwrap();
    let all = [(10, ip("10.0.10.5")), (10, ip("192.0.2.1")), (10, link_local)];
    assert_eq!(neighbours(port.clone()), all.into());
    let vlans = [10, 20].map(vlan).into();
    let trunk = Attachment::Trunk { vlans, native: None };
    let trunk = ValidPort { attachment: trunk, ..port.clone() };
    assert_eq!(neighbours(trunk), [all[0], all[2]].into(), "in a trunk only where a subnet has the address");
    let none = BTreeSet::new();
    assert_eq!(neighbours(ValidPort { up: false, ..port.clone() }), none);
    assert_eq!(neighbours(ValidPort { macs: vec![mac(1), mac(2)], ..port.clone() }), none);
    assert_eq!(neighbours(ValidPort { ips: vec![], ..port.clone() }), none);
    assert_eq!(neighbours(ValidPort { device: Some("gone".into()), ..port }), none);
}
