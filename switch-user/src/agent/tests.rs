//! Whatever is wanted and whatever exists: the dataplane gets there, and then nothing is left to do.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use proptest::{collection, option, prelude::*, sample::subsequence};
use switch_common::{
    addr::{GATEWAY_MAC, Mac, VlanId},
    table::{fdb, flood::CHUNK, guard, port},
};

mod firewall;
mod overlay;
mod routing;

use super::{
    apply::{Outcome, Reconciler},
    dataplane::fake::{Fake, TUNNELS},
    diff::Op,
    facts::Facts,
    image::{Hook, Link, LinkState, Setting},
};
use crate::{
    model::{Attachment, ValidPort, ValidUplink, Validated, VlanSet, XdpChoice, overlay::Overlay},
    netlink::{Device, Kind},
};

const DEVICES: u32 = 10;
const HOST: Mac = Mac::new([2, 0x64, 0x76, 0x80, 0, 1]);

fn vlan(number: u16) -> VlanId {
    VlanId::new(number).unwrap()
}

fn mac(number: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, number])
}

fn some_vlan() -> impl Strategy<Value = VlanId> {
    prop_oneof![Just(10), Just(20), Just(30)].prop_map(vlan)
}

fn attachment() -> impl Strategy<Value = Attachment> {
    prop_oneof![
        (some_vlan(), any::<bool>()).prop_map(|(vlan, qinq)| Attachment::Access { vlan, qinq }),
        (collection::btree_set(some_vlan(), 1..4), any::<bool>()).prop_map(|(vlans, native)| {
            Attachment::Trunk { native: vlans.first().copied().filter(|_| native), vlans }
        }),
    ]
}

/// Ports `p0` to `p7`; device and addresses follow from the number, so that they are unique.
fn ports() -> impl Strategy<Value = BTreeMap<String, ValidPort>> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let port = (option::of(Just(())), attachment(), flags, 0u32..3, firewall::chain());
    collection::btree_map(0u8..8, port, 0..8).prop_map(|ports| {
        ports
            .into_iter()
            .map(|(number, (device, attachment, (macs, ips, up), learn_limit, policies))| {
                let port = ValidPort {
                    device: device.map(|()| format!("d{number}")),
                    attachment,
                    macs: macs.then(|| mac(number)).into_iter().collect(),
                    ips: ips.then(|| [10, 0, 0, number].into()).into_iter().collect(),
                    up,
                    standby: false,
                    learn_limit,
                    policies,
                };
                (format!("p{number}"), port)
            })
            .collect()
    })
}

fn uplinks() -> impl Strategy<Value = BTreeMap<String, ValidUplink>> {
    let choice = prop_oneof![
        Just(XdpChoice::Auto),
        Just(XdpChoice::Native),
        Just(XdpChoice::Generic),
        Just(XdpChoice::Off)
    ];
    option::of((some_vlan(), choice)).prop_map(|uplink| {
        let uplink =
            uplink.map(|(vlan, xdp)| ValidUplink { vlans: VlanSet::from([vlan]), native: None, xdp });
        uplink.map(|uplink| ("d8".to_owned(), uplink)).into_iter().collect()
    })
}

fn desired() -> impl Strategy<Value = Arc<Validated>> {
    let size = || prop_oneof![Just(1024u32), Just(2048)];
    let sizes = (size(), size(), size(), size());
    let rules = (routing::routing(), firewall::policies(), overlay::overlay());
    (ports(), uplinks(), option::of(10u64..20), sizes, rules).prop_map(
        |(ports, uplinks, ageing, (fdb_capacity, flow_capacity, rule_capacity, hit_capacity), rules)| {
            let ((mut networks, routers), policies, (over, overlay)) = rules;
            networks.extend(over.map(|network| ("o".to_owned(), network)));
            Arc::new(Validated {
                ageing: ageing.map(Duration::from_secs),
                fdb_capacity,
                flow_capacity,
                rule_capacity,
                hit_capacity,
                gateway_mac: GATEWAY_MAC,
                networks,
                routers,
                ports,
                uplinks,
                policies,
                overlay,
            })
        },
    )
}

fn facts() -> impl Strategy<Value = Facts> {
    let numbers: Vec<u32> = (0..DEVICES).collect();
    let one = (any::<bool>(), any::<bool>(), prop_oneof![Just(1500u32), Just(9000)], 0u64..3);
    (subsequence(numbers, 0..=10), collection::vec(one, 10)).prop_map(|(present, details)| {
        present
            .into_iter()
            .zip(details)
            .map(|(number, (tap, peer_elsewhere, mtu, incarnation))| Device {
                ifindex: number + 1,
                name: format!("d{number}"),
                kind: if tap { Kind::Tap } else { Kind::Ethernet },
                peer_elsewhere,
                mtu,
                incarnation,
                ..Device::default()
            })
            .collect()
    })
}

