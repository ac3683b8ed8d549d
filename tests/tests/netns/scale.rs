//! A thousand ports on one host.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use dvs_tests::netns::frames::{BROADCAST, STRANGER, data};
use dvs_tests::netns::{Lab, Namespace, Ping, within};
use switch_common::verdict::DropReason::CopyFailed;
use switch_user::report::PortState;

/// Ports besides those of the two VMs.
const OTHERS: usize = 998;
/// Copies of a broadcast.
const ALL: u64 = OTHERS as u64 + 1;
const RESIDENT_LIMIT: u64 = 40 << 20;

const PAIR: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
";

/// One namespace with the other ends of all devices q0, q1 and so on; theirs are called e0, e1 and so on.
fn plug_others(lab: &Lab) -> Namespace {
    let crowd = Namespace::new("crowd");
    crowd.sysctl("ipv6/conf/default/disable_ipv6", "1");
    let (mut inside, mut outside) = (String::new(), String::new());
    for number in 0..OTHERS {
        writeln!(inside, "link add q{number} type veth peer name e{number} netns {}", crowd.name()).unwrap();
        writeln!(inside, "link set q{number} up").unwrap();
        writeln!(outside, "link set e{number} up").unwrap();
    }
    lab.host.namespace.ip(&inside);
    crowd.ip(&outside);
    crowd
}

fn sum_of_received(lab: &Lab) -> u64 {
    lab.host.ask(lab.host.client.stats(&None)).unwrap().iter().map(|port| port.total.in_packets).sum()
}

fn sum_of_failed(lab: &Lab) -> u64 {
    let drops = lab.host.ask(lab.host.client.drops(&None)).unwrap();
    drops.iter().filter(|row| row.reason == CopyFailed.label()).map(|row| row.packets).sum()
}

/// Sends a broadcast, and says how many ports got it when all copies are accounted for.
fn broadcast(lab: &Lab) -> Option<u64> {
    let before = [sum_of_received(lab), sum_of_failed(lab)];
    lab.vm("p1").wire.send(&data(BROADCAST, STRANGER));
    within(Duration::from_secs(2), || {
        let received = sum_of_received(lab) - before[0];
        let all = received + sum_of_failed(lab) - before[1];
        assert!(all <= ALL, "{all} copies");
        (all == ALL).then_some(received)
    })
}

#[test]
fn a_thousand_ports() {
    let lab = Lab::silent(PAIR);
    let _crowd = plug_others(&lab);
    let objects: Vec<String> = (0..OTHERS)
        .map(|number| format!("- {{kind: Port, name: q{number}, network: blue, device: q{number}}}"))
        .collect();
    let start = Instant::now();
    lab.host.apply(&objects.join("\n"));
    println!("{OTHERS} ports were attached in {} ms", start.elapsed().as_millis());

    let status = lab.host.status();
    assert_eq!(status.ports.iter().filter(|port| port.state == PortState::Up).count(), OTHERS + 2);
    println!("resident: {} KiB", status.resident_bytes >> 10);
    assert!(status.resident_bytes < RESIDENT_LIMIT, "{} octets are resident", status.resident_bytes);

    // The kernel queues at most netdev_max_backlog (1000) frames a CPU. While others have some there, a
    // copy or two finds no room and is counted, or the broadcast itself finds none. In the end one reaches all.
    let reached = within(Duration::from_mins(2), || broadcast(&lab).filter(|received| *received == ALL));
    assert!(reached.is_some(), "no broadcast has reached all");

    for (vm, address) in [("p1", "10.0.0.1/24"), ("p2", "10.0.0.2/24")] {
        lab.vm(vm).namespace.ip(&format!("address add {address} dev eth0"));
    }
    assert!(Ping::run(&lab.vm("p1").namespace, lab.vm("p2").ips()[0]).is_lossless());
}
