//! Programs of somebody else on our devices are left alone and reported.

use std::collections::BTreeSet;

use dvs_tests::netns::{Host, Lab, foreign};

const PORTS: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Port, name: p1, network: blue}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p3, network: blue}
";

fn reported(host: &Host) -> BTreeSet<(String, String, String)> {
    let programs = host.status().foreign.into_iter();
    programs.map(|program| (program.device, program.hook, program.name)).collect()
}

fn expected(programs: &[(&str, &str)]) -> BTreeSet<(String, String, String)> {
    let of = |(device, hook): &(&str, &str)| ((*device).into(), (*hook).into(), "foreign".into());
    programs.iter().map(of).collect()
}

#[test]
fn they_stay_through_everything() {
    let mut lab = Lab::new(PORTS);
    assert_eq!(reported(&lab.host), expected(&[]));
    let namespace = &lab.host.namespace;
    let _xdp = foreign::xdp(namespace, "p1");
    let _tcx = foreign::tcx(namespace, "p2");
    foreign::clsact(namespace, "p3", &lab.host.state().join("bpf/foreign"));
    let all = expected(&[("p1", "xdp"), ("p2", "tcx"), ("p3", "clsact")]);
    assert_eq!(reported(&lab.host), all);
    assert!(lab.ping("p2", "p3").is_lossless());

    lab.host.stop_agent();
    lab.host.teardown();
    lab.host.start_agent();
    assert_eq!(reported(&lab.host), all);
    assert!(lab.ping("p2", "p3").is_lossless());
}