#[derive(Clone, Debug)]
struct Step {
    desired: Arc<Validated>,
    facts: Facts,
    learned: Vec<(fdb::Key, u32)>,
    /// The agent is restarted before this step.
    restart: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let learned = (some_vlan(), 100u8..120, 1u32..=DEVICES)
        .prop_map(|(vlan, number, ifindex)| (fdb::Key::new(vlan.get(), mac(number)), ifindex));
    (desired(), facts(), collection::vec(learned, 0..10), any::<bool>())
        .prop_map(|(desired, facts, learned, restart)| Step { desired, facts, learned, restart })
}

/// The kernel forgets the links of devices that are gone or were away.
fn follow_kernel(fake: &mut Fake, before: &Facts, after: &Facts) {
    let incarnation = |facts: &Facts, ifindex| facts.device(ifindex).map(|device| device.incarnation);
    for (link, state) in &mut fake.links {
        if incarnation(before, link.ifindex) != incarnation(after, link.ifindex) {
            *state = LinkState::Dead;
        }
    }
    fake.changed.retain(|(ifindex, _)| after.device(*ifindex).is_some());
}

#[track_caller]
fn assert_at_goal(reconciler: &Reconciler<Fake>, outcome: &Outcome) {
    let fake = reconciler.dataplane();
    let image = &outcome.plan.image;
    let stations =
        fake.fdb.iter().filter(|(_, (_, fixed))| *fixed).map(|(key, (ifindex, _))| (*key, *ifindex));
    assert_eq!(stations.collect::<BTreeMap<_, _>>(), image.stations);
    assert_eq!(fake.policies, image.policies);
    assert_eq!(fake.ports, image.ports);
    assert_eq!(fake.guard, image.guard);
    assert_eq!(fake.flood, image.flood);
    assert_eq!(fake.names, image.names);
    assert_eq!(fake.gateways, image.gateways);
    assert_eq!(fake.routes4, *image.routes.v4);
    assert_eq!(fake.routes6, *image.routes.v6);
    assert_eq!(fake.targets, *image.routes.targets);
    let fixed = fake.neighbours.iter().filter(|(_, (_, fixed))| *fixed);
    assert_eq!(fixed.map(|(key, (mac, _))| (*key, *mac)).collect::<BTreeMap<_, _>>(), image.neighbours);
    assert_eq!(fake.config, image.config);
    assert!(fake.links.keys().eq(&image.links), "{:?} {:?}", fake.links, image.links);
    assert!(fake.links.values().all(|state| *state == LinkState::Current));
    assert_eq!(fake.changed, image.settings);
    let learned = fake.fdb.iter().filter(|(_, (_, fixed))| !fixed);
    for (key, (ifindex, _)) in learned {
        assert!(super::image::backs(&fake.ports[ifindex], key.network), "{key:?} at {ifindex}");
    }
}

fn run(steps: Vec<Step>, faults: &[bool]) {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let mut before = Facts::default();
    for step in steps {
        if step.restart {
            reconciler = Reconciler::new(std::mem::take(reconciler.dataplane_mut()), HOST);
        }
        follow_kernel(reconciler.dataplane_mut(), &before, &step.facts);
        reconciler.dataplane_mut().faults = faults.to_vec();
        let mut outcome = reconciler.reconcile(&step.desired, &step.facts);
        for _ in faults {
            outcome = reconciler.reconcile(&step.desired, &step.facts);
        }
        assert_eq!(outcome.errors, [""; 0]);
        assert_at_goal(&reconciler, &outcome);
        for (key, ifindex) in step.learned {
            reconciler.dataplane_mut().learn(key, ifindex);
        }
        assert_eq!(reconciler.reconcile(&step.desired, &step.facts).operations, 0, "remembered");
        reconciler.distrust();
        assert_eq!(reconciler.reconcile(&step.desired, &step.facts).operations, 0, "read again");
        before = step.facts;
    }
}

