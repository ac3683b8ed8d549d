//! Tags, octet by octet: access, trunk, native VLAN, priority, `QinQ`.

use dvs_tests::netns::Lab;
use dvs_tests::netns::frames::{BROADCAST, CUSTOMER, Frame, MAC_1, MAC_2, MAC_3, MAC_4, SERVICE, data};
use switch_common::verdict::DropReason::{self, InnerTag, TaggedOnAccess, UntaggedOnTrunk, VlanNotAllowed};

/// A tag's VLAN with priority 5.
const fn urgent(vid: u16) -> u16 {
    (5 << 13) + vid
}

const TRUNKS: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01']}
- {kind: Port, name: p2, trunk: '10,20', mac: ['02:00:00:00:00:02']}
- {kind: Port, name: p3, trunk: '10,20', native: 10, mac: ['02:00:00:00:00:03']}
- {kind: Port, name: p4, trunk: '10,20'}
";

#[test]
fn every_port_gets_its_own_form() {
    let lab = Lab::silent(TRUNKS);
    let (to_1, to_2, to_3) = (data(MAC_1, MAC_2), data(MAC_2, MAC_1), data(MAC_3, MAC_2));
    let from_3 = data(MAC_2, MAC_3);
    let cases: &[(&str, &str, Frame, &str, Frame)] = &[
        ("access to trunk", "p1", to_2.clone(), "p2", to_2.tagged(10)),
        ("trunk to access", "p2", to_1.tagged(10), "p1", to_1.clone()),
        ("priority is lost with the tag", "p2", to_1.with_tag(CUSTOMER, urgent(10)), "p1", to_1),
        (
            "priority tag to trunk",
            "p1",
            to_2.with_tag(CUSTOMER, urgent(0)),
            "p2",
            to_2.with_tag(CUSTOMER, urgent(10)),
        ),
        (
            "trunk to trunk",
            "p2",
            to_3.with_tag(CUSTOMER, urgent(20)),
            "p3",
            to_3.with_tag(CUSTOMER, urgent(20)),
        ),
        ("trunk to native", "p2", to_3.tagged(10), "p3", to_3),
        ("native to trunk", "p3", from_3.clone(), "p2", from_3.tagged(10)),
        ("the native VLAN with a tag", "p3", from_3.tagged(10), "p2", from_3.tagged(10)),
        (
            "priority tag at native",
            "p3",
            from_3.with_tag(CUSTOMER, urgent(0)),
            "p2",
            from_3.with_tag(CUSTOMER, urgent(10)),
        ),
        ("a tag below the VLAN's", "p3", from_3.tagged(7).tagged(20), "p2", from_3.tagged(7).tagged(20)),
    ];
    for (name, from, frame, to, wanted) in cases {
        println!("{name}");
        lab.send(from, frame).reaches(&[(to, wanted)]);
    }
}

#[test]
fn a_priority_tag_ends_at_an_access_port() {
    let lab = Lab::silent(
        "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
",
    );
    let frame = data(MAC_2, MAC_1);
    lab.send("p1", &frame.with_tag(CUSTOMER, urgent(0))).reaches(&[("p2", &frame)]);
}

#[test]
fn frames_in_a_vlan_that_their_port_is_not_in_are_refused() {
    let lab = Lab::silent(TRUNKS);
    let (one, two, four) = (data(MAC_2, MAC_1), data(MAC_1, MAC_2), data(MAC_1, MAC_4));
    let cases: &[(&str, &str, Frame, DropReason)] = &[
        ("a tag at an access port", "p1", one.tagged(20), TaggedOnAccess),
        ("even the port's own", "p1", one.tagged(10), TaggedOnAccess),
        ("a tag behind a priority tag", "p1", one.tagged(20).with_tag(CUSTOMER, urgent(0)), TaggedOnAccess),
        ("a VLAN that the trunk does not carry", "p2", two.tagged(30), VlanNotAllowed),
        ("no tag without a native VLAN", "p4", four.clone(), UntaggedOnTrunk),
        ("a priority tag without a native VLAN", "p4", four.with_tag(CUSTOMER, urgent(0)), UntaggedOnTrunk),
    ];
    for (name, from, frame, reason) in cases {
        println!("{name}");
        lab.send(from, frame).dropped(from, *reason);
    }
}

#[test]
fn a_second_tag_does_not_hop_into_another_vlan() {
    let lab = Lab::silent(TRUNKS);
    for (to, port) in [(MAC_1, "p1"), (MAC_3, "p3")] {
        lab.send("p2", &data(to, MAC_2).tagged(20).tagged(10)).dropped(port, InnerTag);
    }
    let everybody = data(BROADCAST, MAC_2).tagged(20).tagged(10);
    lab.send("p2", &everybody).is(&[("p4", &everybody)], &[("p1", InnerTag), ("p3", InnerTag)]);
}

#[test]
fn tags_of_customers_travel_below_a_service_tag() {
    let lab = Lab::silent(
        "
- {kind: Network, name: carrier, vlan: 100}
- {kind: Port, name: p1, network: carrier, qinq: true, mac: ['02:00:00:00:00:01']}
- {kind: Port, name: p2, network: carrier, qinq: true, mac: ['02:00:00:00:00:02']}
- {kind: Port, name: p3, trunk: '100', mac: ['02:00:00:00:00:03']}
",
    );
    let (out, back, across) = (data(MAC_3, MAC_1), data(MAC_1, MAC_3), data(MAC_2, MAC_1));
    let cases: &[(&str, &str, Frame, &str, Frame)] = &[
        ("out", "p1", out.tagged(7), "p3", out.tagged(7).with_tag(SERVICE, 100)),
        ("out without a tag", "p1", out.clone(), "p3", out.with_tag(SERVICE, 100)),
        (
            "the priority shows",
            "p1",
            out.with_tag(CUSTOMER, urgent(7)),
            "p3",
            out.with_tag(CUSTOMER, urgent(7)).with_tag(SERVICE, urgent(100)),
        ),
        ("back", "p3", back.tagged(7).with_tag(SERVICE, 100), "p1", back.tagged(7)),
        ("back without a tag", "p3", back.with_tag(SERVICE, 100), "p1", back),
        ("from customer to customer", "p1", across.tagged(7).tagged(8), "p2", across.tagged(7).tagged(8)),
    ];
    for (name, from, frame, to, wanted) in cases {
        println!("{name}");
        lab.send(from, frame).reaches(&[(to, wanted)]);
    }
}
