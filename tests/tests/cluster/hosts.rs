//! Ports that follow their VMs from host to host.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use switch_common::addr::Mac;
use switch_user::api::HostState;

use dvs_tests::netns::{Cluster, Ping, Process, Stack, Vm, Wire, run, until};

/// VMs 1 and 2 in VLAN 10 on hosts that may send from their own addresses alone. VM 1 takes pings and nothing else.
const OBJECTS: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Uplink, name: eth1}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1, 'fd00::1'], label: {app: web}}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02'], ip: [10.0.0.2, 'fd00::2']}
- {kind: Group, name: web, selector: {app: web}}
- {kind: Policy, name: web, appliesTo: web}
- {kind: Rule, policy: web, name: ping, priority: 10, direction: in, action: allow, proto: icmp}
- {kind: Rule, policy: web, name: ping6, priority: 11, direction: in, action: allow, proto: icmpv6}
- {kind: Rule, policy: web, name: out, priority: 12, direction: out, action: allow}
";

pub(super) const MTU: u32 = 1500;

/// Starts a VM on a host.
pub(super) fn start(cluster: &mut Cluster, port: &str, host: usize) -> Vm {
    Vm::new(&cluster.host(host).namespace, port, MTU, Stack::Speaking)
}

/// Three hosts, VM 1 on the first and VM 2 on the second one; each sees the other.
#[track_caller]
pub(super) fn three() -> (Cluster, Vm, Vm) {
    let mut cluster = Cluster::new(3, OBJECTS);
    let (one, two) = (start(&mut cluster, "p1", 1), start(&mut cluster, "p2", 2));
    cluster.port_opens("p1", 1);
    cluster.port_opens("p2", 2);
    reaches(&two, &one);
    (cluster, one, two)
}

/// Waits until a VM reaches the other's addresses, and then without loss.
#[track_caller]
pub(super) fn reaches(from: &Vm, to: &Vm) {
    for ip in to.ips() {
        until(&format!("{ip} answers"), || Ping::run(&from.namespace, ip).is_lossless().then_some(()));
    }
}

/// Pings until this is stopped.
pub(super) fn pinging(from: &Vm, ip: IpAddr) -> Process {
    Ping::flood(&from.namespace, ip, Duration::from_mins(1))
}

/// What came of pings.
pub(super) fn stop(pings: Process) -> Ping {
    pings.signal(nix::sys::signal::Signal::SIGINT);
    Ping::read(&pings.finish(Duration::from_secs(10)).output)
}

/// Frames of VM 1 with the tag of blue that announce it, by their ethertype.
fn announced(wire: &Wire) -> Vec<u16> {
    let end = Instant::now() + Duration::from_millis(900);
    let mut kinds = Vec::new();
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let Some(frame) = wire.receive_within(left) else { break };
        let octets = &frame.0;
        if octets[6..12] == Mac::new([2, 0, 0, 0, 0, 1]).octets() && octets[12..16] == [0x81, 0, 0, 10] {
            kinds.push(u16::from_be_bytes([octets[16], octets[17]]));
        }
    }
    kinds
}

#[test]
fn vms_of_a_network_meet_across_hosts_and_rules_hold() {
    let (mut cluster, one, two) = three();
    reaches(&one, &two);
    let refused = two.namespace.command("nc").args(["-z", "-w", "1", "10.0.0.1", "80"]).status().unwrap();
    assert!(!refused.success());
    assert!(cluster.host(1).drops("p1", "policy-in") > 0, "{:?}", cluster.host(1).status());
    let binding = cluster.binding("p1").unwrap();
    assert_eq!((binding.binding.host.as_str(), binding.lost), ("h1", false));
}

