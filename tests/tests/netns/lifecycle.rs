//! The agent comes and goes; the datapath stays until it is torn down.

use dvs_tests::netns::frames::{MAC_1, MAC_2, data};
use dvs_tests::netns::{Lab, Wire, finish, until};

const PAIR: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02'], ip: [10.0.0.2, 'fd00::2']}
- {kind: Uplink, name: u9, vlans: '10'}
";

/// Waits for the line in which a new agent says what it had to do.
fn operations(lab: &Lab) -> String {
    until("the agent says what it did", || {
        let log = lab.host.log();
        let line = log.lines().find(|line| line.contains("reconciled"))?;
        line.split(' ').find(|word| word.starts_with("operations=")).map(str::to_owned)
    })
}

#[test]
fn the_datapath_goes_on_without_an_agent() {
    let mut lab = Lab::new(PAIR);
    assert!(lab.ping("p1", "p2").is_lossless());
    lab.host.stop_agent();
    assert!(lab.ping("p1", "p2").is_lossless(), "after a regular end");
    lab.host.start_agent();
    lab.host.kill_agent();
    assert!(lab.ping("p1", "p2").is_lossless(), "after a kill");
}

#[test]
fn a_new_agent_adopts_what_it_finds() {
    let mut lab = Lab::new(PAIR);
    assert!(lab.ping("p1", "p2").is_lossless());
    let before = (lab.host.counters("p1"), lab.host.fdb().len());
    lab.host.kill_agent();
    lab.host.start_agent();
    assert_eq!(operations(&lab), "operations=0");
    assert!(lab.host.counters("p1").out_packets >= before.0.out_packets, "the counters began anew");
    assert_eq!(lab.host.fdb().len(), before.1);
    assert!(lab.ping("p1", "p2").is_lossless());
}

#[test]
fn a_new_agent_makes_up_for_what_it_missed() {
    let mut lab = Lab::new(PAIR);
    lab.host.kill_agent();
    lab.unplug("p1");
    lab.plug("p1", 1500, dvs_tests::netns::Stack::Speaking);
    lab.host.start_agent();
    assert_ne!(operations(&lab), "operations=0");
    assert!(lab.ping("p1", "p2").is_lossless());
}

#[test]
fn teardown_removes_all_of_it() {
    let mut lab = Lab::silent(PAIR);
    let promiscuous = |lab: &Lab| lab.host.namespace.link("u9")["promiscuity"].as_u64();
    // The test's own sockets do not make it so.
    assert_eq!(promiscuous(&lab), Some(1));
    lab.host.stop_agent();
    assert_eq!(promiscuous(&lab), Some(1));
    lab.host.teardown();
    assert_eq!(promiscuous(&lab), Some(0));
    assert!(!lab.host.state().join("bpf").exists());
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(lab.host.state().to_str().unwrap()));
    let frame = data(MAC_2, MAC_1);
    for (port, sent) in [("p1", &frame), ("u9", &frame.tagged(10))] {
        let left_to_host = Wire::behind_tc(&lab.host.namespace, port);
        lab.vm(port).wire.send(sent);
        assert_eq!(left_to_host.receive(), frame, "{port}");
    }
    // The configuration is still there, and so is the switch after the next start.
    lab.host.start_agent();
    lab.send("p1", &frame).reaches(&[("p2", &frame)]);
}

#[test]
fn teardown_does_not_mind_devices_that_are_gone() {
    let mut lab = Lab::silent(PAIR);
    lab.host.kill_agent();
    lab.unplug("u9");
    lab.unplug("p2");
    lab.host.teardown();
    assert!(!lab.host.state().join("bpf").exists());
    // A second time there is nothing to do, and that is no failure.
    lab.host.teardown();
}

#[test]
fn a_state_directory_has_one_agent() {
    let lab = Lab::new(PAIR);
    let refused = finish(&mut lab.host.run_command());
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.errors.contains("another dvs runs"), "{refused:?}");
    assert!(refused.errors.contains("--state-dir"), "{refused:?}");
    assert!(lab.ping("p1", "p2").is_lossless());
}
