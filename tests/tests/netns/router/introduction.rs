//! A VM that asks for its gateway before its port is there: the router introduces itself once it is.

use dvs_tests::frame::Frame;
use dvs_tests::netns::{LIMIT, Lab, Process, Stack, run, until};
use switch_common::addr::GATEWAY_MAC;

use super::{BLUE, dvs};

const NETWORKS: &str = "
- {kind: Router, name: r}
- {kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Uplink, name: u9, vlans: '10,20'}
";

/// The router's addresses in blue.
const GATEWAYS: [&str; 3] = ["10.0.10.1", "fd00:10::1", "fe80::64:76ff:fe73:1%eth0"];

/// Makes a VM a station of blue that asks once, and then for a long time not again.
fn prepare(lab: &Lab, vm: &str) {
    let vm = lab.vm(vm);
    for family in ["ipv4", "ipv6"] {
        vm.namespace.sysctl(&format!("{family}/neigh/eth0/retrans_time_ms"), "600000");
    }
    vm.join(BLUE);
}

/// Pings a gateway; the VM has asked for it when this returns.
fn ask(lab: &Lab, vm: &str, gateway: &str) -> Process {
    let namespace = &lab.vm(vm).namespace;
    let ping = Process::start(namespace.command("ping").args(["-n", "-c", "1", "-W", "30", gateway]));
    let address = gateway.split('%').next().unwrap();
    until("the VM asks", || {
        let mut command = namespace.command("ip");
        let known = run(command.args(["neigh", "show", address, "dev", "eth0"]));
        known.contains("INCOMPLETE").then_some(())
    });
    ping
}

/// True for a frame in which the router says something of itself.
fn is_introduction(frame: &Frame) -> bool {
    let has = |octets: &[u8]| frame.0.windows(octets.len()).any(|part| part == octets);
    let reply = [8, 6, 0, 1, 8, 0, 6, 4, 0, 2];
    let advertisement = frame.0.get(58..60) == Some(&[136, 0]) || frame.0.get(54..56) == Some(&[136, 0]);
    has(&GATEWAY_MAC.octets()) || has(&reply) || advertisement
}

#[test]
fn a_vm_that_asked_before_its_port_was_there_need_not_ask_again() {
    let mut lab = Lab::bare(NETWORKS);
    for vm in ["p2", "p3"] {
        lab.plug(vm, 1500, Stack::Bare);
    }
    let mut pings = Vec::new();
    for vm in ["p2", "p3"] {
        prepare(&lab, vm);
        pings.extend(GATEWAYS.map(|gateway| ask(&lab, vm, gateway)));
    }
    dvs(&lab, "port add p2 --network blue --device p2");
    dvs(&lab, "port add p3 --trunk 10,20 --native 10 --device p3");
    for ping in pings {
        ping.succeed(LIMIT);
    }
    let in_green = |frame: &Frame| is_introduction(frame) && frame.0[12..18] == [0x81, 0, 0, 20, 8, 6];
    until("the trunk hears of the router in green", || lab.heard("p3").iter().any(in_green).then_some(()));
    let leaked: Vec<Frame> = lab.heard("u9").into_iter().filter(is_introduction).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
}