proptest! {
    #[test]
    fn every_state_is_reached_and_kept(steps in collection::vec(step(), 1..6)) {
        run(steps, &[]);
    }

    #[test]
    fn every_state_is_reached_once_the_faults_end(
        steps in collection::vec(step(), 1..4),
        faults in collection::vec(any::<bool>(), 0..40),
    ) {
        run(steps, &faults);
    }

    /// Before a device runs the pipeline, everything that its port needs is there; and no address
    /// of a guarded port is missing for a moment while the row says that the port is guarded.
    #[test]
    fn ports_open_last(first in step(), second in step()) {
        let mut reconciler = Reconciler::new(Fake::default(), HOST);
        for step in [first, second] {
            follow_kernel(reconciler.dataplane_mut(), &Facts::default(), &step.facts);
            reconciler.dataplane_mut().log.clear();
            let image = reconciler.reconcile(&step.desired, &step.facts).plan.image;
            let log = std::mem::take(&mut reconciler.dataplane_mut().log);
            let position = |wanted: &dyn Fn(&Op) -> bool| log.iter().rposition(wanted);
            for (at, op) in log.iter().enumerate() {
                if let Op::Port(ifindex, row) = op {
                    let guards = position(&|op| matches!(op, Op::Guard(key) if key.ifindex == *ifindex));
                    prop_assert!(guards.is_none_or(|guards| guards < at));
                    let stations = position(&|op| matches!(op, Op::Station(_, other) if other == ifindex));
                    prop_assert!(stations.is_none_or(|stations| stations < at));
                    prop_assert!(image.names.contains_key(&row.slot));
                }
                if let Op::Attach(Link { ifindex, hook: Hook::Tcx }) = op {
                    prop_assert!(log[at..].iter().all(|op| !matches!(op, Op::Guard(key) if key.ifindex == *ifindex)));
                    prop_assert!(image.ports.contains_key(ifindex) || *ifindex == TUNNELS);
                }
            }
        }
    }
}

fn one_port(port: ValidPort) -> Arc<Validated> {
    Arc::new(Validated {
        ageing: None,
        fdb_capacity: 1024,
        flow_capacity: 1024,
        rule_capacity: 1024,
        hit_capacity: 1024,
        gateway_mac: GATEWAY_MAC,
        networks: BTreeMap::new(),
        routers: BTreeMap::new(),
        ports: BTreeMap::from([("p1".to_owned(), port)]),
        uplinks: BTreeMap::new(),
        policies: BTreeMap::new(),
        overlay: Overlay::default(),
    })
}

fn access(device: &str) -> ValidPort {
    ValidPort {
        device: Some(device.to_owned()),
        attachment: Attachment::Access { vlan: vlan(10), qinq: false },
        macs: vec![],
        ips: vec![],
        standby: false,
        up: true,
        learn_limit: 100,
        policies: Vec::new(),
    }
}

fn one_uplink(xdp: XdpChoice) -> Arc<Validated> {
    let uplink = ValidUplink { vlans: VlanSet::from([vlan(10), vlan(20)]), native: Some(vlan(20)), xdp };
    Arc::new(Validated {
        uplinks: BTreeMap::from([("d0".to_owned(), uplink)]),
        ports: BTreeMap::new(),
        ..Validated::clone(&one_port(access("d1")))
    })
}

fn device(ifindex: u32, name: &str, kind: Kind) -> Device {
    Device { ifindex, name: name.into(), kind, mtu: 1500, ..Device::default() }
}

#[test]
fn a_guarded_access_port_becomes_these_rows() {
    let port = ValidPort { macs: vec![mac(1)], ips: vec![[10, 0, 10, 1].into()], ..access("v1") };
    let peer = Device { peer_elsewhere: true, ..device(7, "v1", Kind::Veth) };
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let outcome = reconciler.reconcile(&one_port(port), &[peer].into_iter().collect());
    let image = outcome.plan.image;
    let row = image.ports[&7];
    assert_eq!(row.flags, port::UP | port::GUARD_MAC | port::GUARD_IP | port::PEER);
    assert_eq!((row.slot, row.pvid, row.mtu, row.learn_limit), (1, 10, 1500, 100));
    assert!(row.vlans.iter().all(|word| *word == 0));
    assert_eq!(image.stations, BTreeMap::from([(fdb::Key::new(10, mac(1)), 7)]));
    let link_local = guard::Key::ipv6(7, mac(1).link_local());
    assert!(image.guard.iter().eq(&[
        guard::Key::mac(7, mac(1).word()),
        guard::Key::ipv4(7, [10, 0, 10, 1]),
        link_local
    ]));
    assert_eq!(image.flood.values().next().unwrap().untagged, [7].into());
}

