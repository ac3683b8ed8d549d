//! Moves that are planned: the port is ready at the other host before it is let go.

use switch_common::addr::Mac;
use switch_user::report::PortState;

use dvs_tests::frame::{Frame, eth};
use dvs_tests::netns::{Cluster, Ping, Stack, Vm, finish, run, until};

use super::hosts::{MTU, pinging, reaches, stop, three};

/// A VM as it is before a migration ends: its device is there and it says nothing, but it would answer.
fn paused(cluster: &mut Cluster, port: &str, host: usize) -> Vm {
    let vm = Vm::new(&cluster.host(host).namespace, port, MTU, Stack::Silent);
    vm.namespace.ip(&format!("addr add {}/24 dev eth0", vm.ips()[0]));
    vm
}

/// What QEMU sends when a migration has ended (RFC 903).
fn announcement(vm: &Vm) -> Frame {
    let own = vm.mac().octets();
    let message = [&[0, 1, 8, 0, 6, 4, 0, 3][..], &own, &[0; 4], &own, &[0; 4]].concat();
    eth(Mac::new([0xff; 6]), vm.mac()).payload(0x8035, &message)
}

/// Waits until a port is ready at a host, and closed.
#[track_caller]
fn is_ready(cluster: &mut Cluster, port: &str, number: usize) {
    until(&format!("{port} is ready"), || {
        let standby = cluster.binding(port)?.standby?;
        (standby.ready && !standby.active).then_some(())
    });
    assert_eq!(cluster.host(number).port(port).state, PortState::Standby);
}

#[test]
fn a_port_is_ready_and_closed_at_its_target_until_its_vm_speaks_there() {
    let (mut cluster, one, two) = three();
    let pings = pinging(&two, one.ips()[0]);
    run(&mut cluster.cli("port move p1 --to h3"));
    let again = paused(&mut cluster, "p1", 3);
    is_ready(&mut cluster, "p1", 3);
    let ping = stop(pings);
    assert!(ping.is_lossless(), "it is still at h1: {ping:?}");
    let rules = run(&mut cluster.host(3).cli("rule list --policy web"));
    assert!(rules.contains("ping6"), "{rules}");
    let pings = pinging(&two, one.ips()[0]);
    again.wire.send(&announcement(&again));
    let took = cluster.port_opens("p1", 3);
    until("the copy answers", || Ping::run(&two.namespace, again.ips()[0]).is_lossless().then_some(()));
    let ping = stop(pings);
    println!(
        "open {took:?} after the VM spoke; {} of {} pings, 2 ms apart, were lost",
        ping.sent - ping.received,
        ping.sent
    );
    assert_eq!(cluster.binding("p1").unwrap().binding.host, "h3");
    assert!(Ping::run(&one.namespace, two.ips()[0]).is_lost(), "the first copy is closed");
}

#[test]
fn a_port_goes_when_its_device_is_gone_at_its_host() {
    let (mut cluster, one, two) = three();
    run(&mut cluster.cli("port move p1 --to h3"));
    let again = paused(&mut cluster, "p1", 3);
    is_ready(&mut cluster, "p1", 3);
    drop(one);
    cluster.port_opens("p1", 3);
    until("the copy answers", || Ping::run(&two.namespace, again.ips()[0]).is_lossless().then_some(()));
}

#[test]
fn a_host_is_drained_and_its_vms_are_reached_on_others() {
    let (mut cluster, one, two) = three();
    let refused = finish(&mut cluster.cli("host drain h1 --to h9"));
    assert!(refused.errors.contains("there is no Host h9"), "{refused:?}");
    let again = paused(&mut cluster, "p1", 3);
    // A device that was seen before the plan was a claim.
    cluster.port_opens("p1", 3);
    let pings = pinging(&two, again.ips()[0]);
    run(&mut cluster.cli("host drain h3 --to h1 --now --wait"));
    cluster.port_opens("p1", 1);
    let ping = stop(pings);
    println!("{} of {} pings, 2 ms apart, were lost", ping.sent - ping.received, ping.sent);
    reaches(&two, &one);
    let list = run(&mut cluster.cli("port list"));
    assert!(list.contains("h1    p1      bound"), "{list}");
}

#[test]
fn a_plan_outlives_agents_and_managers() {
    let (mut cluster, one, two) = three();
    run(&mut cluster.cli("port move p1 --to h3"));
    let again = paused(&mut cluster, "p1", 3);
    is_ready(&mut cluster, "p1", 3);
    let pings = pinging(&two, one.ips()[0]);
    cluster.kill_manager();
    cluster.host(1).start_agent();
    cluster.host(3).start_agent();
    assert_eq!(cluster.host(3).port("p1").state, PortState::Standby);
    cluster.start_manager();
    is_ready(&mut cluster, "p1", 3);
    let ping = stop(pings);
    assert!(ping.is_lossless(), "{ping:?}");
    again.wire.send(&announcement(&again));
    cluster.port_opens("p1", 3);
    until("the copy answers", || Ping::run(&two.namespace, again.ips()[0]).is_lossless().then_some(()));
}