#[test]
fn a_vm_of_a_dead_host_is_reached_on_another_one_and_the_first_takes_nothing_back() {
    let (mut cluster, one, two) = three();
    let held = Wire::open(&cluster.underlay, "u3");
    cluster.host(1).kill_agent();
    for device in ["eth1", "mg0"] {
        cluster.connect(1, device, false);
    }
    cluster.host_becomes("h1", HostState::Dead);
    assert!(cluster.binding("p1").unwrap().lost);
    let again = start(&mut cluster, "p1", 3);
    let took = cluster.port_opens("p1", 3);
    let kinds = announced(&held);
    reaches(&two, &again);
    println!("claimed and open after {took:?}");
    for kind in [0x8035, 0x0806, 0x86dd] {
        assert!(kinds.iter().filter(|other| **other == kind).count() >= 5, "{kind:x}: {kinds:x?}");
    }
    // The dead one comes back, with its copy of the VM.
    for device in ["eth1", "mg0"] {
        cluster.connect(1, device, true);
    }
    cluster.host(1).start_agent();
    cluster.host_becomes("h1", HostState::Alive);
    cluster.port_opens("p1", 3);
    reaches(&two, &again);
    assert_eq!(cluster.binding("p1").unwrap().binding.host, "h3");
    assert!(Ping::run(&one.namespace, two.ips()[0]).is_lost(), "the first copy is closed");
}

#[test]
fn nothing_is_lost_without_a_manager_and_a_vm_still_gets_its_port() {
    let (mut cluster, one, two) = three();
    let pings = pinging(&two, one.ips()[0]);
    cluster.kill_manager();
    cluster.host(1).start_agent();
    cluster.port_opens("p1", 1);
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
    // The host dies, and nobody is there to say so.
    cluster.host(1).kill_agent();
    cluster.connect(1, "eth1", false);
    cluster.connect(1, "mg0", false);
    let again = start(&mut cluster, "p1", 3);
    cluster.port_opens("p1", 3);
    reaches(&two, &again);
    cluster.start_manager();
    until("the claim is known", || cluster.binding("p1").filter(|entry| entry.binding.host == "h3"));
    cluster.connect(1, "eth1", true);
    cluster.connect(1, "mg0", true);
    cluster.host(1).start_agent();
    cluster.port_opens("p1", 3);
    reaches(&two, &again);
}

#[test]
fn a_host_that_no_manager_reaches_goes_on_until_its_vm_is_elsewhere() {
    let (mut cluster, one, two) = three();
    let pings = pinging(&two, one.ips()[0]);
    cluster.connect(1, "mg0", false);
    cluster.host_becomes("h1", HostState::Dead);
    assert!(cluster.binding("p1").unwrap().lost);
    cluster.connect(1, "mg0", true);
    cluster.host_becomes("h1", HostState::Alive);
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
    assert_eq!(cluster.binding("p1").unwrap().binding.host, "h1", "it is where it was");
    // Once more, and this time somebody starts the VM elsewhere while the first one still runs.
    cluster.connect(1, "mg0", false);
    cluster.host_becomes("h1", HostState::Dead);
    let again = start(&mut cluster, "p1", 3);
    until("h3 has claimed it", || cluster.binding("p1").filter(|entry| entry.binding.host == "h3"));
    cluster.connect(1, "mg0", true);
    cluster.port_opens("p1", 3);
    reaches(&two, &again);
    assert!(Ping::run(&one.namespace, two.ips()[0]).is_lost(), "the first copy is closed");
}

#[test]
fn a_host_says_whom_it_follows_and_takes_claims_alone() {
    let (mut cluster, _one, _two) = three();
    let spare = start(&mut cluster, "v9", 1);
    let host = cluster.host(1);
    let status = run(&mut host.cli("status"));
    assert!(status.contains("https://192.168.77.100:7443, connected for"), "{status}");
    let refused = dvs_tests::netns::finish(&mut host.cli("network add red --vlan 30"));
    assert!(
        refused.errors.contains("this host follows the managers at https://192.168.77.100:7443"),
        "{refused:?}"
    );
    cluster.apply("- {kind: Port, name: p9, network: blue}");
    run(&mut cluster.host(1).cli("port attach p9 --device v9 --wait"));
    assert_eq!(cluster.binding("p9").unwrap().binding.device, "v9");
    cluster.port_opens("p9", 1);
    run(&mut cluster.host(1).cli("port detach p9 --wait"));
    assert_eq!(cluster.binding("p9"), None);
    drop(spare);
}