#[test]
fn a_port_that_is_down_drops_but_gets_no_floods() {
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let desired = one_port(ValidPort { up: false, ..access("v1") });
    let outcome = reconciler.reconcile(&desired, &[device(7, "v1", Kind::Veth)].into_iter().collect());
    let image = outcome.plan.image;
    assert_eq!(image.ports[&7].flags, 0);
    assert!(image.flood.is_empty());
    assert!(image.links.contains(&Link { ifindex: 7, hook: Hook::Tcx }));
}

#[test]
fn native_xdp_makes_an_uplink_a_target_once_it_runs() {
    let facts: Facts = [device(3, "d0", Kind::Ethernet)].into_iter().collect();
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    let outcome = reconciler.reconcile(&one_uplink(XdpChoice::Auto), &facts);
    assert_eq!(outcome.errors, [""; 0]);
    assert!(outcome.plan.image.ports[&3].is(port::UPLINK | port::TRUNK | port::XDP_TARGET));
    assert_eq!(reconciler.dataplane().links.len(), 2);
    reconciler.reconcile(&one_uplink(XdpChoice::Off), &facts);
    let cleared = |op: &Op| matches!(op, Op::Port(3, row) if !row.is(port::XDP_TARGET));
    let log = &reconciler.dataplane().log;
    let target_gone = log.iter().rposition(cleared).unwrap();
    let detached = log.iter().rposition(|op| matches!(op, Op::Detach(_))).unwrap();
    assert!(target_gone < detached, "nobody redirects to a device without XDP");
}

#[test]
fn an_uplink_without_native_xdp_does_without_or_is_an_error() {
    let facts: Facts = [device(3, "d0", Kind::Ethernet)].into_iter().collect();
    let mut reconciler = Reconciler::new(Fake { without_xdp: [3].into(), ..Fake::default() }, HOST);
    let outcome = reconciler.reconcile(&one_uplink(XdpChoice::Auto), &facts);
    assert_eq!(outcome.errors, [""; 0]);
    let seat = outcome.plan.seats.values().next().unwrap();
    assert!(seat.notes[0].contains("operation not supported"), "{:?}", seat.notes);
    let settings: Vec<_> = reconciler.dataplane().changed.iter().copied().collect();
    assert_eq!(settings, [(3, Setting::Promisc)], "offloads are given back");
    let outcome = reconciler.reconcile(&one_uplink(XdpChoice::Native), &facts);
    assert!(outcome.errors[0].starts_with("uplink d0: "), "{:?}", outcome.errors);
    assert!(reconciler.dataplane().links.contains_key(&Link { ifindex: 3, hook: Hook::Tcx }));
}

#[test]
fn one_device_under_two_names_is_given_once() {
    let mut both = one_port(access("v1"));
    Arc::make_mut(&mut both).ports.insert("p2".into(), access("other"));
    let named = Device { altnames: vec!["other".into()], ..device(7, "v1", Kind::Veth) };
    let outcome = Reconciler::new(Fake::default(), HOST).reconcile(&both, &[named].into_iter().collect());
    assert_eq!(
        outcome.errors,
        ["port p2: device v1 is the one of port p1 by another name; give each its own"]
    );
    assert_eq!(outcome.plan.image.ports.len(), 1);
}

#[test]
fn members_beyond_one_chunk_go_into_the_next() {
    let count = u32::try_from(CHUNK).unwrap() + 2;
    let mut desired = one_port(access("d0"));
    Arc::make_mut(&mut desired).ports =
        (0..count).map(|number| (format!("p{number:04}"), access(&format!("d{number}")))).collect();
    let facts: Facts =
        (0..count).map(|number| device(number + 1, &format!("d{number}"), Kind::Tap)).collect();
    let image = Reconciler::new(Fake::default(), HOST).reconcile(&desired, &facts).plan.image;
    let rows: Vec<_> =
        image.flood.iter().map(|(key, row)| (key.chunk, row.untagged.len(), row.last)).collect();
    // Slot 0 belongs to nobody, so the first chunk has room for one less.
    assert_eq!(rows, [(0, CHUNK - 1, 1), (1, 3, 0)]);
}

#[test]
fn counters_of_a_slot_are_zeroed_only_for_a_new_holder() {
    let facts: Facts = [device(7, "v1", Kind::Veth), device(8, "v2", Kind::Veth)].into_iter().collect();
    let mut reconciler = Reconciler::new(Fake::default(), HOST);
    reconciler.reconcile(&one_port(access("v1")), &facts);
    reconciler.reconcile(&one_port(access("v2")), &facts);
    reconciler.reconcile(&one_port(access("gone")), &facts);
    assert_eq!(reconciler.dataplane().zeroed, [1]);
}
