//! Both copies of a VM alive, because its host is only cut off.

use dvs_tests::netns::{Cluster, Ping, Vm, Wire, until};

use super::hosts::{announced, pinging, reaches, start, stop};

/// VMs 1, 2 and 4 in one network, of which VM 4 is beside the first copy of VM 1.
const PORTS: &str = "
- {kind: Port, name: p1, network: blue, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1, 'fd00::1']}
- {kind: Port, name: p2, network: blue}
- {kind: Port, name: p4, network: blue}
";
const VLAN: &str = "
- {kind: Uplink, name: eth1}
- {kind: Network, name: blue, vlan: 10}
";
const OVERLAY: &str = "
- {kind: Host, name: h1, underlay: 192.0.2.1}
- {kind: Host, name: h2, underlay: 192.0.2.2}
- {kind: Host, name: h3, underlay: 192.0.2.3}
- {kind: Network, name: blue, vni: 5000}
";

struct Scene {
    cluster: Cluster,
    first: Vm,
    others: [Vm; 2],
}

/// VM 1 on host 1, which everybody reaches.
fn scene(network: &str) -> Scene {
    let mut cluster = Cluster::new(3, &format!("{network}{PORTS}"));
    for (number, host) in (1..).zip(&cluster.hosts) {
        host.namespace.ip(&format!("addr add 192.0.2.{number}/24 dev eth1"));
    }
    let [first, second, fourth] =
        [("p1", 1), ("p2", 2), ("p4", 1)].map(|(port, host)| start(&mut cluster, port, host));
    for (port, host) in [("p1", 1), ("p2", 2), ("p4", 1)] {
        cluster.port_opens(port, host);
    }
    let others = [second, fourth];
    for other in &others {
        reaches(other, &first);
    }
    Scene { cluster, first, others }
}

impl Scene {
    /// Starts VM 1 once more, on host 3, which gets the port.
    fn start_copy(&mut self) -> Vm {
        let copy = start(&mut self.cluster, "p1", 3);
        until("h3 has claimed it", || self.cluster.binding("p1").filter(|entry| entry.binding.host == "h3"));
        copy
    }

    /// One copy is open, and everybody reaches it with the first packet; nobody hears of the other one.
    #[track_caller]
    fn ends_with(&self, copy: &Vm) {
        self.cluster.port_opens("p1", 3);
        for other in &self.others {
            for ip in copy.ips() {
                let ping = Ping::run(&other.namespace, ip);
                assert!(ping.is_lossless(), "{ip}: {ping:?}");
            }
            assert!(Ping::run(&self.first.namespace, other.ips()[0]).is_lost(), "the first copy is closed");
        }
        assert_eq!(self.cluster.binding("p1").unwrap().binding.host, "h3");
    }
}

#[test]
fn a_copy_is_closed_at_once_at_a_host_that_only_the_others_do_not_reach() {
    for network in [VLAN, OVERLAY] {
        let mut scene = scene(network);
        scene.cluster.connect(1, "eth1", false);
        let copy = scene.start_copy();
        scene.cluster.port_opens("p1", 3);
        reaches(&scene.others[0], &copy);
        scene.cluster.connect(1, "eth1", true);
        scene.ends_with(&copy);
    }
}

#[test]
fn a_copy_goes_on_at_a_host_that_no_manager_reaches_and_is_closed_when_one_does() {
    for network in [VLAN, OVERLAY] {
        let mut scene = scene(network);
        scene.cluster.connect(1, "mg0", false);
        let held = Wire::open(&scene.cluster.underlay, "u3");
        let copy = scene.start_copy();
        until("both copies are open", || {
            (scene.cluster.is_open("p1", 1) && scene.cluster.is_open("p1", 3)).then_some(())
        });
        // All that is said of the claim is said before the other host hears of it.
        announced(&held);
        // The first one has the last word.
        let pings = pinging(&scene.first, scene.others[0].ips()[0]);
        assert!(scene.cluster.is_open("p1", 1));
        scene.cluster.connect(1, "mg0", true);
        scene.cluster.port_opens("p1", 3);
        scene.ends_with(&copy);
        stop(pings);
    }
}
