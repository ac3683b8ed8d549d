//! A short test of the whole switch for any kernel: `cargo xtask test --ring 5` runs it on stock Debian kernels.
#![allow(clippy::unwrap_used, reason = "functions that several tests share fail them")]

use dvs_tests::netns::Lab;
use dvs_tests::netns::frames::{BROADCAST, CUSTOMER, MAC_1, MAC_3, MAC_5, data};
use switch_user::report::Hook;

const TWO_VLANS: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1, 'fd00::1']}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p3, network: green}
- {kind: Port, name: p4, network: green}
- {kind: Port, name: p5, trunk: '10,20'}
";

/// First kernel with tcx.
const TCX: (u32, u32) = (6, 6);

fn kernel() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn two_vlans_are_switched_and_isolated_with_any_agent() {
    let mut lab = Lab::new(TWO_VLANS);
    let hook = if kernel() >= TCX { Hook::Tcx } else { Hook::Clsact };
    assert_eq!(lab.host.port("p1").hook, Some(hook));
    let check = |lab: &Lab| {
        assert!(lab.ping("p1", "p2").is_lossless());
        assert!(lab.ping("p4", "p3").is_lossless());
        assert!(lab.ping("p2", "p3").is_lost());
    };
    check(&lab);
    lab.host.kill_agent();
    check(&lab);
    lab.host.start_agent();
    assert!(lab.host.log().contains("operations=0"), "{}", lab.host.log());
    check(&lab);
}

#[test]
fn tags_are_pushed_and_popped() {
    let lab = Lab::silent(TWO_VLANS);
    let (blue, green) = (data(BROADCAST, MAC_1), data(BROADCAST, MAC_3));
    lab.send("p1", &blue).reaches(&[("p2", &blue), ("p5", &blue.tagged(10))]);
    lab.send("p3", &green).reaches(&[("p4", &green), ("p5", &green.tagged(20))]);
    let answer = data(MAC_1, MAC_5);
    lab.send("p5", &answer.with_tag(CUSTOMER, 0xa00a)).reaches(&[("p1", &answer)]);
}

#[test]
fn teardown_leaves_nothing() {
    let mut lab = Lab::silent(TWO_VLANS);
    lab.host.stop_agent();
    lab.host.teardown();
    let qdiscs = dvs_tests::netns::run(lab.host.namespace.command("tc").args(["qdisc", "show", "dev", "p1"]));
    assert!(!qdiscs.contains("clsact"), "{qdiscs}");
    assert!(!lab.host.state().join("bpf").exists());
}
