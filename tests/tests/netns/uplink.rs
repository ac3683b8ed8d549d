//! Uplinks: the switch's VLANs are switched, everything else stays with the host.

use std::net::IpAddr;

use dvs_tests::netns::frames::{BRIDGES, BROADCAST, MAC_1, MAC_9, STRANGER, data, data_of};
use dvs_tests::netns::{Lab, Ping, Wire, run};

const UPLINK: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01']}
- {kind: Uplink, name: u9, vlans: '10'}
";

#[test]
fn the_host_keeps_its_own_traffic() {
    let lab = Lab::new(UPLINK);
    lab.host.namespace.ip("address add 10.0.0.200/24 dev u9");
    let host: IpAddr = "10.0.0.200".parse().unwrap();
    let in_and_out =
        [Ping::run(&lab.vm("u9").namespace, host), Ping::run(&lab.host.namespace, lab.vm("u9").ips()[0])];
    assert!(in_and_out.iter().all(Ping::is_lossless), "{in_and_out:?}");
    assert!(Ping::run(&lab.vm("p1").namespace, host).is_lost(), "a VM reaches the host's untagged network");
}

#[test]
fn only_the_vlans_of_the_switch_are_taken() {
    let lab = Lab::silent(UPLINK);
    let outside = &lab.vm("u9").wire;
    let left_to_host = Wire::behind_tc(&lab.host.namespace, "u9");
    let (frame, other) = (data(BROADCAST, MAC_9), data_of(BROADCAST, MAC_9, 100));
    let for_bridges = data(BRIDGES, MAC_9);
    let of_host = [("untagged", &frame, &frame), ("a VLAN of its own", &other.tagged(30), &other)];
    for (name, sent, wanted) in of_host.into_iter().chain([("LLDP", &for_bridges, &for_bridges)]) {
        outside.send(sent);
        assert_eq!(left_to_host.receive(), *wanted, "{name}");
    }
    lab.send("u9", &frame.tagged(10)).reaches(&[("p1", &frame)]);
    // What comes next at the host is the next frame of the host's.
    outside.send(&frame);
    assert_eq!(left_to_host.receive(), frame);
}

#[test]
fn frames_go_out_with_the_tag_of_their_vlan() {
    let lab = Lab::silent(UPLINK);
    let out = data(STRANGER, MAC_1);
    lab.send("p1", &out).reaches(&[("u9", &out.tagged(10))]);
    let answer = data(MAC_1, STRANGER);
    lab.send("u9", &answer.tagged(10)).reaches(&[("p1", &answer)]);
    lab.send("p1", &out).reaches(&[("u9", &out.tagged(10))]);
    assert_eq!((lab.host.counters("u9").learned, lab.host.counters("u9").in_packets), (1, 2));
}

#[test]
fn an_untagged_vlan_of_the_switch_is_the_native_one() {
    let lab = Lab::silent(
        "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue}
- {kind: Uplink, name: u9, native: 10, vlans: '10,20'}
",
    );
    let (there, back) = (data(BROADCAST, MAC_9), data(MAC_9, MAC_1));
    lab.send("u9", &there).reaches(&[("p1", &there)]);
    lab.send("p1", &back).reaches(&[("u9", &back)]);
}

#[test]
fn uplinks_hear_everything_and_say_how_they_run() {
    let lab = Lab::silent(UPLINK);
    assert_eq!(lab.host.namespace.link("u9")["promiscuity"], 1);
    let list = run(&mut lab.host.cli("uplink list"));
    assert!(list.contains("u9") && list.contains("XDP"), "{list}");
    let modes = [("off", None), ("generic", Some("generic")), ("native", Some("native"))];
    for (wanted, mode) in modes {
        run(&mut lab.host.cli(&format!("uplink set u9 --xdp {wanted} --wait")));
        let list = run(&mut lab.host.cli("uplink list"));
        let line = list.lines().find(|line| line.contains("u9")).unwrap();
        assert!(mode.is_none_or(|mode| line.contains(mode)), "{list}");
        let attached = lab.host.namespace.link("u9")["xdp"]["mode"].as_u64();
        // 1 is native and 2 generic, in the words of the kernel.
        assert_eq!(attached, mode.map(|mode| if mode == "native" { 1 } else { 2 }), "{wanted}");
        let frame = data(BROADCAST, MAC_9);
        lab.send("u9", &frame.tagged(10)).reaches(&[("p1", &frame)]);
    }
    run(&mut lab.host.cli("uplink remove u9 --wait"));
    assert_eq!(lab.host.namespace.link("u9")["promiscuity"], 0);
    assert!(lab.host.namespace.link("u9").get("xdp").is_none());
}
